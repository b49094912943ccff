"""What handlers answer and raise, as the host sees it: grpcio is in its place."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from plugin_programs import program


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
