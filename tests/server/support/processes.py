"""Which processes there are, as /proc tells."""

from __future__ import annotations

import time
from pathlib import Path


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits for its parent's attention does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


def children(pid: int) -> list[int]:
    """The processes that one has started, and theirs."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found


def plugin_process(host: int) -> int:
    """The plugin's process, which is not the one that clears away after a host that was killed."""
    (found,) = [it for it in children(host) if Path(f"/proc/{it}/comm").read_text() != "mm-host-janitor\n"]
    return found


def left_after(pids: list[int], seconds: float) -> list[int]:
    """Waits until processes are gone; returns those that are still there after so many seconds."""
    deadline = time.monotonic() + seconds
    while (left := [it for it in pids if alive(it)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left
