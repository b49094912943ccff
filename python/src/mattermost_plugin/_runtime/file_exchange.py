"""One upload: makes the file and the output of its parts, sends the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mattermost_plugin._http.body import READ_AHEAD
from mattermost_plugin._runtime import parts, signatures
from mattermost_plugin._runtime.invoke import refusal
from mattermost_plugin.errors import HookRejected
from mattermost_plugin.files import ReplacementFile, UploadedFile

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mattermost_plugin._runtime.invoke import BoundHandler
    from mattermost_plugin._runtime.lanes import AsyncLane, SyncLane

__all__ = ["FileServing"]


class FileServing:
    """One upload.

    Args:
        lane: The call.
        handler: Who handles it.
        start: The fields of its first part.
    """

    def __init__(self, lane: SyncLane | AsyncLane, handler: BoundHandler, start: dict[str, Any]) -> None:
        self._lane = lane
        self._handler = handler
        self._start = start
        self._output = ReplacementFile(lane)
        known = {**start, "file": UploadedFile(lane), "output": self._output}
        form = signatures.accepted_form(handler.function, handler.spec)
        self._arguments = tuple(known[name] for name in form)

    def run(self, run_awaitable: Callable[[Awaitable[Any]], Any]) -> None:
        """Calls the handler and sends its verdict, on a thread."""
        try:
            try:
                result = self._handler.function(*self._arguments)
                if hasattr(result, "__await__"):
                    result = run_awaitable(result)
            except HookRejected as error:
                result = refusal(self._handler, error)
            self._answer(result)
        finally:
            self._output._drop()

    async def run_async(self, lane: AsyncLane) -> None:
        """Calls the handler and sends its verdict, on the event loop."""
        try:
            await lane.read_ahead(READ_AHEAD)
            try:
                result = await self._handler.function(*self._arguments)
            except HookRejected as error:
                result = refusal(self._handler, error)
            self._answer(result)
            await lane.drained(0)
        finally:
            self._output._drop()

    def _answer(self, result: object) -> None:
        names = [field[1] for field in parts.result_fields(self._handler.spec)]
        values = self._handler.convert(result, tuple(self._start.values()))
        if not self._output.closed:
            self._output.flush()
        self._lane.send(self._lane.message("result", dict(zip(names, values, strict=True))))
