"""Ends the process when its host is gone, however that came about.

The host holds the other end of standard input and never writes to it; when the host dies, even by SIGKILL, the kernel closes it.
On Linux the kernel also sends this process a signal then; other systems have only this.
"""

from __future__ import annotations

import os
import stat
import threading

__all__ = ["watch"]

_STDIN = 0


def watch() -> None:
    """Starts the thread that waits for the end of standard input, if that is a pipe."""
    try:
        is_pipe = stat.S_ISFIFO(os.fstat(_STDIN).st_mode) or stat.S_ISSOCK(os.fstat(_STDIN).st_mode)
    except OSError:
        return
    if is_pipe:
        threading.Thread(target=_wait, name="mattermost-lifeline", daemon=True).start()


def _wait() -> None:
    while True:
        try:
            if os.read(_STDIN, 1024):
                continue
        except InterruptedError:
            continue
        except OSError:
            # The plugin closed its standard input: it has no lifeline then.
            return
        # Nobody is left to answer or to log to, so there is nothing to finish.
        os._exit(1)
