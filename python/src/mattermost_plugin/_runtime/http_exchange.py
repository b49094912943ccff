"""One HTTP exchange: the request and the writer made of its parts, and results of handlers turned into answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mattermost_plugin._http.events import EVENT_HEADERS, encode
from mattermost_plugin._http.headers import Headers
from mattermost_plugin._http.messages import HttpRequest, HttpResponse
from mattermost_plugin._http.writer import PIECE, ResponseWriter
from mattermost_plugin._runtime import parts
from mattermost_plugin._runtime.lanes import AsyncLane, SyncLane
from mattermost_plugin._runtime.pool import waiting
from mattermost_plugin._runtime.results import shown
from mattermost_plugin.errors import HookResultError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

__all__ = ["HttpServing", "response_of"]

_DICT_KEYS = frozenset({"status_code", "headers", "body"})


class _Request(HttpRequest):
    """A request that arrives; its trailers do so last."""

    _lane: SyncLane | AsyncLane

    @property
    def trailers(self) -> Headers:
        return Headers(self._lane.trailers)

    @trailers.setter
    def trailers(self, trailers: Headers) -> None:
        """Nothing: they are the client's."""


class HttpServing:
    """One exchange; also where its `ResponseWriter` sends.

    Args:
        lane: The call.
        start: The fields of its first part.

    Attributes:
        context: Who asks.
        request: What.
        writer: The answer.
    """

    def __init__(self, lane: SyncLane | AsyncLane, start: dict[str, Any]) -> None:
        self.lane = lane
        self.context = start.get("context")
        #: Whether the call has ended, although its handler may go on.
        self.finished = False
        fields = parts.unpack("HttpRequestHead", start["request"])
        self.request = _Request(
            fields["method"],
            fields["url"],
            headers=fields["header"],
            host=fields["host"],
            remote_addr=fields["remote_addr"],
            request_uri=fields["request_uri"],
            proto=fields["proto"],
        )
        self.request._lane = lane
        self.request._arrives(lane, on_loop=isinstance(lane, AsyncLane))
        self._server_fields: dict[str, list[str]] = start["response_header"]
        # What the server has set already is sent only if the answer says it too.
        self.writer = ResponseWriter(self, self.request.method, self._server_fields)

    def forget_headers(self) -> None:
        """Forgets what a handler that failed had set; what the server had set stays."""
        self.writer.headers = Headers(self._server_fields)

    def send_head(self, status_code: int, fields: Mapping[str, list[str]], *, more: bool = False) -> None:
        """Sends status and header; with `more` a piece of the body follows at once."""
        self.lane.send(self.lane.message("head", {"status_code": status_code, "header": fields}), more=more)

    def send_body(self, piece: bytes) -> None:
        """Sends a piece of the body."""
        self.lane.send(self.lane.piece("body", piece))

    def send_flush(self) -> None:
        """Asks for a flush. Its answer is not waited for: it comes behind the request's body, which may never be read."""
        self.lane.send(self.lane.message("flush", {}))

    def send_trailers(self, fields: Mapping[str, list[str]]) -> None:
        """Sends what follows the body."""
        self.lane.send(self.lane.message("trailers", {"header": fields}))

    async def drained(self) -> None:
        """Waits until nearly everything was taken."""
        await self.lane.drained()

    async def finish_async(self) -> None:
        """Ends the call as soon as all was taken, on the event loop; a handler may go on. Later calls do nothing.

        Raises:
            ConnectionError: The client has gone.
        """
        if not self.finished and isinstance(self.lane, AsyncLane):
            self.finished = True
            await self.lane.drained(0)
            self.lane.call.finish()

    def respond(self, response: HttpResponse) -> None:
        """Sends a response and ends the answer, on a thread.

        Raises:
            TypeError: Its body is an async iterator.
        """
        content = self._begin(response)
        if content is not None:
            if hasattr(content, "__aiter__") and not hasattr(content, "__next__"):
                raise TypeError("the body is an async iterator, which needs an `async def` handler")
            # A stream may take for ever, and must not take a handler's place for so long.
            with waiting():
                for piece in _pieces(content):
                    self.writer.write(piece)
        self.writer.end(response.trailers.to_dict())

    async def respond_async(self, response: HttpResponse) -> None:
        """Sends a response and ends the answer, on the event loop."""
        content = self._begin(response)
        if content is not None:
            async for piece in _pieces_async(content):
                self.writer.write(piece)
                await self.writer.drain()
        self.writer.end(response.trailers.to_dict())

    def send_events(self, events: Iterator[object]) -> None:
        """Sends each event as soon as it was yielded, on a thread."""
        try:
            self._begin_events()
            with waiting():
                for event in events:
                    self.writer.write(encode(event))
                    self.writer.flush()
        finally:
            close = getattr(events, "close", None)
            if close is not None:
                close()
        self.writer.end()

    async def send_events_async(self, events: AsyncIterator[object]) -> None:
        """Sends each event as soon as it was yielded, on the event loop."""
        try:
            self._begin_events()
            async for event in events:
                self.writer.write(encode(event))
                self.writer.flush()
                await self.writer.drain()
        finally:
            close = getattr(events, "aclose", None)
            if close is not None:
                await close()
        self.writer.end()

    def _begin(self, response: HttpResponse) -> Any:
        """Sends the head, and the body if it is whole; returns what is to be sent piece by piece."""
        self.writer.headers.take_over(response.headers)
        content = response._content
        if content is None:
            body = response.body
            if body or self.request.method == "HEAD" or response.status_code not in (204, 304):
                self.writer.headers.setdefault("Content-Length", str(len(body)))
            self.writer._send_head(response.status_code, more=bool(body) and self.request.method != "HEAD")
            if body:
                self.writer.write(body)
            return None
        self.writer.write_header(response.status_code)
        if self.request.method == "HEAD":
            return None
        return content

    def _begin_events(self) -> None:
        for name, value in EVENT_HEADERS.items():
            self.writer.headers.setdefault(name, value)
        self.writer.write_header(self.writer.status_code)
        self.writer.flush()


def _pieces(content: Any) -> Iterator[bytes]:
    if hasattr(content, "read"):
        with content:
            yield from parts.pieces_of(content)
        return
    try:
        for piece in content:
            yield _checked(piece)
    finally:
        close = getattr(content, "close", None)
        if close is not None:
            close()


async def _pieces_async(content: Any) -> AsyncIterator[bytes]:
    if hasattr(content, "__aiter__"):
        try:
            async for piece in content:
                yield _checked(piece)
        finally:
            close = getattr(content, "aclose", None)
            if close is not None:
                await close()
    elif hasattr(content, "read"):
        from asyncio import to_thread

        with content:
            while piece := await to_thread(content.read, PIECE):
                yield _checked(piece)
    else:
        for piece in _pieces(content):
            yield piece


def _checked(piece: object) -> bytes:
    if isinstance(piece, str):
        return piece.encode()
    if not isinstance(piece, (bytes, bytearray, memoryview)):
        raise TypeError(f"a piece of the body is a {type(piece).__name__}; it must be bytes or str")
    return bytes(piece)


def response_of(result: object, label: str, hook: str) -> HttpResponse:
    """Returns what a handler of the hook itself returned as a response.

    Args:
        result: What it returned.
        label: The handler, for people.
        hook: The hook, for people.

    Raises:
        HookResultError: It is none.
    """
    if isinstance(result, HttpResponse):
        return result
    if not isinstance(result, dict):
        raise HookResultError(
            f"{label} returned {shown(result)}, but {hook} takes: HttpResponse, "
            "a dict with status_code, headers and body, a generator of events, or None"
        )
    unknown = sorted(set(result) - _DICT_KEYS)
    if unknown:
        raise HookResultError(
            f"{label} returned a dict with {unknown[0]!r}; known are 'status_code', 'headers' and 'body'"
        )
    try:
        return HttpResponse(result.get("status_code", 200), result.get("headers") or {}, result.get("body") or b"")
    except (TypeError, ValueError) as error:
        raise HookResultError(f"{label} returned no valid answer: {error}") from None
