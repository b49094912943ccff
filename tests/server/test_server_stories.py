"""Whole stories with Go's own parts as the server: shared channels, SAML, the cluster, web sockets; tests/e2e/simulator tells them too."""

from __future__ import annotations

import base64

from minimost import Minimost
from probe_peer import ProbePeer

from mattermost_plugin import HookRejected
from mattermost_plugin.models import (
    GetPostsSinceForSyncCursor,
    PluginClusterEvent,
    PluginClusterEventSendOptions,
    RegisterPluginOpts,
    SharedChannel,
    SyncResponse,
    WebsocketBroadcast,
)

REMOTE = {"RemoteId": "r" * 26, "Name": "other-chat", "DisplayName": "Other Chat", "PluginID": "org.example.probe"}


def test_a_shared_channel(server: Minimost, peer: ProbePeer) -> None:
    remote_id, channel_id, admin = str(REMOTE["RemoteId"]), "c" * 26, "u" * 26
    server.answer("RegisterPluginForSharedChannels", remote_id, None)
    server.answer("ShareChannel", {"ChannelId": channel_id, "ShareName": "town-square"}, None)
    server.answer("UnshareChannel", True, None)
    options = RegisterPluginOpts(displayname="Other Chat", plugin_id="org.example.probe", creator_id=admin)
    assert peer.call("register_plugin_for_shared_channels", options) == remote_id
    (registered,) = server.next_call("RegisterPluginForSharedChannels", 0).args
    assert (registered["Displayname"], registered["PluginID"]) == ("Other Chat", "org.example.probe")

    peer.returns("OnSharedChannelsPing", True)
    assert server.hook("OnSharedChannelsPing", REMOTE).results == [True]
    peer.returns("OnSharedChannelsPing", False)
    assert server.hook("OnSharedChannelsPing", REMOTE).results == [False]
    assert peer.taken["OnSharedChannelsPing"][-1][0].display_name == "Other Chat"

    shared = peer.call("share_channel", SharedChannel(channel_id=channel_id, creator_id=admin, home=True))
    assert shared.share_name == "town-square"
    peer.call("invite_remote_to_channel", channel_id, remote_id, admin, True)
    assert server.next_call("InviteRemoteToChannel", 0).args == [channel_id, remote_id, admin, True]

    peer.computes(
        "OnSharedChannelsSyncMsg",
        lambda message, remote: SyncResponse(
            posts_last_update_at=max(it.update_at for it in message.posts),
            users_syncd=list(message.users),
            post_errors=[it.id for it in message.posts if it.message == "no"],
        ),
    )
    message = {
        "Id": "m1",
        "ChannelId": channel_id,
        "Users": {"u1": {"Id": "u1", "Username": "anna"}},
        "Posts": [{"Id": "p1", "Message": "yes", "UpdateAt": 7}, {"Id": "p2", "Message": "no", "UpdateAt": 9}],
        "Reactions": [{"PostId": "p1", "EmojiName": "wave"}],
    }
    response, error = server.hook("OnSharedChannelsSyncMsg", message, REMOTE).results
    assert error is None
    assert (response["PostsLastUpdateAt"], response["UsersSyncd"], response["PostErrors"]) == (9, ["u1"], ["p2"])
    got, remote = peer.taken["OnSharedChannelsSyncMsg"][-1]
    assert (got.users["u1"].username, got.reactions[0].emoji_name, remote.remote_id) == ("anna", "wave", remote_id)

    file, post = {"Id": "f1", "Name": "plan.txt"}, {"Id": "p1", "FileIds": ["f1"]}
    assert server.hook("OnSharedChannelsAttachmentSyncMsg", file, post, REMOTE).results == [None]
    info, of, _ = peer.taken["OnSharedChannelsAttachmentSyncMsg"][-1]
    assert (info.name, of.file_ids) == ("plan.txt", ["f1"])
    peer.raises("OnSharedChannelsProfileImageSyncMsg", ValueError("no such image"))
    (error,) = server.hook("OnSharedChannelsProfileImageSyncMsg", {"Id": "u1"}, REMOTE).results
    assert error == {"Code": 0, "Err": "ValueError: no such image"}
    peer.returns("OnSharedChannelsProfileImageSyncMsg", None)
    assert server.hook("OnSharedChannelsProfileImageSyncMsg", {"Id": "u1"}, REMOTE).results == [None]

    cursor = GetPostsSinceForSyncCursor(last_post_update_at=9, last_post_update_id="p2")
    peer.call("update_shared_channel_cursor", channel_id, remote_id, cursor)
    assert server.next_call("UpdateSharedChannelCursor", 0).args[2]["LastPostUpdateID"] == "p2"
    peer.call("sync_shared_channel", channel_id)
    assert server.next_call("SyncSharedChannel", 0).args == [channel_id]
    peer.call("uninvite_remote_from_channel", channel_id, remote_id)
    assert server.next_call("UninviteRemoteFromChannel", 0).args == [channel_id, remote_id]
    assert peer.call("unshare_channel", channel_id) is True
    peer.call("unregister_plugin_for_shared_channels", "org.example.probe")
    assert server.next_call("UnregisterPluginForSharedChannels", 0).args == ["org.example.probe"]


def test_a_login_by_saml(server: Minimost, peer: ProbePeer) -> None:
    groups = {"Name": "groups", "Values": [{"Type": "xs:string", "Value": "staff"}, {"Value": "sales"}]}
    assertion = {
        "NameID": "anna@example.com",
        "Values": {"groups": groups},
        "SessionIndex": "s1",
        "AuthnInstant": "2026-01-02T03:04:05Z",
        "Assertions": [{"ID": "a1", "AttributeStatement": {"Attributes": [groups]}}],
        "ResponseSignatureValidated": True,
    }
    peer.returns("OnSAMLLogin", None)
    assert server.hook("OnSAMLLogin", {}, {"Id": "u1", "Username": "anna"}, assertion).results == [None]
    _, user, got = peer.taken["OnSAMLLogin"][-1]
    assert (user.username, got.name_id, got.session_index) == ("anna", "anna@example.com", "s1")
    assert [it.value for it in got.values["groups"].values] == ["staff", "sales"]
    assert got.authn_instant is not None
    assert got.authn_instant.isoformat() == "2026-01-02T03:04:05+00:00"
    assert got.assertions[0].attribute_statement.attributes[0].name == "groups"
    assert got.response_signature_validated
    peer.raises("OnSAMLLogin", HookRejected("not in a group"))
    (error,) = server.hook("OnSAMLLogin", {}, {"Id": "u1"}, assertion).results
    assert error == {"Code": 0, "Err": "not in a group"}
    peer.returns("OnSAMLLogin", None)


def test_an_event_of_the_cluster_goes_round(server: Minimost, peer: ProbePeer) -> None:
    event = PluginClusterEvent(id="refresh", data=b"\x00\xff")
    peer.call("publish_plugin_cluster_event", event, PluginClusterEventSendOptions(send_type="reliable"))
    sent, options = server.next_call("PublishPluginClusterEvent", 0).args
    assert (sent["Id"], base64.b64decode(sent["Data"]), options["SendType"]) == ("refresh", b"\x00\xff", "reliable")
    # To the other nodes, of which this is one now.
    assert server.hook("OnPluginClusterEvent", {}, sent).failure == ""
    assert peer.taken["OnPluginClusterEvent"][-1][1] == event


def test_a_web_socket(server: Minimost, peer: ProbePeer) -> None:
    server.hook("OnWebSocketConnect", "c1", "u1")
    assert peer.taken["OnWebSocketConnect"][-1] == ("c1", "u1")
    peer.call("publish_web_socket_event", "news", {"count": 3, "of": ["a", None]}, WebsocketBroadcast(user_id="u1"))
    name, payload, broadcast = server.next_call("PublishWebSocketEvent", 0).args
    assert (name, payload, broadcast["UserId"]) == ("news", {"count": 3, "of": ["a", None]}, "u1")
    request = {"Seq": 4, "Action": "custom_wave", "Data": {"to": "ben", "times": 2}}
    server.hook("WebSocketMessageHasBeenPosted", "c1", "u1", request)
    connection, user, got = peer.taken["WebSocketMessageHasBeenPosted"][-1]
    assert (connection, user, got.seq, got.action) == ("c1", "u1", 4, "custom_wave")
    assert got.data == {"to": "ben", "times": 2}
    server.hook("OnWebSocketDisconnect", "c1", "u1")
    assert peer.taken["OnWebSocketDisconnect"][-1] == ("c1", "u1")
