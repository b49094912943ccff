"""What hangs is said, with the line at which it hangs, while it hangs."""

from __future__ import annotations

import signal
from typing import Any

import grpc
import pytest

PROGRAM = """
    import time
    from mattermost_plugin import *
    from mattermost_plugin.server import run_plugin

    class MyPlugin(Plugin):
        @hook
        def execute_command(self, context, args):
            self.think()
            return "thought"

        def think(self):
            time.sleep(4)  # here

        @hook
        async def user_will_log_in(self, context, user):
            time.sleep(5.5)  # there

    run_plugin(MyPlugin)
"""


def test_a_handler_that_nobody_waits_for_any_more(host: Any) -> None:
    host.start(PROGRAM)
    with pytest.raises(grpc.RpcError):
        host.hook("ExecuteCommand", args={}, timeout=0.3)
    record = host.log("MyPlugin.execute_command has been running for ")
    assert "nobody waits for it any more; it is here:\n" in record.message
    assert "in execute_command\n    self.think()" in record.message
    assert "time.sleep(4)  # here" in record.message
    assert "_runtime" not in record.message
    assert record.level == 3


def test_a_blocked_event_loop(host: Any) -> None:
    host.start(PROGRAM)
    call = host.hook_future("UserWillLogIn", user={})
    record = host.log("the event loop has been blocked for ", timeout=6)
    assert "write the handler as `def`" in record.message
    assert "time.sleep(5.5)  # there" in record.message
    assert call.result().reason == ""
    assert [it.message for it in host.records if it.level == 3] == [record.message]


def test_what_is_waited_for_is_no_hang(host: Any) -> None:
    host.start(PROGRAM)
    assert host.hook("ExecuteCommand", args={}, timeout=8).command_response.text == "thought"
    assert list(host.records) == []
    assert host.stop()[0] == 0


def test_a_task_whose_time_is_over(host: Any) -> None:
    host.start(WAITING)
    with pytest.raises(grpc.RpcError):
        host.hook("UserWillLogIn", user={}, timeout=0.3)
    record = host.log("MyPlugin.user_will_log_in did not return in time and is cancelled; it is here:\n")
    assert "await self.think()" in record.message
    assert "await asyncio.sleep(60)  # here" in record.message
    assert "_runtime" not in record.message
    assert record.level == 3
    assert host.stop()[0] == 0


WAITING = """
    import asyncio
    from mattermost_plugin import *
    from mattermost_plugin.server import run_plugin

    class MyPlugin(Plugin):
        async def think(self):
            await asyncio.sleep(60)  # here

        @hook
        async def user_will_log_in(self, context, user):
            await self.think()

    run_plugin(MyPlugin)
"""


def test_sigquit_prints_the_threads_even_in_a_loop_of_compiled_code(host: Any) -> None:
    host.start(HOLDING)
    assert host.hello.stack_signal == signal.SIGQUIT
    call = host.hook_future("UserWillLogIn", user={})
    assert host.process.stderr.readline() == "holding\n"
    host.process.send_signal(signal.SIGQUIT)
    assert call.result().reason == ""
    printed = host.stop()[2]
    assert 'plugin.py", line 10 in user_will_log_in' in printed.partition("let go")[0]


HOLDING = """
    import ctypes, sys
    from mattermost_plugin import *
    from mattermost_plugin.server import run_plugin

    class MyPlugin(Plugin):
        @hook
        def user_will_log_in(self, context, user):
            print("holding", file=sys.stderr, flush=True)
            ctypes.PyDLL(None).sleep(2)
            print("let go", file=sys.stderr, flush=True)

    run_plugin(MyPlugin)
"""
