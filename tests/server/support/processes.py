"""Which processes there are, as /proc tells."""

from __future__ import annotations

import os
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fair_clock import CLOCK

#: Seconds until a plugin's processes are what they are to be.
PATIENCE = 30.0


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits for its parent's attention does not."""
    return _stat(Path(f"/proc/{pid}"))[0] not in ("", "Z", "X")


def _stat(folder: Path) -> tuple[str, int]:
    """The state and the parent of what has this folder, a process or a thread; "" when it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        return fields[0], int(fields[1])
    return "", 0


def children(pid: int) -> list[int]:
    """The running processes that one has started, and theirs."""
    # By what each says of its parent: the kernel's lists of children belong to threads, and are incomplete while these come and go.
    of: dict[int, list[int]] = defaultdict(list)
    for folder in [it for it in Path("/proc").iterdir() if it.name.isdigit()]:
        state, parent = _stat(folder)
        if state not in ("", "Z", "X"):
            of[parent].append(int(folder.name))
    found = list(of[pid])
    # Grows meanwhile.
    for child in found:
        found += of[child]
    return found


def _name(pid: int) -> str:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def plugin_process(host: int) -> int:
    """The plugin's process, which is not the one that clears away after a host that was killed; waits until there is one, and only one."""
    deadline = time.monotonic() + PATIENCE
    # Before it is itself it is a copy of the host, and so is the other one.
    while len(found := [it for it in children(host) if not _name(it).startswith("mm-host")]) != 1:
        assert time.monotonic() < deadline, f"processes of the plugin: {found}"
        time.sleep(0.02)
    return found[0]


@contextmanager
def standing_still(*pids: int) -> Iterator[None]:
    """Stops processes as a debugger would, and lets them go on at the end."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        deadline = time.monotonic() + PATIENCE
        # One thread takes the signal, when it has its turn, and then stops the others, which may do much until then.
        while not all(_stat(it)[0] == "T" for pid in pids for it in Path(f"/proc/{pid}/task").iterdir()):
            assert time.monotonic() < deadline, "it does not stop"
            time.sleep(0.002)
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def left_after(pids: list[int], seconds: float) -> list[int]:
    """Waits until processes are gone; returns those that are still there after so many seconds in which the machine went on."""
    deadline = CLOCK.now + seconds
    while (left := [it for it in pids if alive(it)]) and CLOCK.now < deadline:
        time.sleep(0.02)
    return left
