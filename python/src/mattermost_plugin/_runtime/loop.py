"""Handlers written as ``async def``: one event loop on a thread of its own.

The loop is started only when there is such a handler, or when something has to be awaited: `asyncio` costs memory and time. Calls
come in by the native server's descriptor, which the loop watches; each is served by a task, which is cancelled when its caller
gives up.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from mattermost_plugin._runtime.invoke import serve_async
from mattermost_plugin._runtime.tracebacks import format_task

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from mattermost_plugin import _native
    from mattermost_plugin._runtime.invoke import BoundHandler

__all__ = ["LoopThread"]

#: Seconds that the host's clock may be ahead of this process's idea of a deadline.
_ABOUT: Final = 0.1

_log = logging.getLogger("mattermost_plugin.runtime")


class LoopThread:
    """The event loop of a plugin.

    Args:
        server: Where calls come from.
        handlers: Who handles a path.
    """

    def __init__(self, server: _native.Server, handlers: Mapping[str, BoundHandler]) -> None:
        self._server = server
        self._handlers = handlers
        self._tasks: dict[int, tuple[_native.Call, asyncio.Task[None]]] = {}
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_log_loop_error)
        self._thread = threading.Thread(target=self._run, name="mattermost-loop", daemon=True)
        self._asked_at: float | None = None

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    @property
    def ident(self) -> int | None:
        """The thread's identifier."""
        return self._thread.ident

    def blocked_for(self) -> float:
        """Returns how many seconds ago the loop was asked for a sign of life that it has not given; 0 when it has.

        Asks for the next one, so it has to be called now and then.
        """
        if self._asked_at is not None:
            return time.monotonic() - self._asked_at
        self._asked_at = time.monotonic()
        self._loop.call_soon_threadsafe(self._answer)
        return 0.0

    def _answer(self) -> None:
        self._asked_at = None

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """Runs something on the loop and waits for its result; called by other threads."""

        async def wrapper() -> Any:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(wrapper(), self._loop).result()

    def stop(self, timeout: float) -> None:
        """Cancels what is running, the plugin's own tasks included, and ends the loop.

        Args:
            timeout: Seconds to wait for tasks that do not end at once.
        """
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout)
        if self._thread.is_alive():
            _log.warning("the event loop is blocked by a handler that does not return; it is left behind")

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.add_reader(self._server.fileno(), self._take_calls)
        try:
            self._loop.run_forever()
        finally:
            self._loop.remove_reader(self._server.fileno())
            self._cancel_all()
            self._loop.close()

    def _take_calls(self) -> None:
        """The descriptor is readable: new calls, or calls whose caller gave up."""
        for call in self._server.drain_async():
            self._start(call, serve_async(call, self._handlers[call.path], lambda: self))
        for call_id in self._server.drain_cancelled():
            abandoned = self._tasks.get(call_id)
            if abandoned is not None:
                call, task = abandoned
                self._tell_if_late(call, task)
                task.cancel()

    def _tell_if_late(self, call: _native.Call, task: asyncio.Task[None]) -> None:
        """Logs where a task is whose time is over, before it is cancelled; one whose caller has gone is nobody's fault."""
        remaining = call.remaining()
        if remaining is None or remaining > _ABOUT:
            return
        _log.warning(
            "%s did not return in time and is cancelled; it is here:\n%s",
            self._handlers[call.path].label,
            format_task(task.get_coro()) or "  it has not begun",
        )

    def adopt(self, call: _native.Call, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Goes on with a call that a thread has taken. The thread is done with it.

        Args:
            call: The call.
            work: Makes the coroutine; called on the loop, unless the call is cancelled before.
        """

        def start() -> None:
            if call.adopt():
                self._start(call, work())

        self._loop.call_soon_threadsafe(start)

    def _start(self, call: _native.Call, work: Coroutine[Any, Any, None]) -> None:
        """Makes a task of a call, to be cancelled with it."""
        task = self._loop.create_task(work)
        self._tasks[call.id] = (call, task)
        task.add_done_callback(lambda _: self._tasks.pop(call.id, None))

    def _cancel_all(self) -> None:
        asgi = sys.modules.get("mattermost_plugin._http.asgi")
        if asgi is not None:
            with contextlib.suppress(asyncio.TimeoutError):
                self._loop.run_until_complete(asyncio.wait_for(asgi.end_lifespans(), 1.0))
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self._loop.run_until_complete(asyncio.wait(tasks, timeout=1.0))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())


def _log_loop_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody awaited: logged like any other failure of the plugin."""
    error = context.get("exception")
    task = context.get("task") or context.get("future")
    name = f" ({task.get_name()})" if isinstance(task, asyncio.Task) else ""
    _log.error("%s%s", context.get("message", "an error in the event loop"), name, exc_info=error)
