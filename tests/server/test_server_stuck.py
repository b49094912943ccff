"""A plugin that does not run any more: the server's pings are answered all the same, and so are its hooks, when their time is over."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from minimost import Minimost, running
from plugins import WithSource, source
from processes import left_after, plugin_process, standing_still

#: Seconds that a ping may take.
PING = 0.1

HANDLERS = """
    @hook(HookName.MessageWillBePosted, deadline=2, on_error="reject", rejection="Not now.")
    def check(self, context, post):
        if post.message == "loop":
            import ctypes
            ctypes.PyDLL(None).sleep(5)
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
        with standing_still(python) if how == "stop" else nullcontext():
            number = server.begin_hook("MessageWillBePosted", {}, {"Message": how})
            took = []
            while not server.answered(number):
                took.append(pings(server))
            # The hook has its answer when its time is over, in the handler's words.
            reply = server.finish(number)
            later = [pings(server) for _ in range(50)]
        assert reply.results[1] == "Not now."
        # A ping that waited for Python would take the two seconds, and there would be no others.
        assert len(took) > 20
        # What a busy machine holds up is not the rule.
        assert statistics.median(took) < PING
        assert statistics.median(later) < PING


STUBBORN = """
    @hook(HookName.MessageWillBePosted, deadline=2, on_error="reject", rejection="Not now.")
    def check(self, context, post):
        while post.message == "stay":
            time.sleep(0.1)
        return None, str(os.getpid())
"""


def test_a_process_whose_handler_stays_is_replaced(minimost: Path, plugin_of: WithSource) -> None:
    folder = plugin_of(source(STUBBORN))
    file = folder / "plugin.json"
    manifest = json.loads(file.read_text())
    manifest["server"]["python"]["stuck"] = 0.5
    # It may be the same file as that of others.
    file.unlink()
    file.write_text(json.dumps(manifest))
    with running(minimost, folder) as server:
        server.start()
        server.activate()

        def post(message: str) -> str:
            return str(server.hook("MessageWillBePosted", {}, {"Message": message}).results[1])

        old = post("")
        assert old == str(plugin_process(server.pid))
        assert post("stay") == "Not now."
        deadline = time.monotonic() + 60
        while (new := post("")) == old:
            assert time.monotonic() < deadline, server.records()
            time.sleep(0.05)
        assert new != "Not now."
        # It is given the time to end by itself, and then none.
        assert left_after([int(old)], 20) == []
        assert server.record("another process takes its place").level == "error"
        assert post("") == str(plugin_process(server.pid)) == new
