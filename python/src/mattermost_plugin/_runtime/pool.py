"""Handlers written as ``def``: threads that wait in the native core for the next call, as many as are needed.

There is always one thread waiting, up to a limit of handlers that run at the same time. A handler that waits for an API call
does not count: the server may answer it only after another hook of this plugin ran (posting a message inside a hook fires
hooks), so as long as all running handlers wait, another thread is started. Without that, nested calls would wait for each
other until their deadlines.
"""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

__all__ = ["DEFAULT_LIMIT", "MAX_THREADS", "Pool", "waiting"]

#: Handlers at the same time when the host does not say.
DEFAULT_LIMIT: Final = 8
#: Threads at most, those that wait for API calls included.
MAX_THREADS: Final = 128
#: Seconds between two warnings that all threads are busy.
_WARN_EVERY: Final = 60.0


class Source(Protocol):
    """What the pool needs of a native ``Server``; `Item` is a native ``Call``."""

    def recv(self, timeout: float | None = None) -> object:
        """Waits for the next call; ``None`` when the server stops."""
        ...

    def pending(self) -> int:
        """How many calls wait for a thread."""
        ...


class Pool:
    """Runs `serve` for each call from `source`, on threads of its own.

    Args:
        source: Where calls come from.
        serve: Handles one call completely; must not raise.
        limit: How many handlers may run at the same time.
        saturated: Told, once a minute at most, when calls wait because `limit` handlers are running.
    """

    def __init__(
        self,
        source: Source,
        serve: Callable[[Any], None],
        *,
        limit: int = DEFAULT_LIMIT,
        saturated: Callable[[int], None] | None = None,
    ) -> None:
        self._source = source
        self._serve = serve
        self._limit = max(1, min(limit, MAX_THREADS))
        self._saturated = saturated
        self._lock = threading.Lock()
        self._may_start = threading.Condition(self._lock)
        self._threads = 0
        self._idle = 0
        self._holding = 0
        self._running = 0
        self._waiting = 0
        self._stopping = False
        self._last_warning = float("-inf")

    def start(self) -> None:
        """Starts the first thread; others follow by themselves."""
        with self._lock:
            self._grow()

    def stop(self) -> None:
        """Starts no more handlers. The threads end once the source returns ``None``; this does not wait for them."""
        with self._lock:
            self._stopping = True
            self._may_start.notify_all()

    @property
    def threads(self) -> int:
        """How many threads there are now."""
        return self._threads

    def _grow(self) -> None:
        """Starts a thread when none waits for a call and one more handler could run. The lock is held."""
        busy = self._running - self._waiting
        if self._stopping or self._idle or self._holding or busy >= self._limit or self._threads >= MAX_THREADS:
            return
        self._threads += 1
        self._idle += 1
        thread = threading.Thread(target=self._work, name=f"mattermost-hook-{self._threads}", daemon=True)
        thread.start()

    def _work(self) -> None:
        """Takes calls until the source ends or there are threads enough."""
        _worker.pool = self
        while True:
            call: object = self._source.recv()
            if not self._begin(call is not None):
                return
            try:
                self._serve(call)
            finally:
                # Let go of the call before waiting for the next one: its arguments may be large.
                call = None
                surplus = self._end()
            if surplus:
                return

    def _begin(self, has_call: bool) -> bool:
        with self._lock:
            self._idle -= 1
            if not has_call:
                self._threads -= 1
                return False
            if self._running - self._waiting >= self._limit:
                self._hold()
            self._running += 1
            self._grow()
            return True

    def _hold(self) -> None:
        """Waits, with a call in hand, until a handler ends or waits for the API itself. The lock is held."""
        self._holding += 1
        while self._running - self._waiting >= self._limit and not self._stopping:
            self._may_start.wait()
        self._holding -= 1

    def _end(self) -> bool:
        """Counts a handler off; returns whether its thread is not needed any more."""
        with self._lock:
            self._running -= 1
            self._may_start.notify()
            if self._idle >= self._limit:
                self._threads -= 1
                return True
            self._idle += 1
        self._warn_if_saturated()
        return False

    def _warn_if_saturated(self) -> None:
        pending = self._source.pending()
        if not pending or self._saturated is None:
            return
        import time

        with self._lock:
            now = time.monotonic()
            busy = self._running - self._waiting
            if busy + 1 < self._limit or now - self._last_warning < _WARN_EVERY:
                return
            self._last_warning = now
        self._saturated(pending)

    def enter_wait(self) -> None:
        """The calling thread's handler now waits for the API."""
        with self._lock:
            self._waiting += 1
            self._may_start.notify()
            self._grow()

    def leave_wait(self) -> None:
        """The calling thread's handler runs again. It does so at once, even beyond the limit: it may hold a lock."""
        with self._lock:
            self._waiting -= 1


class _Worker(threading.local):
    """The pool that a thread belongs to, and how often its handler said that it waits."""

    pool: Pool | None = None
    waits: int = 0


_worker = _Worker()


class _Waiting:
    """While entered, the pool knows that this thread's handler waits."""

    __slots__ = ("_pool",)

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def __enter__(self) -> None:
        _worker.waits += 1
        if _worker.waits == 1:
            self._pool.enter_wait()

    def __exit__(self, *exc_info: object) -> None:
        _worker.waits -= 1
        if not _worker.waits:
            self._pool.leave_wait()


_NOT_WAITING: Final = nullcontext()


def waiting() -> AbstractContextManager[None]:
    """Returns a context for a blocking wait: a thread of the pool makes room meanwhile; others notice nothing."""
    pool = _worker.pool
    return _NOT_WAITING if pool is None else _Waiting(pool)
