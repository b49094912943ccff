"""The ``websocket`` scope of ASGI: the handshake, and the connection that the server hands over (hijack)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from typing import TYPE_CHECKING, Any, Final

from mattermost_plugin import _native
from mattermost_plugin._http.headers import Headers, check_fields
from mattermost_plugin._http.messages import HttpResponse
from mattermost_plugin._http.writer import PIECE
from mattermost_plugin._runtime.lanes import AsyncLane

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mattermost_plugin._http.messages import HttpRequest
    from mattermost_plugin._runtime.http_exchange import HttpServing

    Event = dict[str, Any]
    Application = Callable[[Event, Callable[[], Awaitable[Event]], Callable[[Event], Awaitable[None]]], Awaitable[None]]

__all__ = ["WebSocketServing", "wants_websocket"]

#: Said by RFC 6455.
_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

#: Seconds between two pings: what stands between client and server closes connections on which nothing happens.
PING_EVERY: Final = 25.0

#: Seconds that a client has to answer a close.
CLOSE_LIMIT: Final = 2.0

#: Messages that may wait for the application; then the client waits.
_QUEUE: Final = 16

#: Code of an end without a close frame, and of one that the application did not say.
_ABNORMAL: Final = 1006
_NO_CODE: Final = 1005


def wants_websocket(request: HttpRequest) -> bool:
    """Returns whether a request asks for a WebSocket."""
    return (
        request.method == "GET"
        and request.get_header("Upgrade").lower() == "websocket"
        and "upgrade" in request.get_header("Connection").lower()
        and bool(request.get_header("Sec-Websocket-Key"))
    )


class WebSocketServing:
    """One WebSocket.

    Args:
        serving: The exchange that it begins as.
        scope: What the application is told of it.
    """

    def __init__(self, serving: HttpServing, scope: Event) -> None:
        assert isinstance(serving.lane, AsyncLane)  # noqa: S101 (applications of this kind run on the loop)
        self._serving = serving
        self._lane = serving.lane
        protocols = serving.request.get_header("Sec-Websocket-Protocol")
        scope["subprotocols"] = [it.strip() for it in protocols.split(",") if it.strip()]
        scope["extensions"] = {"websocket.http.response": {}}
        self._scope = scope
        self._socket = _native.WebSocket()
        self._events: asyncio.Queue[Event] = asyncio.Queue(_QUEUE)
        self._events.put_nowait({"type": "websocket.connect"})
        self._state = "connecting"
        self._tasks: list[asyncio.Task[None]] = []
        self._ended = asyncio.Event()
        self._denial: Event | None = None

    async def run(self, application: Application) -> None:
        """Lets the application talk, and closes the connection when it returns."""
        try:
            await application(self._scope, self._events.get, self._send)
        except BaseException:
            if self._state == "open":
                await self._close(1011, "")
            raise
        finally:
            # From here on nothing is HTTP any more.
            if self._state in ("open", "closed"):
                await self._finish()
        if self._state == "connecting":
            raise RuntimeError("the application returned without having accepted or closed the WebSocket")

    async def _finish(self) -> None:
        if self._state == "open":
            await self._close(1000, "")
        # The client answers a close; what it still sends would be cut off, and our own close with it.
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._ended.wait(), CLOSE_LIMIT)
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        with contextlib.suppress(ConnectionError):
            self._lane.send(self._lane.message("connection_close", {}))
        await self._serving.finish_async()

    async def _send(self, event: Event) -> None:
        kind = event["type"]
        if kind == "websocket.accept" and self._state == "connecting":
            await self._accept(event)
        elif kind == "websocket.close" and self._state == "connecting":
            self._state = "refused"
            await self._serving.respond_async(HttpResponse(403))
            await self._serving.finish_async()
        elif kind == "websocket.send" and self._state == "open":
            text = event.get("text")
            self._socket.send(bytes(event["bytes"]) if text is None else text)
            await self._flush()
        elif kind == "websocket.close" and self._state == "open":
            await self._close(event.get("code", 1000), event.get("reason") or "")
        elif kind.startswith("websocket.http.response.") and self._state in ("connecting", "denied"):
            await self._deny(event)
        elif self._state in ("closed", "refused"):
            raise OSError(f"the WebSocket is closed, so {kind} reaches nobody")
        else:
            raise RuntimeError(f"the application sent {kind} when the WebSocket was {self._state}")

    async def _accept(self, event: Event) -> None:
        request = self._serving.request
        if request.get_header("Sec-Websocket-Version") != "13":
            self._state = "refused"
            await self._serving.respond_async(HttpResponse(426, {"Sec-WebSocket-Version": "13"}))
            await self._serving.finish_async()
            raise OSError("the client speaks another version of WebSocket than 13")
        fields = Headers()
        for name, value in event.get("headers", ()):
            fields.add(bytes(name).decode("latin-1"), bytes(value).decode("latin-1"))
        key = request.get_header("Sec-Websocket-Key").strip().encode()
        accept = base64.b64encode(hashlib.sha1(key + _MAGIC, usedforsecurity=False).digest()).decode()
        fields.take_over(Headers({"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept}))
        if event.get("subprotocol"):
            fields["Sec-WebSocket-Protocol"] = event["subprotocol"]
        check_fields(fields.to_dict())
        await self._lane.hijack()
        lines = [f"{name}: {value}" for name, values in fields.to_dict().items() for value in values]
        head = "\r\n".join(["HTTP/1.1 101 Switching Protocols", *lines, "", ""])
        self._state = "open"
        # Before anything is awaited: they end also when the client goes away at once.
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._read()), loop.create_task(self._ping())]
        await self._write(head.encode())

    async def _deny(self, event: Event) -> None:
        """An answer of HTTP in place of a WebSocket, in the application's words."""
        writer = self._serving.writer
        if event["type"] == "websocket.http.response.start":
            self._denial, self._state = event, "denied"
            return
        if self._denial is None:
            raise RuntimeError("the application sent the body of an answer that it has not begun")
        if not writer.head_sent:
            from mattermost_plugin._http.asgi import set_fields

            set_fields(self._serving, self._denial.get("headers", ()))
            writer.write_header(self._denial["status"])
        writer.write(event.get("body", b""))
        if not event.get("more_body", False):
            self._state = "refused"
            writer.end()
            await self._serving.finish_async()

    async def _read(self) -> None:
        """Hands the client's messages to the application, at the pace in which it takes them."""
        code, reason = _ABNORMAL, ""
        try:
            while code == _ABNORMAL and (data := await self._lane.next_data()) is not None:
                for kind, value in self._socket.feed(data):
                    if kind >= 1000:
                        code, reason = kind, str(value)
                    elif kind:
                        await self._events.put({"type": "websocket.receive", "text": value})
                    else:
                        await self._events.put({"type": "websocket.receive", "bytes": value})
                # Answers to pings, and to a close.
                await self._flush()
        except ConnectionError:
            pass
        self._ended.set()
        if self._state == "open":
            self._state = "closed"
        # Who asks again is told again.
        while True:
            await self._events.put({"type": "websocket.disconnect", "code": code, "reason": reason})

    async def _ping(self) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            while self._state == "open":
                await asyncio.sleep(PING_EVERY)
                self._socket.ping()
                await self._flush()

    async def _close(self, code: int, reason: str) -> None:
        self._state = "closed"
        with contextlib.suppress(ConnectionError):
            self._socket.close(1000 if code == _NO_CODE else code, reason)
            await self._flush()

    async def _flush(self) -> None:
        data = self._socket.take()
        if data:
            await self._write(data)

    async def _write(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            self._lane.send(self._lane.piece("connection_data", data[start : start + PIECE]))
        await self._lane.drained()
