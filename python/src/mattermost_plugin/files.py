"""Files on their way into Mattermost: what the handler of ``FileWillBeUploaded`` reads and writes.

::

    @hook(HookName.FileWillBeUploaded)
    def scan(self, context: Context, info: FileInfo, file: UploadedFile) -> Reject | None:
        for piece in iter(lambda: file.read(65536), b""):
            if b"X5O!P%@AP" in piece:
                return Reject("This file holds a virus.")
        return None

    @hook(HookName.FileWillBeUploaded)
    async def shout(self, context: Context, info: FileInfo, file: UploadedFile, output: ReplacementFile) -> None:
        async for piece in file:
            output.write(piece.upper())
            await output.drain()
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from mattermost_plugin._http.body import PieceReader
from mattermost_plugin._http.writer import PIECE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mattermost_plugin._runtime.lanes import AsyncLane, SyncLane

__all__ = ["ReplacementFile", "UploadedFile"]


class UploadedFile(io.BufferedReader):
    """The file that is being uploaded: a binary file that is read once, as it arrives.

    In an ``async def`` handler use ``async for piece in file`` or ``await file.read_async()``: the ordinary methods work there for files of
    at most 1 MiB, and raise `RuntimeError` when they would have to wait.

    Reading raises `ConnectionError` when the upload ends early.
    """

    def __init__(self, lane: AsyncLane | SyncLane) -> None:
        super().__init__(PieceReader(lane.next_piece), PIECE)
        self._lane = lane

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream()

    async def _stream(self) -> AsyncIterator[bytes]:
        while (piece := await self._lane.next_piece_async()) is not None:
            yield piece

    async def read_async(self) -> bytes:
        """Returns all that has not been read yet."""
        return b"".join([piece async for piece in self])


class _Output(io.RawIOBase):
    """The pieces of the replacement as a raw file."""

    def __init__(self, lane: AsyncLane | SyncLane) -> None:
        super().__init__()
        self.lane = lane
        self.dropped = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        if not self.dropped:
            for start in range(0, len(view), PIECE):
                self.lane.send(self.lane.piece("replacement", bytes(view[start : start + PIECE])))
        return len(view)


class ReplacementFile(io.BufferedWriter):
    """What is stored in the file's place: a binary file to write to. When nothing is written the file stays as it is.

    Writing raises `ConnectionError` when the upload was given up meanwhile.
    """

    def __init__(self, lane: AsyncLane | SyncLane) -> None:
        self._output = _Output(lane)
        super().__init__(self._output, PIECE)

    async def drain(self) -> None:
        """Waits until the server has taken what was written, or nearly. For ``async def`` handlers, where writing does not wait."""
        self.flush()
        await self._output.lane.drained()

    def _drop(self) -> None:
        """Forgets what was not sent: the handler failed."""
        self._output.dropped = True
