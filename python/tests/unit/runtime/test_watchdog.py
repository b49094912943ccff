"""What hangs is said, with the line at which it hangs, while it hangs."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from mattermost_plugin._runtime.watchdog import PERIOD

PROGRAM = """
    import os
    from pathlib import Path
    from mattermost_plugin import *
    from mattermost_plugin.server import run_plugin

    class MyPlugin(Plugin):
        @hook
        def execute_command(self, context, args):
            Path(os.environ["BEGUN"]).touch()
            self.think()
            return "thought"

        def think(self):
            open(os.environ["GATE"]).close()  # here

        @hook
        async def user_will_log_in(self, context, user):
            open(os.environ["GATE"]).close()  # there

    run_plugin(MyPlugin)
"""


def give_up(host: Any, hook: str, begun: Path, **fields: Any) -> None:
    """Calls a hook that does not return in time, with the first of these times that is enough for it to begin."""
    for timeout in (0.3, 3.0, 30.0):
        with pytest.raises(grpc.RpcError):
            host.hook(hook, timeout=timeout, **fields)
        if begun.exists():
            return
    raise AssertionError("the handler has not begun")


def test_a_handler_that_nobody_waits_for_any_more(host: Any, gate: Any, tmp_path: Path) -> None:
    host.start(PROGRAM, GATE=str(gate), BEGUN=str(tmp_path / "begun"))
    give_up(host, "ExecuteCommand", tmp_path / "begun", args={})
    record = host.log("MyPlugin.execute_command has been running for ")
    assert "nobody waits for it any more; it is here:\n" in record.message
    assert "in execute_command\n    self.think()" in record.message
    assert 'open(os.environ["GATE"]).close()  # here' in record.message
    assert "_runtime" not in record.message
    assert record.level == 3
    gate.open().close()


def test_a_blocked_event_loop(host: Any, gate: Any) -> None:
    host.start(PROGRAM, GATE=str(gate))
    call = host.hook_future("UserWillLogIn", user={}, timeout=60.0)
    record = host.log("the event loop has been blocked for ")
    gate.open().close()
    assert "write the handler as `def`" in record.message
    assert 'open(os.environ["GATE"]).close()  # there' in record.message
    assert call.result().reason == ""
    assert [it.message for it in host.records if it.level == 3] == [record.message]


def test_what_is_waited_for_is_no_hang(host: Any, gate: Any, tmp_path: Path) -> None:
    host.start(PROGRAM, GATE=str(gate), BEGUN=str(tmp_path / "begun"))
    call = host.hook_future("ExecuteCommand", args={}, timeout=60.0)
    # Long enough to be looked at.
    time.sleep(2 * PERIOD)
    gate.open().close()
    assert call.result().command_response.text == "thought"
    assert list(host.records) == []
    assert host.stop()[0] == 0


def test_a_task_whose_time_is_over(host: Any, tmp_path: Path) -> None:
    host.start(WAITING, BEGUN=str(tmp_path / "begun"))
    give_up(host, "UserWillLogIn", tmp_path / "begun", user={})
    record = host.log("MyPlugin.user_will_log_in did not return in time and is cancelled; it is here:\n")
    assert "await self.think()" in record.message
    assert "await asyncio.sleep(60)  # here" in record.message
    assert "_runtime" not in record.message
    assert record.level == 3
    assert host.stop()[0] == 0


WAITING = """
    import asyncio, os
    from pathlib import Path
    from mattermost_plugin import *
    from mattermost_plugin.server import run_plugin

    class MyPlugin(Plugin):
        async def think(self):
            await asyncio.sleep(60)  # here

        @hook
        async def user_will_log_in(self, context, user):
            Path(os.environ["BEGUN"]).touch()
            await self.think()

    run_plugin(MyPlugin)
"""


def test_sigquit_prints_the_threads_even_in_a_loop_of_compiled_code(host: Any, gate: Any) -> None:
    host.start(HOLDING, GATE=str(gate))
    assert host.hello.stack_signal == signal.SIGQUIT
    call = host.hook_future("UserWillLogIn", user={}, timeout=60.0)
    # From when this opens, the handler holds the GIL until something is written.
    with gate.open() as release:
        host.process.send_signal(signal.SIGQUIT)
        while 'plugin.py", line 9 in user_will_log_in' not in (line := host.process.stderr.readline()):
            assert line, "it was not printed"
        release.write(b"x")
    assert call.result().reason == ""
    assert host.stop()[0] == 0


HOLDING = """
    import ctypes, os
    from mattermost_plugin import *
    from mattermost_plugin.server import run_plugin

    class MyPlugin(Plugin):
        @hook
        def user_will_log_in(self, context, user):
            ctypes.PyDLL(None).read(os.open(os.environ["GATE"], os.O_RDONLY), ctypes.create_string_buffer(1), 1)

    run_plugin(MyPlugin)
"""
