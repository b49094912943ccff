"""A plugin that connects a channel with another chat: registered, invited, told of what changes, and let go."""

from __future__ import annotations

import pytest
from sim_session import PLUGIN_ID, Api, World

from mattermost_plugin import errors
from mattermost_plugin.models import (
    GetPostsSinceForSyncCursor,
    Post,
    Reaction,
    RegisterPluginOpts,
    SharedChannel,
    SyncResponse,
)


def test_a_shared_channel(api: Api, world: World) -> None:
    session, peer = world.session, world.session.peer
    peer.returns("OnSharedChannelsSyncMsg", SyncResponse())
    options = RegisterPluginOpts(displayname="Other Chat", plugin_id=PLUGIN_ID, creator_id=world.admin.id)
    remote_id = api.register_plugin_for_shared_channels(options)
    assert api.register_plugin_for_shared_channels(options) == remote_id
    assert session.taken("OnSharedChannelsPing")[-1][0].remote_id == remote_id
    assert session.say(":event ping") == ["Other Chat is well"]

    with pytest.raises(errors.PluginAPIError, match="not shared"):
        api.invite_remote_to_channel(world.square.id, remote_id, world.admin.id, False)
    shared = api.share_channel(SharedChannel(channel_id=world.square.id, creator_id=world.admin.id, home=True))
    assert (shared.share_name, api.get_channel(world.square.id).shared) == ("town-square", True)
    shared.share_display_name = "The Square"
    assert api.update_shared_channel(shared).share_display_name == "The Square"
    api.invite_remote_to_channel(world.square.id, remote_id, world.admin.id, False)

    info = api.upload_file(b"a plan", world.square.id, "plan.txt")
    post = api.create_post(Post(channel_id=world.square.id, user_id=world.anna.id, message="look", file_ids=[info.id]))
    messages = [it[0] for it in session.taken("OnSharedChannelsSyncMsg")]
    assert [list(it.users) for it in messages] == [[world.anna.id], []]
    assert [it.message for it in messages[1].posts] == ["look"]
    file, of, remote = session.taken("OnSharedChannelsAttachmentSyncMsg")[-1]
    assert (file.name, of.id, remote.plugin_id) == ("plan.txt", post.id, PLUGIN_ID)
    assert session.taken("OnSharedChannelsProfileImageSyncMsg")[-1][0].username == "anna"

    api.add_reaction(Reaction(user_id=world.ben.id, post_id=post.id, emoji_name="wave"))
    message = session.taken("OnSharedChannelsSyncMsg")[-1][0]
    assert [it.emoji_name for it in message.reactions] == ["wave"]

    # What the other side posts does not come back to it.
    count = len(session.taken("OnSharedChannelsSyncMsg"))
    api.create_post(Post(channel_id=world.square.id, user_id=world.ben.id, message="from there", remote_id=remote_id))
    assert len(session.taken("OnSharedChannelsSyncMsg")) == count

    # From the beginning, once more.
    api.update_shared_channel_cursor(world.square.id, remote_id, GetPostsSinceForSyncCursor())
    api.sync_shared_channel(world.square.id)
    resent = session.taken("OnSharedChannelsSyncMsg")[-1][0]
    assert "look" in [it.message for it in resent.posts]
    assert "from there" not in [it.message for it in resent.posts]

    # Away, and back again.
    peer.returns("OnSharedChannelsPing", False)
    session.say(":advance 10m")
    count = len(session.taken("OnSharedChannelsSyncMsg"))
    session.say("are you there?")
    assert len(session.taken("OnSharedChannelsSyncMsg")) == count
    peer.returns("OnSharedChannelsPing", True)
    session.say(":event ping")
    session.say("now?")
    assert [it.message for it in session.taken("OnSharedChannelsSyncMsg")[-1][0].posts] == ["are you there?", "now?"]

    api.uninvite_remote_from_channel(world.square.id, remote_id)
    count = len(session.taken("OnSharedChannelsSyncMsg"))
    session.say("among us")
    assert len(session.taken("OnSharedChannelsSyncMsg")) == count
    assert api.unshare_channel(world.square.id) is True
    assert api.unshare_channel(world.square.id) is False
    api.unregister_plugin_for_shared_channels(PLUGIN_ID)
    with pytest.raises(errors.PluginAPIError, match="not registered"):
        api.unregister_plugin_for_shared_channels(PLUGIN_ID)
