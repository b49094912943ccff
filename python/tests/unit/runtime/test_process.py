"""A plugin process from hello to end, with grpcio as its host."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import grpc
import pytest

HEAD = """
    import logging, threading, time, asyncio, os, sys
    from mattermost_plugin import *
    from mattermost_plugin.models import *
    from mattermost_plugin.server import run_plugin
"""

TAIL = """
    run_plugin(MyPlugin)
"""


def program(body: str, head: str = "") -> str:
    lines = "".join(f"    {line}\n" if line else "\n" for line in body.strip("\n").splitlines())
    return f"{HEAD}\n{head}\n{lines}\n{TAIL}"


def test_the_hello_says_who_we_are(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook(HookName.OnActivate)
    def start(self): ...
    @hook(HookName.MessageWillBePosted)
    async def check(self, context, post): ...
""")
    )
    assert host.hello.plugin_class == "MyPlugin"
    assert host.hello.sdk_version == "0.1.0"
    assert host.hello.protocol_version == 1
    assert host.hello.python_version.count(".") == 2
    assert host.hello.surface_version.count(".") == 2
    # OnConfigurationChange is always there: self.config has to stay fresh.
    assert list(host.hello.hooks) == ["MessageWillBePosted", "OnActivate", "OnConfigurationChange"]
    status, out, err = host.stop()
    assert (status, out, err) == (0, "", "")


def test_the_process_is_healthy(host: Any, protocol: Any) -> None:
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    host.start(program("class MyPlugin(Plugin): ..."))
    stub = health_pb2_grpc.HealthStub(host._channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=5, metadata=host.metadata)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    host.stop()


def test_a_hook_without_handler_is_unimplemented(host: Any) -> None:
    host.start(program("class MyPlugin(Plugin): ..."))
    with pytest.raises(grpc.RpcError) as caught:
        host.hook("OnActivate")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    host.stop()


@pytest.mark.parametrize("keyword", ["def", "async def"])
@pytest.mark.parametrize(
    ("result", "message", "reason"),
    [
        ("None", None, ""),
        ("Allow", None, ""),
        ("Allow()", None, ""),
        ("Reject('no')", None, "no"),
        ("Dismiss", None, "plugin.message_will_be_posted.dismiss_post"),
        ("Replace(Post(message='new'))", "new", ""),
        ("Post(message='new')", "new", ""),
        ("(post, '')", "hello", ""),
        ("(None, 'no')", None, "no"),
        ("(None, '')", None, ""),
        ("(post, 'no')", None, "no"),
        ("{'message': 'dict'}", "dict", ""),
    ],
)
def test_verdicts_in_every_form(host: Any, keyword: str, result: str, message: str | None, reason: str) -> None:
    host.start(
        program(f"""
class MyPlugin(Plugin):
    @hook(HookName.MessageWillBePosted)
    {keyword} check(self, context, post):
        return {result}
""")
    )
    answer = host.hook("MessageWillBePosted", context={"session_id": "s"}, post={"message": "hello", "id": "p"})
    assert (answer.post.message if answer.HasField("post") else None) == message
    assert answer.reason == reason
    host.stop()


def test_allowing_an_edit_gives_the_new_post_back(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook(HookName.MessageWillBeUpdated)
    def check(self, context, new_post, old_post):
        if new_post.message == "bad":
            return Reject("no")
""")
    )
    answer = host.hook("MessageWillBeUpdated", new_post={"message": "new"}, old_post={"message": "old"})
    assert (answer.post.message, answer.reason) == ("new", "")
    answer = host.hook("MessageWillBeUpdated", new_post={"message": "bad"}, old_post={"message": "old"})
    assert (answer.HasField("post"), answer.reason) == (False, "no")
    host.stop()


@pytest.mark.parametrize(
    ("result", "text", "kind"),
    [
        ("CommandResponse(response_type='in_channel', text='hi')", "hi", "in_channel"),
        ("{'response_type': 'ephemeral', 'text': 'hi'}", "hi", "ephemeral"),
        ("'hi'", "hi", "ephemeral"),
        ("None", "", ""),
    ],
)
def test_a_command_may_answer_in_every_form(host: Any, result: str, text: str, kind: str) -> None:
    host.start(
        program(f"""
class MyPlugin(Plugin):
    @hook
    def execute_command(self, context, args):
        return {result}
""")
    )
    answer = host.hook("ExecuteCommand", args={"command": "/x"})
    assert (answer.command_response.text, answer.command_response.response_type) == (text, kind)
    host.stop()


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_a_handlers_exception_fails_the_call_and_is_one_record(host: Any, keyword: str) -> None:
    host.start(
        program(f"""
class MyPlugin(Plugin):
    @hook(HookName.MessageWillBePosted)
    {keyword} check(self, context, post):
        return self.helper(post)

    def helper(self, post):
        raise KeyError("colour")
""")
    )
    with pytest.raises(grpc.RpcError) as caught:
        host.hook("MessageWillBePosted", post={})
    assert caught.value.code() is grpc.StatusCode.UNKNOWN
    assert caught.value.details() == "KeyError: 'colour'"
    record = host.log("MyPlugin.check failed")
    assert record.level == 4
    assert record.traceback.startswith("Traceback (most recent call last):\n")
    assert record.traceback.endswith("KeyError: 'colour'")
    # Only the plugin's own frames: nobody wants to read ours.
    assert "in check" in record.traceback
    assert "in helper" in record.traceback
    assert "_runtime" not in record.traceback
    host.stop()


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_a_refusal_is_no_mistake(host: Any, protocol: Any, keyword: str) -> None:
    host.start(
        program(f"""
class MyPlugin(Plugin):
    @hook(HookName.OnActivate)
    {keyword} start(self):
        raise HookRejected("Enter a key in the settings.")
    @hook(HookName.ConfigurationWillBeSaved)
    {keyword} save(self, config):
        return Reject("Not like that.")
    @hook(HookName.ExecuteCommand)
    {keyword} command(self, context, args):
        raise HookRejected("Only administrators may.")
    @hook(HookName.MessageWillBePosted)
    {keyword} post(self, context, post):
        raise HookRejected("No posts.")
    @hook(HookName.UserWillLogIn)
    {keyword} login(self, context, user):
        raise HookRejected("No logins.")
    @hook(HookName.MessageHasBeenPosted)
    {keyword} posted(self, context, post):
        raise HookRejected("")
""")
    )
    error = protocol.message("ErrorValue")
    refused = protocol.message("AppError")(
        id="plugin.hook_rejected", message="Only administrators may.", status_code=400, where="ExecuteCommand"
    )
    for name, text, details in [
        ("OnActivate", "Enter a key in the settings.", error(message="Enter a key in the settings.")),
        ("ConfigurationWillBeSaved", "Not like that.", error(message="Not like that.")),
        ("ExecuteCommand", "Only administrators may.", refused),
        ("MessageHasBeenPosted", "HookRejected", error(message="HookRejected")),
    ]:
        with pytest.raises(grpc.RpcError) as caught:
            host.hook(name)
        assert caught.value.details() == text
        assert details.SerializeToString() in dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
    assert host.hook("MessageWillBePosted", post={}).reason == "No posts."
    assert host.hook("UserWillLogIn", user={}).reason == "No logins."
    host.stop()
    assert [record.message for record in host.records] == []


def test_a_wrong_result_is_explained(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook(HookName.MessageWillBePosted)
    def check(self, context, post):
        return True
""")
    )
    with pytest.raises(grpc.RpcError):
        host.hook("MessageWillBePosted", post={})
    record = host.log("MyPlugin.check returned True, but MessageWillBePosted takes: Allow | Replace[Post] | Reject")
    assert record.traceback == ""
    host.stop()


def test_what_cannot_be_encoded_is_explained(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook(HookName.MessageWillBePosted)
    def check(self, context, post):
        return Post(message=3)
""")
    )
    with pytest.raises(grpc.RpcError):
        host.hook("MessageWillBePosted", post={})
    host.log("MyPlugin.check returned something that cannot be sent: Post.message: expected str, got int")
    host.stop()


def test_the_instance_reaches_api_settings_and_host(host: Any) -> None:
    host.config = {"word": "blue"}
    host.on("GetServerVersion", lambda _, __: {_field(host, "GetServerVersion"): "11.6.0"})
    host.start(
        program("""
class MyPlugin(Plugin):
    def __init__(self):
        self.own = "own"
    @hook
    def execute_command(self, context, args):
        parts = [self.own, self.api.get_server_version(), self.config["Word"], self.plugin_id, self.bundle_path]
        return " ".join(parts)
    @hook
    async def user_will_log_in(self, context, user):
        return await self.aio.get_server_version() + self.config["WORD"]
""")
    )
    answer = host.hook("ExecuteCommand", args={})
    assert answer.command_response.text == "own 11.6.0 blue com.example.test /bundle"
    host.config = {"word": "red"}
    assert host.hook("UserWillLogIn", user={}).reason == "11.6.0blue"
    host.hook("OnConfigurationChange")
    assert host.hook("UserWillLogIn", user={}).reason == "11.6.0red"
    host.stop()


def test_the_api_is_not_there_before_the_hello(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    def __init__(self):
        self.api.get_server_version()
"""),
        wait=False,
    )
    status, _, err = host.wait()
    assert status == 1
    assert err.splitlines()[-1] == (
        "mattermost_plugin.errors.NotRunningError: self.api is there from OnActivate on, not in __init__ and not without "
        "a host; in a unit test assign it first: plugin.api = …"
    )


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
        time.sleep(0.1)
        with lock:
            running -= 1
        return str(most)
""",
            head="    lock, running, most = threading.Lock(), 0, 0",
        )
    )
    calls = [host.hook_future("ExecuteCommand", args={}) for _ in range(9)]
    assert max(int(call.result().command_response.text) for call in calls) == 3
    host.stop()


def test_async_handlers_share_the_loop_and_keep_tasks(host: Any) -> None:
    host.on("GetServerVersion", lambda _, __: {_field(host, "GetServerVersion"): "11.6.0"})
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook
    async def execute_command(self, context, args):
        self.task = asyncio.create_task(self.later())
        await asyncio.sleep(0.1)
        return str(threading.current_thread().name)
    async def later(self):
        self.logger.info("later: %s", await self.aio.get_server_version())
        raise ValueError("in a task")
    @hook
    async def on_deactivate(self):
        del self.task
""")
    )
    started = time.monotonic()
    calls = [host.hook_future("ExecuteCommand", args={}) for _ in range(10)]
    assert {call.result().command_response.text for call in calls} == {"mattermost-loop"}
    assert time.monotonic() - started < 0.9
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


def test_the_hooks_deadline_is_the_api_calls_too(host: Any) -> None:
    seen: list[float] = []

    def slow(_: Any, context: grpc.ServicerContext) -> Any:
        seen.append(context.time_remaining())
        time.sleep(1)
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
""")
    )
    with pytest.raises(grpc.RpcError) as caught:
        host.hook("ExecuteCommand", args={}, timeout=0.4)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert "gave up: DeadlineExceededError('no answer in time" in host.log("gave up").message
    assert seen[0] < 0.45
    host.stop()


def test_a_late_answer_is_said(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook
    def execute_command(self, context, args):
        time.sleep(0.5)
""")
    )
    with pytest.raises(grpc.RpcError):
        host.hook("ExecuteCommand", args={}, timeout=0.2)
    host.log("MyPlugin.execute_command answered too late: ExecuteCommand was given up by then")
    host.stop()


def test_an_abandoned_async_handler_is_cancelled(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook
    async def execute_command(self, context, args):
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            self.logger.info("cancelled")
            raise
""")
    )
    call = host.hook_future("ExecuteCommand", args={})
    time.sleep(0.3)
    call.cancel()
    host.log("cancelled", timeout=2)
    host.stop()


def test_an_exit_in_a_handler_ends_nothing(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook
    def execute_command(self, context, args):
        sys.exit(3)
    @hook
    def user_will_log_in(self, context, user):
        return "alive"
""")
    )
    with pytest.raises(grpc.RpcError):
        host.hook("ExecuteCommand", args={})
    host.log("MyPlugin.execute_command called sys.exit(), which ends nothing in a handler")
    assert host.hook("UserWillLogIn", user={}).reason == "alive"
    host.stop()


def test_errors_of_threads_and_finalizers_are_logged(host: Any) -> None:
    host.start(
        program(
            """
class MyPlugin(Plugin):
    @hook
    def execute_command(self, context, args):
        threading.Thread(target=lambda: 1 / 0, name="worker").start()
        Broken()
""",
            head="""
    class Broken:
        def __del__(self):
            raise ValueError("finalizer")
""",
        )
    )
    host.hook("ExecuteCommand", args={})
    assert "ZeroDivisionError" in host.log("the thread worker ended with an error").traceback
    assert (
        "ValueError: finalizer"
        in host.log("an exception that could not be raised, in <function Broken.__del__").traceback
    )
    host.stop()


def test_running_handlers_finish_before_the_end(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook
    def execute_command(self, context, args):
        time.sleep(0.5)
        self.logger.info("finished")
        return "done"
""")
    )
    call = host.hook_future("ExecuteCommand", args={})
    time.sleep(0.2)
    host.shutdown()
    assert call.result().command_response.text == "done"
    assert host.wait()[0] == 0
    assert "finished" in [record.message for record in host.records]


def test_the_end_does_not_wait_longer_than_the_grace(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook
    def execute_command(self, context, args):
        time.sleep(60)
    @hook
    async def user_will_log_in(self, context, user):
        await asyncio.sleep(60)
""")
    )
    calls = [host.hook_future("ExecuteCommand", args={}), host.hook_future("UserWillLogIn", user={})]
    time.sleep(0.3)
    started = time.monotonic()
    host.shutdown(grace_ms=300)
    assert host.wait()[0] == 0
    assert time.monotonic() - started < 2.5
    assert all(call.exception() is not None for call in calls)


def test_sigterm_ends_in_order(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook
    def execute_command(self, context, args):
        time.sleep(0.4)
        return "done"
""")
    )
    call = host.hook_future("ExecuteCommand", args={})
    time.sleep(0.2)
    assert host.process is not None
    host.process.send_signal(signal.SIGTERM)
    assert call.result().command_response.text == "done"
    status, _, err = host.wait()
    assert (status, err) == (0, "")


def test_sigint_is_the_hosts(host: Any) -> None:
    host.start(program("class MyPlugin(Plugin): ..."))
    time.sleep(0.2)
    host.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert host.process.poll() is None
    assert host.stop()[0] == 0


def test_threads_of_the_plugin_do_not_outlive_a_second_sigterm(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook
    def on_activate(self):
        threading.Thread(target=time.sleep, args=(60,), daemon=False).start()
""")
    )
    host.hook("OnActivate")
    host.shutdown(grace_ms=100)
    time.sleep(0.7)
    assert host.process.poll() is None
    host.process.send_signal(signal.SIGTERM)
    assert host.wait(2)[0] == -signal.SIGTERM


def test_the_process_ends_with_its_host(host: Any) -> None:
    host.start(program("class MyPlugin(Plugin): ..."))
    host.process.stdin.close()
    host.process.stdin = None
    assert host.wait(5)[0] == 1


def test_a_refused_hello_is_explained(host: Any) -> None:
    def refuse(_: Any, context: grpc.ServicerContext) -> None:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "this host knows protocol 9")

    host._hello = refuse
    host.start(program("class MyPlugin(Plugin): ..."), wait=False)
    status, _, err = host.wait()
    assert status == 1
    assert err.strip() == (
        "MyPlugin: the host refused the plugin, or went away: FAILED_PRECONDITION: this host knows protocol 9"
    )


def test_a_wrong_token_is_refused_on_both_sides(host: Any) -> None:
    host.start(program("class MyPlugin(Plugin): ..."))
    host.token = "0" * 64
    with pytest.raises(grpc.RpcError) as caught:
        host.hook("OnConfigurationChange")
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_what_init_logs_arrives_after_the_hello(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    def __init__(self):
        self.logger.info("made")
""")
    )
    assert host.log("made").logger == "mattermost_plugin.plugin"
    host.stop()


def test_what_init_raises_ends_the_process_with_its_traceback(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    def __init__(self):
        self.logger.info("made")
        raise ValueError("no luck")
"""),
        wait=False,
    )
    status, _, err = host.wait()
    assert status == 1
    assert err.splitlines()[-1] == "ValueError: no luck"
    assert "INFO mattermost_plugin.plugin: made" in err


def test_the_token_is_not_left_behind(host: Any) -> None:
    # By what the pipe is, not by its number: the number is free again, and whatever is opened next takes it.
    host.start(
        program(
            """
class MyPlugin(Plugin):
    @hook
    def execute_command(self, context, args):
        return CommandResponse(text=str(sum(TOKEN == identity(number) for number in os.listdir("/proc/self/fd"))))
""",
            head="""
    def identity(number):
        try:
            status = os.fstat(int(number))
        except OSError:  # the folder's own descriptor, closed by now
            return None
        return status.st_dev, status.st_ino

    TOKEN = identity(os.environ["MM_PLUGIN_TOKEN_FD"])
    assert TOKEN is not None
""",
        )
    )
    assert host.hook("ExecuteCommand", args={}).command_response.text == "0"
    host.stop()


def test_a_hello_plugin_is_small(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook
    def execute_command(self, context, args):
        return CommandResponse(text=str(sorted(set(sys.modules) & {"asyncio", "inspect", "ssl", "dataclasses"})))
""")
        .replace("import logging, threading, time, asyncio, os, sys", "import sys")
        .replace("from mattermost_plugin.models import *", "from mattermost_plugin.models import CommandResponse")
    )
    assert host.hook("ExecuteCommand", args={}).command_response.text == "[]"
    with open(f"/proc/{host.process.pid}/status") as file:
        size = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    # The native module alone is larger without optimisation, so the limit of 32 MiB is held with room for that.
    assert size < 40 * 1024
    assert len(os.listdir(f"/proc/{host.process.pid}/task")) <= 8
    host.stop()


def _field(host: Any, method: str) -> str:
    """Name of the one field of a response."""
    name: str = host.protocol.message(f"{method}Response").DESCRIPTOR.fields[0].name
    return name
