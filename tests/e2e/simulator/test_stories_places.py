"""Teams, channels, their members, and the sidebar."""

from __future__ import annotations

import base64

import pytest
from sim_session import Api, World

from mattermost_plugin import errors
from mattermost_plugin.models import Channel, ChannelMemberIdentifier, SidebarCategoryWithChannels, Team

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def test_a_team(api: Api, world: World) -> None:
    team = api.create_team(Team(name="ops", display_name="Operations", type="O"))
    assert api.get_team(team.id).display_name == "Operations"
    assert api.get_team_by_name("ops").id == team.id
    assert "ops" in [it.name for it in api.get_teams()]
    assert [it.name for it in api.search_teams("opera")] == ["ops"]
    team.display_name = "Operators"
    assert api.update_team(team).display_name == "Operators"
    api.set_team_icon(team.id, PIXEL)
    assert api.get_team_icon(team.id) == PIXEL
    api.remove_team_icon(team.id)
    with pytest.raises(errors.PluginAPIError):
        api.get_team_icon(team.id)
    api.delete_team(team.id)
    assert api.get_team(team.id).delete_at > 0


def test_members_of_a_team(api: Api, world: World) -> None:
    team = api.create_team(Team(name="sales", display_name="Sales", type="O"))
    assert api.create_team_member(team.id, world.anna.id).user_id == world.anna.id
    assert world.session.taken("UserHasJoinedTeam")[-1][1].team_id == team.id
    assert [it.user_id for it in api.create_team_members(team.id, [world.ben.id], "")] == [world.ben.id]
    gracefully = api.create_team_members_gracefully(team.id, [world.carol.id], "")
    assert [(it.user_id, it.error) for it in gracefully] == [(world.carol.id, None)]
    assert {it.user_id for it in api.get_team_members(team.id, 0, 10)} == {world.anna.id, world.ben.id, world.carol.id}
    assert api.get_team_member(team.id, world.ben.id).team_id == team.id
    assert api.get_team_stats(team.id).total_member_count == 3
    assert [it.username for it in api.get_users_in_team(team.id, 0, 10)] == ["anna", "ben", "carol"]
    assert "sales" in [it.name for it in api.get_teams_for_user(world.ben.id)]
    assert team.id in [it.team_id for it in api.get_team_members_for_user(world.ben.id, 0, 10)]
    assert team.id in [it.team_id for it in api.get_teams_unread_for_user(world.ben.id)]
    assert "team_admin" in api.update_team_member_roles(team.id, world.ben.id, "team_user team_admin").roles
    api.delete_team_member(team.id, world.ben.id, "")
    assert world.session.taken("UserHasLeftTeam")[-1][1].user_id == world.ben.id
    assert api.get_team_member(team.id, world.ben.id).delete_at > 0
    world.session.peer.returns("TeamMemberWillBeAdded", (None, "full"))
    with pytest.raises(errors.PluginAPIError, match="full"):
        api.create_team_member(team.id, world.admin.id)
    world.session.peer.returns("TeamMemberWillBeAdded", None)


def channel(api: Api, world: World, name: str, kind: str = "O") -> Channel:
    """A new channel."""
    created: Channel = api.create_channel(
        Channel(team_id=world.team.id, name=name, display_name=name.title(), type=kind)
    )
    return created


def test_a_channel(api: Api, world: World) -> None:
    made = channel(api, world, "plans")
    assert world.session.taken("ChannelHasBeenCreated")[-1][1].id == made.id
    assert api.get_channel(made.id).name == "plans"
    assert api.get_channel_by_name(world.team.id, "plans", False).id == made.id
    assert api.get_channel_by_name_for_team_name("dev", "plans", False).id == made.id
    assert "plans" in [it.name for it in api.get_public_channels_for_team(world.team.id, 0, 50)]
    assert [it.name for it in api.search_channels(world.team.id, "pla")] == ["plans"]
    made.header = "What we plan"
    assert api.update_channel(made).header == "What we plan"
    api.add_channel_member(made.id, world.anna.id)
    assert "plans" in [it.name for it in api.get_channels_for_team_for_user(world.team.id, world.anna.id, False)]
    world.session.peer.returns("ChannelWillBeArchived", "we need it")
    with pytest.raises(errors.PluginAPIError, match="we need it"):
        api.delete_channel(made.id)
    world.session.peer.returns("ChannelWillBeArchived", "")
    api.delete_channel(made.id)
    assert api.get_channel(made.id).delete_at > 0
    with pytest.raises(errors.NotFoundError):
        api.get_channel_by_name(world.team.id, "plans", False)


def test_members_of_a_channel(api: Api, world: World) -> None:
    made = channel(api, world, "kitchen")
    api.add_channel_member(made.id, world.anna.id)
    assert api.add_user_to_channel(made.id, world.ben.id, world.anna.id).user_id == world.ben.id
    _, member, actor = world.session.taken("UserHasJoinedChannel")[-1]
    assert (member.user_id, actor.username) == (world.ben.id, "anna")
    assert api.get_channel_member(made.id, world.ben.id).channel_id == made.id
    assert {it.user_id for it in api.get_channel_members(made.id, 0, 10)} == {world.anna.id, world.ben.id}
    assert [it.user_id for it in api.get_channel_members_by_ids(made.id, [world.ben.id])] == [world.ben.id]
    assert made.id in [it.channel_id for it in api.get_channel_members_for_user(world.team.id, world.ben.id, 0, 50)]
    assert [it.username for it in api.get_users_in_channel(made.id, "username", 0, 10)] == ["anna", "ben"]
    assert api.get_channel_stats(made.id).member_count == 2
    changed = api.update_channel_member_roles(made.id, world.ben.id, "channel_user channel_admin")
    assert "channel_admin" in changed.roles
    muted = api.update_channel_member_notifications(made.id, world.ben.id, {"mark_unread": "mention"})
    assert muted.notify_props["mark_unread"] == "mention"
    both = [ChannelMemberIdentifier(channel_id=made.id, user_id=it.id) for it in (world.anna, world.ben)]
    api.patch_channel_members_notifications(both, {"desktop": "none"})
    assert api.get_channel_member(made.id, world.anna.id).notify_props["desktop"] == "none"
    api.delete_channel_member(made.id, world.ben.id)
    assert world.session.taken("UserHasLeftChannel")[-1][1].user_id == world.ben.id
    with pytest.raises(errors.NotFoundError):
        api.get_channel_member(made.id, world.ben.id)
    world.session.peer.returns("ChannelMemberWillBeAdded", (None, "no more chairs"))
    with pytest.raises(errors.PluginAPIError, match="no more chairs"):
        api.add_channel_member(made.id, world.carol.id)
    world.session.peer.returns("ChannelMemberWillBeAdded", None)


def test_direct_and_group_channels(api: Api, world: World) -> None:
    direct = api.get_direct_channel(world.anna.id, world.ben.id)
    assert (direct.type, api.get_direct_channel(world.ben.id, world.anna.id).id) == ("D", direct.id)
    group = api.get_group_channel([world.anna.id, world.ben.id, world.carol.id])
    assert (group.type, group.display_name) == ("G", "anna, ben, carol")


def test_the_sidebar(api: Api, world: World) -> None:
    category = SidebarCategoryWithChannels(display_name="Mine", channels=[world.square.id])
    made = api.create_channel_sidebar_category(world.anna.id, world.team.id, category)
    shown = api.get_channel_sidebar_categories(world.anna.id, world.team.id)
    assert made.id in shown.order
    made.display_name = "Ours"
    (changed,) = api.update_channel_sidebar_categories(world.anna.id, world.team.id, [made])
    assert changed.display_name == "Ours"
