"""A plugin that does not run any more: the server's pings are answered all the same, and so are its hooks, when their time is over."""

from __future__ import annotations

import os
import signal
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from minimost import Minimost, running
from plugins import WithSource, source
from processes import plugin_process

#: Seconds that a ping may take.
PING = 0.1

HANDLERS = """
    @hook(HookName.MessageWillBePosted, deadline=1, on_error="reject", rejection="Not now.")
    def check(self, context, post):
        if post.message == "loop":
            import ctypes
            ctypes.PyDLL(None).sleep(4)
        elif post.message == "breakpoint":
            breakpoint()
"""


def ping(server: Minimost) -> float:
    """The health check of go-plugin."""
    begin = time.monotonic()
    server.do("ping")
    return time.monotonic() - begin


def ping_session(server: Minimost) -> float:
    """The keep-alive of yamux, as long as Go itself says that it took."""
    took: float = server.do("ping session")
    return took / 1000


@pytest.mark.parametrize("pings", [ping, ping_session])
@pytest.mark.parametrize("how", ["stop", "loop", "breakpoint"])
def test_pings_are_answered_while_python_is_stopped(
    minimost: Path, plugin_of: WithSource, how: str, pings: Callable[[Minimost], float]
) -> None:
    with running(minimost, plugin_of(source(HANDLERS))) as server:
        server.start()
        server.activate()
        assert server.hook("MessageWillBePosted", {}, {"Message": "fine"}).results[1] == ""
        python = plugin_process(server.pid)
        if how == "stop":
            os.kill(python, signal.SIGSTOP)
        try:
            number = server._send(
                900, "hook", {"hook": {"name": "MessageWillBePosted", "args": [{}, {"Message": how}]}}
            )
            took = [pings(server) for _ in range(50)]
            # The hook has its answer when its time is over, in the handler's words.
            reply = server._finish(number, 10.0)
            took += [pings(server) for _ in range(50)]
        finally:
            if how == "stop":
                os.kill(python, signal.SIGCONT)
        assert reply["results"][1] == "Not now."
        assert statistics.median(took) < PING / 4
        assert sorted(took)[-3] < PING, sorted(took)[-5:]
