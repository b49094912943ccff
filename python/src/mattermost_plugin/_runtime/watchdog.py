"""Says which handler hangs, and at which line, while it still hangs.

Looked at from the main thread, which has nothing else to do: handlers that run on although nobody waits for them any more, and an
event loop that a handler keeps from everything else. The main thread is woken for a handler whose time is over. When it does not get
to run itself, because compiled code keeps the GIL, the host notices and sends the signal for faulthandler.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from mattermost_plugin._runtime.tracebacks import format_stack

if TYPE_CHECKING:
    from mattermost_plugin import _native
    from mattermost_plugin._runtime.loop import LoopThread

__all__ = ["PERIOD", "Watchdog"]

#: Seconds between two looks.
PERIOD: Final = 2.0

_log = logging.getLogger("mattermost_plugin.runtime")


class _Serving:
    """One call that a thread is serving."""

    __slots__ = ("call", "label", "since", "told")

    def __init__(self, call: _native.Call, label: str) -> None:
        self.call = call
        self.label = label
        self.since = time.monotonic()
        self.told = False


class Watchdog:
    """Knows which thread serves which call."""

    def __init__(self) -> None:
        self._serving: dict[int, _Serving] = {}
        self._loop_told = False

    def enter(self, call: _native.Call, label: str) -> None:
        """The calling thread begins to serve a call.

        Args:
            call: The call.
            label: Its handler, for people.
        """
        self._serving[threading.get_ident()] = _Serving(call, label)

    def leave(self) -> None:
        """The calling thread has served its call."""
        self._serving.pop(threading.get_ident(), None)

    def look(self, loop: LoopThread | None) -> None:
        """Logs what hangs, each once."""
        for thread, serving in list(self._serving.items()):
            if not serving.told and serving.call.cancelled:
                serving.told = True
                _log.warning(
                    "%s has been running for %.0f s, and nobody waits for it any more; it is here:\n%s",
                    serving.label,
                    time.monotonic() - serving.since,
                    _stack_of(thread),
                )
        if loop is not None:
            self._look_at_loop(loop)

    def _look_at_loop(self, loop: LoopThread) -> None:
        seconds = loop.blocked_for()
        if seconds < PERIOD / 2:
            self._loop_told = False
        elif not self._loop_told:
            self._loop_told = True
            _log.warning(
                "the event loop has been blocked for %.0f s, so no other async handler runs: use `await` for what "
                "takes time, or write the handler as `def`; it is here:\n%s",
                seconds,
                _stack_of(loop.ident),
            )


def _stack_of(thread: int | None) -> str:
    frame = sys._current_frames().get(thread or 0)
    return "  it has ended meanwhile" if frame is None else format_stack(frame)
