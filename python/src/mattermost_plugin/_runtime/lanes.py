"""The two directions of a streaming hook call, by part: for handlers on threads, and for those on the event loop.

A part that is read is either wanted (the next piece of the body, the answer to a hijack) or noted. Nothing is read ahead of what is
wanted, and nothing written ahead of what is taken but a few parts: the windows of HTTP/2 reach from the client to the handler.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from mattermost_plugin import _native
from mattermost_plugin._runtime import parts
from mattermost_plugin._runtime.pool import waiting

if TYPE_CHECKING:
    import asyncio

    from mattermost_plugin._generated.hooks import HookSpec

__all__ = ["AsyncLane", "ClientGoneError", "Lane", "SyncLane"]

_GONE = "the client has gone"

#: How many parts may wait until `AsyncLane.drained` waits for them.
_AHEAD = 4


class ClientGoneError(ConnectionError):
    """The client has gone, or gave up in the middle of its request: nobody's fault."""


class Lane:
    """What both kinds have.

    Args:
        call: The streaming call.
        spec: Its hook.
    """

    def __init__(self, call: _native.Call, spec: HookSpec) -> None:
        self.call = call
        self.spec = spec
        self._requests = parts.parts_of(spec.request)
        self._responses = parts.parts_of(spec.response)
        self.pieces: deque[bytes] = deque()
        self.trailers: dict[str, list[str]] = {}
        self._body_over = False
        self._broken = ""
        self._hijacked: str | None = None
        self._connection: deque[bytes] = deque()
        self._connection_over = False

    def start(self, first: tuple[Any, ...] | None) -> dict[str, Any]:
        """Returns the fields of the part that every exchange begins with.

        Raises:
            ConnectionError: It began otherwise.
        """
        name, value = ("", None) if first is None else self._requests.which(first)
        if name != "start":
            raise ConnectionError(f"{self.spec.go} began with {name or 'nothing'} in place of its arguments")
        return parts.unpack(self._requests.message_of("start"), value)

    def take(self, values: tuple[Any, ...] | None) -> None:
        """Notes what one message says; ``None`` is the end of all messages."""
        if values is None:
            if not self._body_over:
                self._body_over, self._broken = True, "the request ended before its body did"
            self._connection_over = True
            self._hijacked = self._hijacked or "the request is over"
            return
        name, value = self._requests.which(values)
        if name in ("body", "content"):
            # To whoever reads, a piece of nothing would be the end.
            if value and self._hijacked is None:
                self.pieces.append(value)
        elif name in ("body_end", "content_end"):
            end = parts.unpack(self._requests.message_of(name), value)
            self._body_over, self._broken = True, end["error"]
            self.trailers = end.get("trailers") or {}
        elif name == "client_gone":
            self._body_over, self._broken, self._connection_over = True, self._broken or _GONE, True
        elif name == "hijacked":
            self._hijacked = parts.unpack(self._requests.message_of(name), value)["error"]
        elif name == "connection_data":
            if value:
                self._connection.append(value)
        elif name == "connection_end":
            self._connection_over = True

    @property
    def body_over(self) -> bool:
        """Whether all pieces of the body have arrived, or no more will."""
        return self._body_over

    @property
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.call.cancelled

    def message(self, part: str, fields: dict[str, object]) -> tuple[object, ...]:
        """Returns the message that is one part of the answer, which is a message itself."""
        return self._responses.pack(part, parts.build(self._responses.message_of(part), **fields))

    def piece(self, part: str, content: bytes) -> tuple[object, ...]:
        """Returns the message that is one piece of the answer."""
        return self._responses.pack(part, content)

    def _has_piece(self) -> bool:
        return bool(self.pieces) or self._body_over

    def _next_piece(self) -> bytes | None:
        if self.pieces:
            return self.pieces.popleft()
        if self._broken:
            raise ClientGoneError(self._broken)
        return None

    def _has_data(self) -> bool:
        return bool(self._connection) or self._connection_over

    def _next_data(self) -> bytes | None:
        return self._connection.popleft() if self._connection else None

    def _check_hijacked(self) -> None:
        if self._hijacked:
            raise ConnectionError(f"the connection cannot be taken over: {self._hijacked}")


class SyncLane(Lane):
    """Reads and writes by waiting, with the pool told so."""

    def read_start(self) -> dict[str, Any]:
        """Waits for the first part."""
        try:
            # It comes with the call: nothing to wait for that would be worth saying so.
            return self.start(self.call.read_message())
        except _native.RpcError as error:
            raise ClientGoneError(f"{_GONE}: {error}") from None

    def next_piece(self) -> bytes | None:
        """Waits for the next piece of the body or file; ``None`` after the last.

        Raises:
            ConnectionError: It ended early.
        """
        while not self._has_piece():
            self.take(self._read())
        return self._next_piece()

    async def next_piece_async(self) -> bytes | None:
        """For an awaitable that a ``def`` handler returned: the event loop waits with it."""
        from asyncio import to_thread

        return await to_thread(self.next_piece)

    def send(self, message: tuple[object, ...], *, more: bool = False) -> None:
        """Sends a part; waits while the client is slow.

        Args:
            message: The part.
            more: Another follows at once, and can go out with it.

        Raises:
            ConnectionError: The client has gone.
        """
        taken = self.call.write_now(message, more=more)
        if taken is None:
            with waiting():
                taken = self.call.write_message(message)
        if not taken:
            raise ClientGoneError(_GONE)

    async def drained(self) -> None:
        """Everything was taken when `send` returned."""

    def _read(self) -> tuple[Any, ...] | None:
        try:
            with waiting():
                return self.call.read_message()
        except _native.RpcError as error:
            raise ClientGoneError(f"{_GONE}: {error}") from None


class AsyncLane(Lane):
    """Reads and writes as the event loop has it: one message at a time in each direction, so that their order stays."""

    def __init__(self, call: _native.Call, spec: HookSpec) -> None:
        super().__init__(call, spec)
        self._outgoing: deque[tuple[object, ...]] = deque()
        self._sending: asyncio.Future[bool] | None = None
        self._drain: asyncio.Future[None] | None = None
        self._failed = False

    async def read_start(self) -> dict[str, Any]:
        """Waits for the first part."""
        return self.start(await self._read())

    def next_piece(self) -> bytes | None:
        """Never waits, since that would stop the event loop.

        Raises:
            RuntimeError: Nothing is there yet.
        """
        if not self._has_piece():
            raise RuntimeError("not all of it has arrived; in an `async def` handler use `async for`")
        return self._next_piece()

    async def next_piece_async(self) -> bytes | None:
        """Waits for the next piece of the body or file; ``None`` after the last.

        Raises:
            ConnectionError: It ended early.
        """
        while not self._has_piece():
            self.take(await self._read())
        return self._next_piece()

    async def read_ahead(self, limit: int) -> bool:
        """Reads pieces until `limit` bytes are there; returns whether that is everything."""
        size = sum(map(len, self.pieces))
        while not self._body_over and size <= limit:
            count = len(self.pieces)
            self.take(await self._read())
            if len(self.pieces) > count:
                size += len(self.pieces[-1])
        return self._body_over and not self._broken

    def send(self, message: tuple[object, ...], *, more: bool = False) -> None:
        """Sends a part when the ones before it have been taken; does not wait for that.

        Args:
            message: The part.
            more: Another follows at once, and can go out with it.

        Raises:
            ConnectionError: The client has gone.
        """
        if self._failed or self.call.cancelled:
            raise ClientGoneError(_GONE)
        if self._sending is None and not self._outgoing:
            taken = self.call.write_now(message, more=more)
            if taken is not None:
                self._failed = not taken
                return
        self._outgoing.append(message)
        if self._sending is None:
            self._send_next()

    async def drained(self, ahead: int = _AHEAD) -> None:
        """Waits until no more than a few parts wait to be taken.

        Raises:
            ConnectionError: The client has gone.
        """
        import asyncio

        while not self._failed and self._waiting() > ahead:
            if self._drain is None:
                self._drain = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._drain)
        if self._failed:
            raise ClientGoneError(_GONE)

    async def hijack(self) -> None:
        """Takes over the connection.

        Raises:
            ConnectionError: The server does not give it, or the client has gone.
        """
        self.send(self.message("hijack", {}))
        while self._hijacked is None:
            self.take(await self._read())
        self._check_hijacked()

    async def next_data(self) -> bytes | None:
        """Waits for the next bytes on a connection that was taken over; ``None`` after the last."""
        while not self._has_data():
            self.take(await self._read())
        return self._next_data()

    def _waiting(self) -> int:
        return len(self._outgoing) + (self._sending is not None)

    def _send_next(self) -> None:
        if not self._outgoing:
            self._sending = None
        else:
            self._sending = self.call.write_message_async(self._outgoing.popleft())
            self._sending.add_done_callback(self._sent)
        if self._drain is not None and self._waiting() <= _AHEAD:
            self._wake()

    def _sent(self, sending: asyncio.Future[bool]) -> None:
        self._sending = None
        if sending.cancelled() or sending.exception() is not None or not sending.result():
            self._failed = True
            self._outgoing.clear()
            self._wake()
        else:
            self._send_next()

    def _wake(self) -> None:
        drain, self._drain = self._drain, None
        if drain is not None and not drain.done():
            drain.set_result(None)

    async def _read(self) -> tuple[Any, ...] | None:
        try:
            return await self.call.read_message_async()
        except _native.RpcError as error:
            raise ClientGoneError(f"{_GONE}: {error}") from None
