"""ASGI applications: FastAPI, Starlette, Django, Quart, … with ``http``, ``websocket`` and ``lifespan`` scopes."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from mattermost_plugin._http.mounts import base_path
from mattermost_plugin._http.websocket import WebSocketServing, wants_websocket
from mattermost_plugin._runtime.endpoints import Endpoint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from mattermost_plugin._http.access import Access
    from mattermost_plugin._runtime.http_exchange import HttpServing
    from mattermost_plugin.plugin import Plugin

    Event = dict[str, Any]
    Application = Callable[[Event, Callable[[], Awaitable[Event]], Callable[[Event], Awaitable[None]]], Awaitable[None]]

__all__ = ["AsgiEndpoint"]

_log = logging.getLogger("mattermost_plugin.runtime")


class AsgiEndpoint(Endpoint):
    """An ASGI application under a path.

    Besides what ASGI says, scopes have ``scope["mattermost"]``: ``user_id``, ``plugin_id`` (of the plugin that asks) and ``context``.
    """

    is_async = True

    def __init__(self, plugin: Plugin, application: Application, mounted_at: str, access: Access) -> None:
        self.label = f"{getattr(application, '__name__', type(application).__name__)} at {mounted_at or '/'}"
        self._plugin = plugin
        self._application = application
        self._mounted_at = mounted_at
        self._access = access
        self._lifespan = _Lifespan(application, self.label)

    async def run_async(self, serving: HttpServing) -> None:
        """Lets the application answer."""
        await self._access.check_async(serving.request)
        await self._lifespan.started()
        if wants_websocket(serving.request):
            await WebSocketServing(serving, self._scope(serving, "websocket")).run(self._application)
            return
        exchange = _HttpScope(serving)
        await self._application(self._scope(serving, "http"), exchange.receive, exchange.send)
        exchange.check_complete()

    def _scope(self, serving: HttpServing, kind: str) -> Event:
        request = serving.request
        raw_path, _, query = request.url.partition("?")
        root = base_path(self._plugin, request, self._mounted_at)
        prefix = root[: len(root) - len(self._mounted_at)] if self._mounted_at else root
        secure = request.get_header("X-Forwarded-Proto").lower() == "https"
        scheme = {"http": ("http", "https"), "websocket": ("ws", "wss")}[kind][secure]
        scope: Event = {
            "type": kind,
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": request.proto.rpartition("/")[2] or "1.1",
            "scheme": scheme,
            "path": unquote(prefix + raw_path),
            "raw_path": (prefix + raw_path).encode(),
            "query_string": query.encode(),
            "root_path": unquote(root),
            "headers": _raw_headers(serving),
            "client": _address(request.remote_addr, 0),
            "server": _address(request.host, 443 if secure else 80),
            "state": dict(self._lifespan.state),
            "mattermost": {"user_id": request.user_id, "plugin_id": request.plugin_id, "context": serving.context},
        }
        if kind == "http":
            scope["method"] = request.method
            scope["extensions"] = {"http.response.trailers": {}, "http.response.early_hint": {}}
        return scope


class _HttpScope:
    """The two functions that an application is given for one request."""

    def __init__(self, serving: HttpServing) -> None:
        self._serving = serving
        self._body_over = False
        self._start: Event | None = None
        self._done = asyncio.Event()

    async def receive(self) -> Event:
        """Returns the next piece of the body; after the last waits for the end."""
        if not self._body_over:
            try:
                piece = await self._serving.lane.next_piece_async()
            except ConnectionError:
                self._body_over = True
                return {"type": "http.disconnect"}
            self._body_over = piece is None
            return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}
        # Who goes away cancels this task.
        await self._done.wait()
        return {"type": "http.disconnect"}

    async def send(self, event: Event) -> None:
        """Sends what the application says.

        Raises:
            OSError: The client has gone.
        """
        kind = event["type"]
        writer = self._serving.writer
        if kind == "http.response.start":
            if self._start is not None:
                raise RuntimeError("the application began a second response")
            self._start = event
            return
        if kind == "http.response.early_hint":
            saved = list(writer.headers.get_all("Link"))
            writer.headers.pop("Link", None)
            for link in event.get("links", ()):
                writer.headers.add("Link", link.decode())
            writer.write_header(103)
            writer.headers.pop("Link", None)
            for value in saved:
                writer.headers.add("Link", value)
            return
        if self._start is None:
            raise RuntimeError(f"the application sent {kind} before http.response.start")
        if kind == "http.response.body":
            await self._send_body(event)
        elif kind == "http.response.trailers":
            fields: dict[str, list[str]] = {}
            for name, value in event.get("headers", ()):
                fields.setdefault(_text(name), []).append(_text(value))
            if not event.get("more_trailers", False):
                await self._end(fields)
        else:
            raise RuntimeError(f"the application sent {kind!r}, which is not known")

    def check_complete(self) -> None:
        """Refuses an application that returned without an answer, or with half of one."""
        if self._start is None:
            raise RuntimeError("the application returned without an answer")
        if not self._done.is_set():
            raise RuntimeError("the application returned before its answer was complete")

    async def _send_body(self, event: Event) -> None:
        writer = self._serving.writer
        assert self._start is not None  # noqa: S101 (checked by the only caller)
        if not writer.head_sent:
            set_fields(self._serving, self._start.get("headers", ()))
            writer.write_header(self._start["status"])
        body = event.get("body", b"")
        if body:
            writer.write(body)
        if event.get("more_body", False):
            if body:
                # What an application sends bit by bit is meant to be seen bit by bit.
                writer.flush()
            await writer.drain()
        elif not self._start.get("trailers", False):
            await self._end({})

    async def _end(self, trailers: dict[str, list[str]]) -> None:
        """Ends the answer now: what the application does later is no part of it."""
        self._serving.writer.end(trailers)
        await self._serving.finish_async()
        self._done.set()


class _Lifespan:
    """Start and end of an application, as it asks for them; many do not."""

    def __init__(self, application: Application, label: str) -> None:
        self._application = application
        self._label = label
        self._task: asyncio.Task[None] | None = None
        self._events: asyncio.Queue[Event] | None = None
        self._started: asyncio.Future[None] | None = None
        self.state: dict[str, Any] = {}

    async def started(self) -> None:
        """Starts the application, once, and waits until it has started.

        Raises:
            RuntimeError: It could not start; the next request tries again.
        """
        started = self._started
        if started is None or (started.done() and started.exception() is not None):
            started = self._start()
        if not started.done():
            await asyncio.shield(started)

    def _start(self) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        if self._task is None:
            # Once, however often it is tried.
            register_lifespan(loop, self.stop)
        self._started, self._events = loop.create_future(), asyncio.Queue()
        self._events.put_nowait({"type": "lifespan.startup"})
        # Not in the request's context, and not cancelled with it.
        self._task = loop.create_task(self._run(self._started, self._events), name="mattermost-lifespan")
        return self._started

    async def stop(self) -> None:
        """Tells the application that it ends, and waits for it."""
        if self._events is None or self._task is None or self._task.done():
            return
        self._events.put_nowait({"type": "lifespan.shutdown"})
        await asyncio.wait([self._task])

    async def _run(self, started: asyncio.Future[None], events: asyncio.Queue[Event]) -> None:
        async def send(event: Event) -> None:
            kind = event["type"]
            if kind == "lifespan.startup.complete" and not started.done():
                started.set_result(None)
            elif kind == "lifespan.startup.failed" and not started.done():
                started.set_exception(RuntimeError(f"{self._label} could not start: {event.get('message', '')}"))
            elif kind == "lifespan.shutdown.failed":
                _log.error("%s failed to end: %s", self._label, event.get("message", ""))

        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._application(scope, events.get, send)
        except Exception as error:
            if not started.done():
                # An application that knows no such scope is one that needs no start.
                _log.debug("%s has no lifespan: %r", self._label, error)
            elif started.exception() is None:
                _log.error("%s failed to end", self._label, exc_info=error)
        if not started.done():
            started.set_result(None)


#: What is to be awaited before an event loop ends.
_ENDINGS: list[tuple[asyncio.AbstractEventLoop, Callable[[], Awaitable[None]]]] = []


def register_lifespan(loop: asyncio.AbstractEventLoop, stop: Callable[[], Awaitable[None]]) -> None:
    """Has an application ended before its loop is."""
    _ENDINGS.append((loop, stop))


async def end_lifespans() -> None:
    """Ends the applications of the running loop."""
    running = asyncio.get_running_loop()
    stops = [stop for loop, stop in _ENDINGS if loop is running]
    _ENDINGS[:] = [entry for entry in _ENDINGS if entry[0] is not running]
    for stop in stops:
        await stop()


def set_fields(serving: HttpServing, fields: Iterable[tuple[bytes, bytes]]) -> None:
    """Sets an application's header fields over those of the server."""
    from mattermost_plugin._http.headers import Headers

    headers = Headers()
    for name, value in fields:
        headers.add(_text(name), _text(value))
    serving.writer.headers.take_over(headers)


def _text(value: bytes) -> str:
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        return bytes(value).decode("latin-1")


def _raw_headers(serving: HttpServing) -> list[tuple[bytes, bytes]]:
    request = serving.request
    fields = [] if "Host" in request.headers or not request.host else [(b"host", request.host.encode())]
    for name, values in request.headers.to_dict().items():
        fields += [(name.lower().encode(), value.encode()) for value in values]
    return fields


def _address(text: str, default_port: int) -> tuple[str, int] | None:
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        return text, default_port
    return host.strip("[]"), int(port)
