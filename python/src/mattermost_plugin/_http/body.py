"""Bodies: read whole, or piece by piece as they arrive; and what may be sent as one."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable
    from typing import BinaryIO, TypeAlias

__all__ = ["READ_AHEAD", "Content", "Incoming", "PieceReader", "Source", "encoded"]

#: What can be sent besides what is encoded first: bytes, a file opened in binary mode, or pieces of bytes.
Content: TypeAlias = "bytes | bytearray | memoryview | BinaryIO | Iterable[bytes] | AsyncIterable[bytes]"

#: As much of a body is read before an ``async def`` handler is called, so that `Incoming.body` need not wait.
READ_AHEAD: Final = 1 << 20


class Source(Protocol):
    """Where the pieces of a body come from."""

    def next_piece(self) -> bytes | None:
        """Waits for the next piece; ``None`` after the last. Raises `ConnectionError` when the body ended early."""
        ...

    async def next_piece_async(self) -> bytes | None:
        """The same, for the event loop."""
        ...


class PieceReader(io.RawIOBase):
    """Pieces of bytes as a raw file.

    Args:
        next_piece: Waits for the next piece; ``None`` after the last.
    """

    def __init__(self, next_piece: Callable[[], bytes | None]) -> None:
        super().__init__()
        self._next_piece = next_piece
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        # No bytes would be the end of the file, which an empty piece is not.
        while not self._rest:
            piece = self._next_piece()
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


class Incoming:
    """A message with a body that arrives: base of requests and responses."""

    _body: bytes | None = b""
    _source: Source | None = None
    #: Whether waiting would hold up the event loop.
    _on_loop = False

    def _arrives(self, source: Source, *, on_loop: bool) -> None:
        self._body, self._source, self._on_loop = None, source, on_loop

    @property
    def body(self) -> bytes:
        """The whole body, read when first asked for. For a large one use `iter_body`, or `stream` in an ``async def``.

        Raises:
            ConnectionError: The other side gave up before it had sent everything.
            RuntimeError: The body was read piece by piece before; or it is more than 1 MiB, has not arrived, and waiting for it would
                hold up the event loop: use ``await request.read()`` there.
        """
        if self._body is None:
            if self._on_loop:
                raise RuntimeError(
                    "the body has not arrived, and waiting for it would hold up the event loop: use `await ….read()` or "
                    "`async for piece in ….stream()`"
                )
            self._body = b"".join(self.iter_body())
        return self._body

    @body.setter
    def body(self, body: bytes) -> None:
        self._body, self._source = body, None

    def iter_body(self) -> Iterator[bytes]:
        """Yields the body piece by piece, as it arrives; once, unless it has been read whole before.

        Raises:
            ConnectionError: The other side gave up before it had sent everything.
            RuntimeError: It was read before; or this is the event loop, where `stream` is to be used.
        """
        if self._body is not None:
            if self._body:
                yield self._body
            return
        if self._on_loop:
            raise RuntimeError("in an `async def` handler read with `async for piece in ….stream()`")
        source = self._take_source()
        while (piece := source.next_piece()) is not None:
            yield piece

    async def stream(self) -> AsyncIterator[bytes]:
        """Yields the body piece by piece, in an ``async def``; see `iter_body`."""
        if self._body is not None:
            if self._body:
                yield self._body
            return
        source = self._take_source()
        while (piece := await source.next_piece_async()) is not None:
            yield piece

    async def read(self) -> bytes:
        """Returns the whole body, in an ``async def``.

        Raises:
            ConnectionError: The other side gave up before it had sent everything.
        """
        if self._body is None:
            self._body = b"".join([piece async for piece in self.stream()])
        return self._body

    def text(self) -> str:
        """Returns the body as text in UTF-8; what is no UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Returns what the body's JSON says.

        Raises:
            ValueError: The body is no JSON.
        """
        import json

        return json.loads(self.body)

    def _take_source(self) -> Source:
        source, self._source = self._source, None
        if source is None:
            raise RuntimeError(
                "the body was read before, piece by piece; keep the pieces, or use `body`, which keeps them"
            )
        return source


def encoded(body: object) -> tuple[bytes | None, str]:
    """Returns the bytes of a body, ``None`` when it is to be sent in pieces, and the ``Content-Type`` that it implies.

    Raises:
        TypeError: It is nothing that can be sent.
    """
    if body is None:
        return b"", ""
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body), ""
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    if isinstance(body, (Mapping, list)):
        import json

        return json.dumps(body).encode(), "application/json"
    if hasattr(body, "read") or hasattr(body, "__aiter__") or hasattr(body, "__next__") or hasattr(body, "__iter__"):
        return None, ""
    raise TypeError(
        f"body is a {type(body).__name__}; it must be bytes, str, a dict or list to send as JSON, a file opened with mode 'rb', "
        "or an iterator of bytes"
    )
