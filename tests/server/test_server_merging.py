"""Replies that Go decodes over what it sent: a plugin in Python can clear what one in Go cannot; and a Config keeps its zeros."""

from __future__ import annotations

from typing import Any

import go_values
import pytest
import width_types as types
from minimost import Minimost, but_maps
from probe_peer import ProbePeer

from mattermost_plugin import Replace, models

SEED = 5


@pytest.mark.parametrize(
    ("go", "cls"),
    [
        ("MessageWillBePosted", models.Post),
        ("ChannelMemberWillBeAdded", models.ChannelMember),
        ("TeamMemberWillBeAdded", models.TeamMember),
    ],
)
def test_every_field_can_be_cleared(server: Minimost, peer: ProbePeer, go: str, cls: type) -> None:
    _, before = server.filled(go, SEED, "full")
    peer.returns(go, Replace(cls()))
    reply = server.hook(go, fill=SEED)
    after = server.do("show", place={"hook": reply.id, "result": 0})
    kept = {name for name, it in after.items() if it not in (None, 0, "", False, [])}
    # A key of a map cannot be taken away by gob, nor what a pointer points at: there is no way to say nil.
    nodes = {name.replace("_", ""): node for name, node in types.fields_of(cls).items()}
    lasting = {name for name in before if nodes[name.lower()].kind == "dict" or nodes[name.lower()].optional}
    assert kept == lasting
    assert after.keys() - lasting


def test_one_field_is_cleared_and_the_others_stay(server: Minimost, peer: ProbePeer) -> None:
    go = "MessageWillBePosted"
    _, sent = server.filled(go, SEED, "full")
    post = go_values.model(sent, models.Post)
    post.message, post.file_ids, post.is_pinned = "", [], False
    peer.returns(go, Replace(post))
    reply = server.hook(go, fill=SEED)
    wrong, lost = server.compare({"method": go, "fill": SEED, "arg": 1}, {"hook": reply.id, "result": 0})
    assert sorted(it.partition(":")[0] for it in wrong) == [".FileIds", ".IsPinned", ".Message"]
    assert lost == []


def holes(lost: list[str]) -> list[str]:
    """What was lost behind pointers; that an empty list is nil to gob makes no difference to anybody."""
    return [it for it in lost if "got *" in it]


def test_a_config_on_its_way_through_a_hook_keeps_its_zeros(server: Minimost, peer: ProbePeer) -> None:
    go = "ConfigurationWillBeSaved"
    peer.returns(go, None)
    server.hook(go, fill=SEED, mode="zeros")
    (config,) = peer.taken[go].pop()
    # One that is given back as it came is not sent at all.
    config.service_settings.site_url = "https://chat.example"
    peer.returns(go, Replace(config))
    reply = server.hook(go, fill=SEED, mode="zeros")
    sent = {"method": go, "fill": SEED, "mode": "zeros", "arg": 0}
    wrong, lost = server.compare(sent, {"hook": reply.id, "result": 0})
    changed = ".ServiceSettings.SiteURL: sent string , got string https://chat.example"
    assert (but_maps(wrong, "zeros"), holes(lost)) == ([changed], [])


def test_a_config_that_is_read_and_saved_keeps_its_zeros(server: Minimost, peer: ProbePeer) -> None:
    server.answer("GetConfig", fill=SEED, mode="zeros")
    server.answer("SaveConfig", None, expect=SEED, expect_mode="zeros")
    config = peer.call("get_config")
    before = len(server.calls("SaveConfig"))
    peer.call("save_config", config)
    call = server.next_call("SaveConfig", before)
    assert (but_maps(call.wrong, "zeros"), holes(call.lost)) == ([], [])


@pytest.mark.parametrize("setting", [False, True])
def test_a_setting_is_changed_and_the_others_stay(server: Minimost, peer: ProbePeer, setting: bool) -> None:
    server.answer("GetConfig", fill=SEED)
    server.answer("SaveConfig", None, expect=SEED)
    config: Any = peer.call("get_config")
    config.service_settings.enable_local_mode = setting
    before = len(server.calls("SaveConfig"))
    peer.call("save_config", config)
    call = server.next_call("SaveConfig", before)
    changed = [] if setting else ["A.ServiceSettings.EnableLocalMode: sent bool true, got bool false"]
    assert (call.wrong, call.lost) == (changed, [])
