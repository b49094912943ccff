"""`ResponseWriter`: an answer written piece by piece, with everything refused that would make it no answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mattermost_plugin._http.headers import Headers, check_fields, check_status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mattermost_plugin._http.headers import HeaderValues

__all__ = ["ResponseSink", "ResponseWriter"]

#: Statuses whose answers have no body.
_WITHOUT_BODY = (204, 304)


class ResponseSink(Protocol):
    """Where an answer goes. What raises `ConnectionError` says that nobody takes it any more."""

    def send_head(self, status_code: int, fields: Mapping[str, list[str]], *, more: bool = False) -> None:
        """Sends status and header; with `more` a piece of the body follows at once."""
        ...

    def send_body(self, piece: bytes) -> None:
        """Sends a piece of the body, or has it sent soon."""
        ...

    def send_flush(self) -> None:
        """Has what was sent reach the client now."""
        ...

    def send_trailers(self, fields: Mapping[str, list[str]]) -> None:
        """Sends what follows the body."""
        ...

    async def drained(self) -> None:
        """Returns when what was sent was taken."""
        ...


class ResponseWriter:
    """Writes a response piece by piece; every piece is sent at once.

    In a handler written as ``def``, `write` waits for a slow client. In an ``async def`` one it does not: ``await writer.drain()``
    now and then does, as with asyncio's streams.

    Attributes:
        headers: The header fields; they can be changed until the first piece, or `write_header`. Those that the server has set are
            there already.
        status_code: 200 unless `write_header` said otherwise.
    """

    def __init__(self, sink: ResponseSink, method: str = "GET", headers: HeaderValues | None = None) -> None:
        self.headers = Headers(headers)
        #: What the server has set is its own affair: it is not judged here, and above all no reason not to answer.
        self._given = self.headers.to_dict()
        self.status_code = 200
        self._sink = sink
        self._is_head = method == "HEAD"
        self._head_sent = False
        self._ended = False
        self._declared: int | None = None
        self._written = 0

    @property
    def head_sent(self) -> bool:
        """Whether status and headers are on their way and cannot be changed any more."""
        return self._head_sent

    def set_header(self, name: str, value: str) -> None:
        """Sets a header field to one value."""
        self.headers[name] = value

    def add_header(self, name: str, value: str) -> None:
        """Adds a value to a header field."""
        self.headers.add(name, value)

    def write_header(self, status_code: int) -> None:
        """Sends status and headers. A status below 200 (103: early hints) may come before the one that counts.

        Args:
            status_code: 100 to 999, and not 101.

        Raises:
            ValueError: The status is none, or a header field that the plugin has set cannot be sent.
            RuntimeError: They were sent before.
            ConnectionError: The client has gone.
        """
        self._send_head(status_code)

    def _send_head(self, status_code: int, *, more: bool = False) -> None:
        check_status(status_code)
        if status_code == 101:
            raise ValueError(
                "status 101 is for another protocol on the connection; mount an ASGI application with `websocket`"
            )
        if self._head_sent:
            raise RuntimeError(f"status {self.status_code} and headers were sent before; {status_code} comes too late")
        fields = self.headers.to_dict()
        check_fields(fields, self._given)
        if status_code < 200:
            self._sink.send_head(status_code, fields)
            return
        declared = self._content_length(status_code)
        self.status_code = status_code
        self._declared = declared
        self._head_sent = True
        self._sink.send_head(status_code, fields, more=more)

    def write(self, data: bytes | bytearray | memoryview | str) -> int:
        """Sends a piece of the body, and before the first one status and headers.

        Returns:
            How many bytes it was.

        Raises:
            ConnectionError: The client has gone.
            ValueError: It is more than ``Content-Length`` says, or the status allows no body.
            RuntimeError: The response has ended.
        """
        piece = data.encode() if isinstance(data, str) else bytes(data)
        if self._ended:
            raise RuntimeError("the response has ended, so nothing can be written any more")
        if not self._head_sent:
            self._send_head(self.status_code, more=bool(piece) and not self._is_head)
        if piece and not self._is_head:
            self._check_room(len(piece))
            self._written += len(piece)
            for start in range(0, len(piece), PIECE):
                self._sink.send_body(piece[start : start + PIECE])
        return len(piece)

    def flush(self) -> None:
        """Asks that everything written so far reaches the client now. Servers before 10.0 cannot; nothing happens there."""
        if self._ended:
            raise RuntimeError("the response has ended, so nothing can be written any more")
        if not self._head_sent:
            self.write_header(self.status_code)
        self._sink.send_flush()

    async def drain(self) -> None:
        """Waits until the client has taken what was written, or nearly. For ``async def`` handlers.

        Raises:
            ConnectionError: The client has gone.
        """
        await self._sink.drained()

    def end(self, trailers: HeaderValues | None = None) -> None:
        """Ends the response; a handler that returns does so by itself.

        Args:
            trailers: Header fields that follow the body.

        Raises:
            ValueError: Less was written than ``Content-Length`` says.
        """
        if self._ended:
            return
        if not self._head_sent:
            self.write_header(self.status_code)
        if self._declared is not None and self._written < self._declared and not self._is_head:
            raise ValueError(f"Content-Length says {self._declared} bytes, but {self._written} were written")
        fields = Headers(trailers).to_dict()
        if fields:
            check_fields(fields)
            self._sink.send_trailers(fields)
        self._ended = True

    def _content_length(self, status_code: int) -> int | None:
        values = self.headers.get_all("Content-Length")
        if not values:
            return None
        if len(set(values)) > 1 or not values[0].isascii() or not values[0].isdecimal():
            raise ValueError(f"Content-Length: {', '.join(values)!r} is no number")
        return None if status_code in _WITHOUT_BODY else int(values[0])

    def _check_room(self, size: int) -> None:
        if self.status_code in _WITHOUT_BODY:
            raise ValueError(f"an answer with status {self.status_code} has no body")
        if self._declared is not None and self._written + size > self._declared:
            raise ValueError(
                f"Content-Length says {self._declared} bytes, but {self._written + size} are being written"
            )


#: Bytes of one piece of a body.
PIECE = 64 * 1024
