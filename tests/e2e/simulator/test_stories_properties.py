"""Properties, groups, and the key-value store."""

from __future__ import annotations

import time

import pytest
from sim_session import Api, World

from mattermost_plugin import errors
from mattermost_plugin.models import (
    Channel,
    CreateDefaultMembershipParams,
    Group,
    GroupSearchOpts,
    GroupSyncable,
    PluginKVSetOptions,
    PropertyField,
    PropertyFieldSearchOpts,
    PropertyValue,
    PropertyValueSearchOpts,
)


def field(api: Api, group_id: str, name: str, target: str = "") -> PropertyField:
    """A new field."""
    made: PropertyField = api.create_property_field(
        PropertyField(
            group_id=group_id, name=name, type="text", target_type="channel" if target else "", target_id=target
        )
    )
    return made


def test_fields(api: Api, world: World) -> None:
    group = api.register_property_group("crm")
    assert api.get_property_group("crm").id == group.id
    one, two = field(api, group.id, "region"), field(api, group.id, "owner", world.square.id)
    assert api.get_property_field(group.id, one.id).name == "region"
    assert [it.id for it in api.get_property_fields(group.id, [one.id, two.id])] == [one.id, two.id]
    assert api.get_property_field_by_name(group.id, world.square.id, "owner").id == two.id
    assert api.count_property_fields(group.id, False) == 2
    assert api.count_property_fields_for_target(group.id, "channel", world.square.id, False) == 1
    found = api.search_property_fields(group.id, PropertyFieldSearchOpts(group_id=group.id, per_page=10))
    assert {it.id for it in found} == {one.id, two.id}
    one.name = "area"
    assert api.update_property_field(group.id, one).name == "area"
    two.name = "keeper"
    assert [it.name for it in api.update_property_fields(group.id, [two])] == ["keeper"]
    api.delete_property_field(group.id, one.id)
    assert api.count_property_fields(group.id, False) == 1
    assert api.count_property_fields(group.id, True) == 2


def value(api: Api, of: PropertyField, target: str, json: bytes) -> PropertyValue:
    """A new value."""
    wanted = PropertyValue(group_id=of.group_id, field_id=of.id, target_type="post", target_id=target, value=json)
    made: PropertyValue = api.create_property_value(wanted)
    return made


def test_values(api: Api, world: World) -> None:
    group = api.register_property_group("tags")
    colour = field(api, group.id, "colour")
    target, other = "p" * 26, "q" * 26
    red = value(api, colour, target, b'"red"')
    blue = value(api, colour, other, b'"blue"')
    assert api.get_property_value(group.id, red.id).value == b'"red"'
    assert [it.id for it in api.get_property_values(group.id, [red.id, blue.id])] == [red.id, blue.id]
    found = api.search_property_values(group.id, PropertyValueSearchOpts(group_id=group.id, per_page=10))
    assert {it.id for it in found} == {red.id, blue.id}
    red.value = b'"crimson"'
    assert api.update_property_value(group.id, red).value == b'"crimson"'
    blue.value = b'"navy"'
    assert [it.value for it in api.update_property_values(group.id, [blue])] == [b'"navy"']
    red.value = b'"pink"'
    assert api.upsert_property_value(red).value == b'"pink"'
    blue.value = b'"teal"'
    assert [it.value for it in api.upsert_property_values([blue])] == [b'"teal"']
    api.delete_property_value(group.id, red.id)
    api.delete_property_values_for_target(group.id, "post", other)
    left = api.search_property_values(group.id, PropertyValueSearchOpts(group_id=group.id, per_page=10))
    assert left == []
    value(api, colour, target, b'"green"')
    api.delete_property_values_for_field(group.id, colour.id)
    assert api.search_property_values(group.id, PropertyValueSearchOpts(group_id=group.id, per_page=10)) == []


def test_groups(api: Api, world: World) -> None:
    group = api.create_group(
        Group(name="devs", display_name="Developers", source="plugin_probe", remote_id="r1", allow_reference=True)
    )
    assert api.get_group(group.id).display_name == "Developers"
    assert api.get_group_by_name("devs").id == group.id
    assert api.get_group_by_remote_id("r1", "plugin_probe").id == group.id
    assert [it.id for it in api.get_groups_by_source("plugin_probe")] == [group.id]
    assert api.upsert_group_member(group.id, world.anna.id).user_id == world.anna.id
    assert len(api.upsert_group_members(group.id, [world.anna.id, world.ben.id])) == 2
    assert [it.username for it in api.get_group_member_users(group.id, 0, 10)] == ["anna", "ben"]
    assert [it.id for it in api.get_groups_for_user(world.ben.id)] == [group.id]
    (found,) = api.get_groups(0, 10, GroupSearchOpts(q="dev", include_member_count=True), None)
    assert found.member_count == 2
    assert api.delete_group_member(group.id, world.ben.id).delete_at > 0
    group.display_name = "Builders"
    assert api.update_group(group).display_name == "Builders"
    assert api.delete_group(group.id).delete_at > 0
    assert api.restore_group(group.id).delete_at == 0


def test_groups_bring_their_members_in(api: Api, world: World) -> None:
    channel = api.create_channel(Channel(team_id=world.team.id, name="lab", display_name="Lab", type="P"))
    group = api.create_group(Group(name="lab", display_name="Lab", source="plugin_probe", remote_id="r2"))
    api.upsert_group_member(group.id, world.carol.id)
    link = GroupSyncable(group_id=group.id, syncable_id=channel.id, type="Channel")
    assert api.upsert_group_syncable(link).channel_display_name == "Lab"
    api.create_default_syncable_memberships(CreateDefaultMembershipParams())
    with pytest.raises(errors.NotFoundError):
        api.get_channel_member(channel.id, world.carol.id)
    link.auto_add = True
    assert api.update_group_syncable(link).auto_add
    api.create_default_syncable_memberships(CreateDefaultMembershipParams())
    assert api.get_channel_member(channel.id, world.carol.id).user_id == world.carol.id
    channel.group_constrained = True
    api.update_channel(channel)
    api.add_channel_member(channel.id, world.ben.id)
    api.delete_group_constrained_memberships()
    assert [it.user_id for it in api.get_channel_members(channel.id, 0, 10)] == [world.carol.id]
    assert [it.syncable_id for it in api.get_group_syncables(group.id, "Channel")] == [channel.id]
    assert api.delete_group_syncable(group.id, channel.id, "Channel").delete_at > 0
    with pytest.raises(errors.NotFoundError):
        api.get_group_syncable(group.id, channel.id, "Channel")


def test_the_key_value_store(api: Api, world: World) -> None:
    api.kv_set("a", b"1")
    assert api.kv_get("a") == b"1"
    assert api.kv_get("nothing") is None
    assert not api.kv_compare_and_set("a", b"0", b"2")
    assert api.kv_compare_and_set("a", b"1", b"2")
    assert not api.kv_compare_and_delete("a", b"1")
    assert api.kv_set_with_options("b", b"x", PluginKVSetOptions(atomic=True))
    assert not api.kv_set_with_options("b", b"y", PluginKVSetOptions(atomic=True, old_value=b"z"))
    api.kv_set_with_expiry("c", b"soon gone", 60)
    assert set(api.kv_list(0, 10)) == {"a", "b", "c"}
    world.session.say(":advance 2m")
    assert api.kv_get("c") is None
    assert api.kv_compare_and_delete("a", b"2")
    api.kv_delete("b")
    assert api.kv_list(0, 10) == []
    api.kv_set("d", str(time.time()).encode())
    api.kv_delete_all()
    assert api.kv_get("d") is None
