"""A clock for limits that a machine which is busy with something else must not break."""

from __future__ import annotations

import threading
import time


class Clock:
    """Seconds in which this machine went on: when it stands still as a whole, or another program has it, that is nobody's delay."""

    #: Between two looks, and the most that the time between two looks counts for.
    LOOK, MOST = 0.02, 0.2

    def __init__(self) -> None:
        self.now = 0.0
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        last = time.monotonic()
        while True:
            time.sleep(self.LOOK)
            now = time.monotonic()
            self.now += min(now - last, self.MOST)
            last = now


CLOCK = Clock()
