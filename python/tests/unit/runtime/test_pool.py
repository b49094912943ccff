"""The threads of sync handlers: one always waits, no more run than allowed, waiting for the API makes room."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from mattermost_plugin._runtime.pool import MAX_THREADS, Pool, waiting


class Calls:
    """A source of calls: functions to run, ended by ``None``."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._stopped = False
        self._lock = threading.Lock()
        #: Threads that wait for a call.
        self.waiting = 0

    def put(self, call: Callable[[], object]) -> None:
        self._queue.put(call)

    def stop(self) -> None:
        self._stopped = True
        for _ in range(MAX_THREADS):
            self._queue.put(None)

    def recv(self, timeout: float | None = None) -> object:
        with self._lock:
            self.waiting += 1
        try:
            return self._queue.get(timeout=timeout)
        finally:
            with self._lock:
                self.waiting -= 1

    def pending(self) -> int:
        return 0 if self._stopped else self._queue.qsize()


class Running:
    """A pool over `Calls` that counts what happens."""

    def __init__(self, limit: int) -> None:
        self.calls = Calls()
        self.saturated: list[int] = []
        self.lock = threading.Lock()
        self.running = self.most = self.done = 0
        self.pool = Pool(self.calls, lambda call: call(), limit=limit, saturated=self.saturated.append)
        self.pool.start()

    def handler(self, work: Callable[[], object]) -> Callable[[], None]:
        def handle() -> None:
            with self.lock:
                self.running += 1
                self.most = max(self.most, self.running)
            work()
            with self.lock:
                self.running -= 1
                self.done += 1

        return handle

    def wait(self, count: int) -> None:
        deadline = time.monotonic() + 30
        while self.done < count:
            assert time.monotonic() < deadline, f"{self.done} of {count} are done"
            time.sleep(0.005)

    def stop(self) -> None:
        self.pool.stop()
        self.calls.stop()


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


@pytest.mark.parametrize("limit", [1, 3, 8])
def test_no_more_run_than_allowed(limit: int) -> None:
    running = Running(limit)
    together = threading.Barrier(limit)

    def work() -> None:
        together.wait(20)
        # Time for one too many.
        time.sleep(0.02)

    for _ in range(limit * 4):
        running.calls.put(running.handler(work))
    running.wait(limit * 4)
    assert running.most == limit
    assert running.pool.threads <= limit + 1
    running.stop()


def test_one_thread_is_enough_for_one_call_after_the_other() -> None:
    running = Running(8)
    for number in range(20):
        running.calls.put(running.handler(lambda: None))
        running.wait(number + 1)
        assert until(lambda: running.calls.waiting == running.pool.threads)
    assert running.pool.threads <= 3
    running.stop()


def test_waiting_makes_room() -> None:
    """With one handler at a time, a handler waits for ten others that come after it."""
    running = Running(1)
    others = threading.Semaphore(0)

    def outer() -> None:
        with waiting():
            for _ in range(10):
                assert others.acquire(timeout=5)

    running.calls.put(running.handler(outer))
    for _ in range(10):
        running.calls.put(running.handler(others.release))
    running.wait(11)
    running.stop()


def test_nested_waiting_to_the_depth_of_many() -> None:
    """Each handler waits for the next one: the pool grows as deep as it must."""
    running = Running(2)
    depth = 40

    def nested(level: int) -> Callable[[], None]:
        def work() -> None:
            if level < depth:
                inner = threading.Event()
                running.calls.put(running.handler(lambda: (nested(level + 1)(), inner.set())))
                with waiting():
                    assert inner.wait(10)

        return work

    running.calls.put(running.handler(nested(0)))
    running.wait(depth + 1)
    running.stop()


def test_handlers_that_hold_a_lock_do_not_wait_for_each_other() -> None:
    """A handler that returns from its API call must run on at once: it may hold what the others wait for."""
    running = Running(1)
    lock = threading.Lock()

    def work() -> None:
        with lock, waiting():
            time.sleep(0.01)

    for _ in range(5):
        running.calls.put(running.handler(work))
    running.wait(5)
    running.stop()


def test_threads_that_are_not_needed_any_more_end() -> None:
    running = Running(2)
    barrier = threading.Barrier(12)

    def work() -> None:
        with waiting():
            barrier.wait(20)

    for _ in range(12):
        running.calls.put(running.handler(work))
    running.wait(12)
    for number in range(20):
        running.calls.put(running.handler(lambda: None))
        running.wait(13 + number)
    assert until(lambda: running.pool.threads <= 4), running.pool.threads
    running.stop()


def test_saturation_is_said_once() -> None:
    running = Running(2)
    first = threading.Barrier(2)

    def begin(stays: bool) -> None:
        # One ends while the other is running and calls are waiting.
        first.wait(20)
        assert not stays or until(lambda: bool(running.saturated))

    for stays in (True, False):
        running.calls.put(running.handler(lambda stays=stays: begin(stays)))
    for _ in range(18):
        running.calls.put(running.handler(lambda: time.sleep(0.01)))
    running.wait(20)
    assert len(running.saturated) == 1
    running.stop()


def test_all_threads_end_with_the_source() -> None:
    running = Running(4)
    for _ in range(8):
        running.calls.put(running.handler(lambda: time.sleep(0.01)))
    running.wait(8)
    running.stop()
    assert until(lambda: running.pool.threads == 0)


def test_waiting_outside_a_pool_does_nothing() -> None:
    with waiting():
        pass
