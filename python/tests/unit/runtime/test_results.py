"""What handlers may return, hook by hook, and what is said of anything else."""

from __future__ import annotations

from typing import Any

import pytest

from mattermost_plugin import Allow, Dismiss, HookRejected, Reject, Replace
from mattermost_plugin._generated.hooks import HOOKS
from mattermost_plugin._runtime.results import make_converter
from mattermost_plugin.errors import HookResultError
from mattermost_plugin.models import ChannelMember, CommandResponse, FileData, FileInfo, Post, SyncResponse


def convert(hook: str, result: object, *args: object) -> tuple[object, ...]:
    return make_converter(HOOKS[hook], "MyPlugin.handle")(result, args)


def test_every_hook_has_a_converter() -> None:
    for spec in HOOKS.values():
        assert make_converter(spec, "x")


@pytest.mark.parametrize("hook", [go for go, spec in HOOKS.items() if spec.outcome == "verdict"])
def test_every_deciding_hook_takes_the_same_verdicts(hook: str) -> None:
    new = object()
    args = (None, new, None) if hook == "MessageWillBeUpdated" else ()
    allowed = (new if hook == "MessageWillBeUpdated" else None, "")
    for result in (None, Allow, Allow(), (None, ""), (None, None)):
        assert convert(hook, result, *args) == allowed
    for result in (Reject("no"), (None, "no"), (3, "no")):
        assert convert(hook, result, *args) == (None, "no")
    for result in (True, "no", 3, Replace(3), (1, 2, 3), (None, 3), [None, ""]):
        with pytest.raises(HookResultError, match=f"MyPlugin.handle returned .* but {hook} takes: Allow | Replace"):
            convert(hook, result, *args)


def test_a_replacement_in_every_form() -> None:
    post = Post(message="new")
    for result in (post, (post, ""), (post, None), Replace(post), {"message": "new"}, Replace({"message": "new"})):
        assert convert("MessageWillBePosted", result) == (post, "")
    member = ChannelMember(user_id="u")
    assert convert("ChannelMemberWillBeAdded", member) == (member, "")
    assert convert("FileWillBeUploaded", FileInfo(name="x")) == (FileInfo(name="x"), "")


def test_only_new_posts_can_be_dismissed() -> None:
    assert convert("MessageWillBePosted", Dismiss()) == (None, "plugin.message_will_be_posted.dismiss_post")
    with pytest.raises(HookResultError, match=r"returned the class Dismiss \(only new posts can be dismissed\)"):
        convert("MessageWillBeUpdated", Dismiss)


@pytest.mark.parametrize("hook", [go for go, spec in HOOKS.items() if spec.outcome == "rejection"])
def test_hooks_that_only_refuse(hook: str) -> None:
    for result in (None, "", Allow, Allow()):
        assert convert(hook, result) == ("",)
    for result in ("no", Reject("no")):
        assert convert(hook, result) == ("no",)
    with pytest.raises(HookResultError, match=r"returned False, but .* takes: Allow \| Reject \| str \| None"):
        convert(hook, False)


@pytest.mark.parametrize("hook", ["MessageHasBeenPosted", "OnActivate", "OnWebSocketConnect"])
def test_hooks_without_a_result(hook: str, caplog: pytest.LogCaptureFixture) -> None:
    assert convert(hook, None) == ()
    converter = make_converter(HOOKS[hook], "MyPlugin.handle")
    assert converter(3, ()) == ()
    assert converter(3, ()) == ()
    (record,) = caplog.records
    assert f"MyPlugin.handle returned 3, which is ignored: {hook} has no result" in record.getMessage()
    assert ("raise HookRejected" in record.getMessage()) == (hook == "OnActivate")


def test_refusing_where_an_error_is_the_way() -> None:
    with pytest.raises(HookRejected, match="no"):
        convert("OnActivate", Reject("no"))
    with pytest.raises(ValueError, match="x"):
        convert("OnActivate", ValueError("x"))
    for result in (Reject("no"), (None, "no")):
        with pytest.raises(HookRejected, match="no"):
            convert("ConfigurationWillBeSaved", result)
    assert convert("ConfigurationWillBeSaved", None) == (None,)
    assert convert("ConfigurationWillBeSaved", Allow) == (None,)


def test_commands() -> None:
    assert convert("ExecuteCommand", "hi") == (CommandResponse(response_type="ephemeral", text="hi"),)
    assert convert("ExecuteCommand", None) == (CommandResponse(),)
    assert convert("ExecuteCommand", {"text": "x"}) == (CommandResponse(text="x"),)
    with pytest.raises(
        HookResultError, match=r"returned a dict \(CommandResponse has no field 'txt'; did you mean text\?\), but"
    ):
        convert("ExecuteCommand", {"txt": "x"})
    with pytest.raises(HookResultError, match=r"returned 3, but ExecuteCommand takes: CommandResponse \|"):
        convert("ExecuteCommand", 3)


def test_values_are_checked() -> None:
    assert convert("OnSharedChannelsPing", True) == (True,)
    assert convert("RunDataRetention", 3) == (3,)
    assert convert("MessagesWillBeConsumed", [Post(), {"id": "x"}]) == ([Post(), Post(id="x")],)
    assert convert("MessagesWillBeConsumed", None) == ([],)
    assert convert("GenerateSupportData", (FileData(filename="a"),)) == ([FileData(filename="a")],)
    assert convert("OnSharedChannelsSyncMsg", SyncResponse()) == (SyncResponse(),)
    assert convert("OnSharedChannelsSyncMsg", None) == (SyncResponse(),)
    for hook, result in [
        ("OnSharedChannelsPing", 1),
        ("OnSharedChannelsPing", None),
        ("RunDataRetention", True),
        ("RunDataRetention", "3"),
        ("MessagesWillBeConsumed", Post()),
        ("MessagesWillBeConsumed", [3]),
        ("OnSharedChannelsSyncMsg", 3),
    ]:
        with pytest.raises(HookResultError, match=f"but {hook} takes: "):
            convert(hook, result)


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        ("x" * 100, "a str"),
        ((Post(), 3), r"\(a Post, 3\)"),
        ((1, 2, 3, 4), "a tuple"),
        (Post, "the class Post"),
        (OSError("x"), "an OSError"),
        (1.5, "1.5"),
    ],
)
def test_results_are_shown_shortly(result: Any, shown: str) -> None:
    with pytest.raises(HookResultError, match=f"^MyPlugin.handle returned {shown}[ ,]"):
        convert("MessageWillBePosted", result)
