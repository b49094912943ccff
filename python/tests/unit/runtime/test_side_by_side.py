"""Handlers that run at the same time, and calls whose time is up, with grpcio as the host."""

from __future__ import annotations

import threading
from typing import Any

import grpc
import pytest
from plugin_programs import field_of, program


def test_nested_calls_do_not_wait_for_each_other(host: Any) -> None:
    """Eight posts at once, each of which posts again from inside its hook, with two handlers at a time."""
    host.hello_answer["max_sync_handlers"] = 2

    def create_post(request: Any, _: Any) -> Any:
        answer = host.hook("MessageWillBePosted", post={"message": "inner"}, timeout=5)
        return {"post": answer.post}

    host.on("CreatePost", create_post)
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook(HookName.MessageWillBePosted)
    def check(self, context, post):
        if post.message == "inner":
            return Post(message="seen")
        return self.api.create_post(message="again")
""")
    )
    calls = [host.hook_future("MessageWillBePosted", post={"message": "outer"}, timeout=5) for _ in range(8)]
    assert [call.result().post.message for call in calls] == ["seen"] * 8
    host.stop()


def test_sync_handlers_run_at_the_same_time_up_to_the_limit(host: Any) -> None:
    host.hello_answer["max_sync_handlers"] = 3
    host.start(
        program(
            """
class MyPlugin(Plugin):
    @hook
    def execute_command(self, context, args):
        global running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(20)
        # Time for one too many.
        time.sleep(0.05)
        with lock:
            running -= 1
        return str(most)
""",
            head="    lock, together, running, most = threading.Lock(), threading.Barrier(3), 0, 0",
        )
    )
    calls = [host.hook_future("ExecuteCommand", args={}, timeout=30) for _ in range(9)]
    assert max(int(call.result().command_response.text) for call in calls) == 3
    host.stop()


def test_async_handlers_share_the_loop_and_keep_tasks(host: Any) -> None:
    host.on("GetServerVersion", lambda _, __: {field_of(host, "GetServerVersion"): "11.6.0"})
    host.start(
        program("""
class MyPlugin(Plugin):
    here = 0
    @hook
    async def execute_command(self, context, args):
        self.task = asyncio.create_task(self.later())
        self.here += 1
        while self.here < 10:
            await asyncio.sleep(0.01)
        return str(threading.current_thread().name)
    async def later(self):
        self.logger.info("later: %s", await self.aio.get_server_version())
        raise ValueError("in a task")
    @hook
    async def on_deactivate(self):
        del self.task
""")
    )
    # Each returns when all are there.
    calls = [host.hook_future("ExecuteCommand", args={}) for _ in range(10)]
    assert {call.result().command_response.text for call in calls} == {"mattermost-loop"}
    host.log("later: 11.6.0")
    host.hook("OnDeactivate")
    record = host.log("Task exception was never retrieved")
    assert "ValueError: in a task" in record.traceback
    host.stop()


def test_a_decorated_async_handler_is_awaited(host: Any) -> None:
    host.start(
        program(
            """
class MyPlugin(Plugin):
    @hook
    @logged
    async def execute_command(self, context, args):
        await asyncio.sleep(0)
        return "awaited"
""",
            head="""
    def logged(function):
        def wrapper(*args):
            return function(*args)
        wrapper.__name__ = function.__name__
        return wrapper
""",
        )
    )
    assert host.hook("ExecuteCommand", args={}).command_response.text == "awaited"
    host.stop()


def test_the_hooks_deadline_is_the_api_calls_too(host: Any, gate: Any) -> None:
    seen: list[float] = []

    def slow(_: Any, context: grpc.ServicerContext) -> Any:
        seen.append(context.time_remaining())
        over = threading.Event()
        context.add_callback(over.set)
        assert over.wait(20)
        return {}

    host.on("GetServerVersion", slow)
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook
    def execute_command(self, context, args):
        started = time.monotonic()
        try:
            self.api.get_server_version()
        except TimeoutError as error:
            self.logger.info("gave up: %r %.1f", error, time.monotonic() - started)
            # An answer now might be there before the host knows that the time is over.
            open(os.environ["GATE"]).close()
"""),
        GATE=str(gate),
    )
    with pytest.raises(grpc.RpcError) as caught:
        host.hook("ExecuteCommand", args={}, timeout=2)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert "gave up: DeadlineExceededError('no answer in time" in host.log("gave up").message
    gate.open().close()
    # Its own would be longer.
    assert seen[0] < 2.05
    host.stop()


def test_a_late_answer_is_said(host: Any, gate: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook
    def execute_command(self, context, args):
        self.logger.info("begun")
        open(os.environ["GATE"]).close()
"""),
        GATE=str(gate),
    )
    call = host.hook_future("ExecuteCommand", args={})
    host.log("begun")
    call.cancel()
    host.log("nobody waits for it any more")
    gate.open().close()
    host.log("MyPlugin.execute_command answered too late: ExecuteCommand was given up by then")
    host.stop()


def test_an_abandoned_async_handler_is_cancelled(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook
    async def execute_command(self, context, args):
        self.logger.info("begun")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.logger.info("cancelled")
            raise
""")
    )
    call = host.hook_future("ExecuteCommand", args={})
    host.log("begun")
    call.cancel()
    host.log("cancelled")
    host.stop()
