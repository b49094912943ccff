"""Users, bots, sessions, statuses, preferences and roles."""

from __future__ import annotations

import base64
import time

import pytest
from sim_session import Api, World

from mattermost_plugin import errors
from mattermost_plugin.models import (
    Bot,
    BotGetOptions,
    BotPatch,
    CustomStatus,
    Permission,
    Preference,
    PushNotification,
    Session,
    User,
    UserAccessToken,
    UserAuth,
    UserGetOptions,
    UserSearch,
)

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def test_a_user_from_the_first_day_to_the_last(api: Api, world: World) -> None:
    before = len(world.session.taken("UserHasBeenCreated"))
    user = api.create_user(User(username="dora", email="dora@example.com", password="Secret-1234"))
    assert world.session.taken("UserHasBeenCreated")[before][1].username == "dora"
    assert api.get_user(user.id).email == "dora@example.com"
    assert api.get_user_by_email("dora@example.com").id == user.id
    assert api.get_user_by_username("dora").id == user.id
    user.nickname = "Do"
    assert api.update_user(user).nickname == "Do"
    assert [it.username for it in api.get_users_by_ids([user.id, world.anna.id])] == ["dora", "anna"]
    assert {it.id for it in api.get_users_by_usernames(["dora", "anna"])} == {user.id, world.anna.id}
    assert "dora" in [it.username for it in api.get_users(UserGetOptions(page=0, per_page=50))]
    assert [it.id for it in api.search_users(UserSearch(term="dor", limit=10))] == [user.id]
    api.set_profile_image(user.id, PIXEL)
    assert api.get_profile_image(user.id) == PIXEL
    assert api.update_user_roles(user.id, "system_user system_admin").roles == "system_user system_admin"
    auth = api.update_user_auth(user.id, UserAuth(auth_data="dora-at-work", auth_service="saml"))
    assert (auth.auth_service, api.get_user(user.id).auth_data) == ("saml", "dora-at-work")
    api.update_user_active(user.id, False)
    assert api.get_user(user.id).delete_at > 0
    assert world.session.taken("UserHasBeenDeactivated")[-1][1].id == user.id
    api.update_user_active(user.id, True)
    api.delete_user(user.id)
    assert api.get_user(user.id).delete_at > 0
    with pytest.raises(errors.NotFoundError):
        api.get_user("nobody")


def test_statuses(api: Api, world: World) -> None:
    assert api.update_user_status(world.anna.id, "away").status == "away"
    assert api.get_user_status(world.anna.id).status == "away"
    assert api.set_user_status_timed_dnd(world.ben.id, int(time.time()) + 10**9).status == "dnd"
    both = api.get_user_statuses_by_ids([world.anna.id, world.ben.id])
    assert [it.status for it in both] == ["away", "dnd"]
    api.update_user_custom_status(world.anna.id, CustomStatus(emoji="wave", text="back soon"))
    assert "back soon" in api.get_user(world.anna.id).props["customStatus"]
    api.remove_user_custom_status(world.anna.id)
    assert api.get_user(world.anna.id).props["customStatus"] == ""
    api.publish_user_typing(world.anna.id, world.square.id, "")


def test_sessions_and_tokens(api: Api, world: World) -> None:
    session = api.create_session(Session(user_id=world.anna.id))
    assert api.get_session(session.id).user_id == world.anna.id
    api.extend_session_expiry(session.id, session.create_at + 10**10)
    assert api.get_session(session.id).expires_at == session.create_at + 10**10
    api.revoke_session(session.id)
    with pytest.raises(errors.ValidationError):
        api.get_session(session.id)
    token = api.create_user_access_token(UserAccessToken(user_id=world.anna.id, description="for scripts"))
    assert token.is_active
    api.revoke_user_access_token(token.id)
    with pytest.raises(errors.NotFoundError):
        api.revoke_user_access_token(token.id)


def test_roles_and_permissions(api: Api, world: World) -> None:
    create, manage = Permission(id="create_post"), Permission(id="manage_system")
    assert api.has_permission_to(world.admin.id, manage)
    assert not api.has_permission_to(world.anna.id, manage)
    assert api.has_permission_to_channel(world.anna.id, world.square.id, create)
    assert not api.has_permission_to_team(world.anna.id, world.team.id, Permission(id="manage_team"))
    assert api.roles_grant_permission(["system_admin"], "manage_system")
    assert not api.roles_grant_permission(["system_user"], "manage_system")


def test_preferences(api: Api, world: World) -> None:
    wish = Preference(user_id=world.ben.id, category="theme", name="colour", value="blue")
    api.update_preferences_for_user(world.ben.id, [wish])
    assert api.get_preference_for_user(world.ben.id, "theme", "colour").value == "blue"
    assert wish in api.get_preferences_for_user(world.ben.id)
    assert world.session.taken("PreferencesHaveChanged")[-1][1] == [wish]
    api.delete_preferences_for_user(world.ben.id, [wish])
    with pytest.raises(errors.ValidationError):
        api.get_preference_for_user(world.ben.id, "theme", "colour")


def test_bots(api: Api, world: World) -> None:
    bot = api.create_bot(Bot(username="helper", display_name="Helper"))
    assert api.get_bot(bot.user_id, False).username == "helper"
    assert api.patch_bot(bot.user_id, BotPatch(description="helps")).description == "helps"
    assert bot.user_id in [it.user_id for it in api.get_bots(BotGetOptions(page=0, per_page=10))]
    assert api.update_bot_active(bot.user_id, False).delete_at > 0
    with pytest.raises(errors.NotFoundError):
        api.get_bot(bot.user_id, False)
    api.permanent_delete_bot(bot.user_id)
    with pytest.raises(errors.NotFoundError):
        api.get_bot(bot.user_id, True)
    ensured = api.ensure_bot_user(Bot(username="steady"))
    assert api.ensure_bot_user(Bot(username="steady")) == ensured


def test_a_push_notification_passes_the_plugin(api: Api, world: World) -> None:
    api.send_push_notification(PushNotification(message="wake up"), world.anna.id)
    notification, user_id = world.session.taken("NotificationWillBePushed")[-1]
    assert (notification.message, user_id) == ("wake up", world.anna.id)


def test_logins(api: Api, world: World) -> None:
    world.session.say(":as ben")
    world.session.peer.returns("UserWillLogIn", "not on Sundays")
    assert "not on Sundays" in "".join(world.session.say(":login"))
    world.session.peer.returns("UserWillLogIn", "")
    assert world.session.say(":login") == ["ben is logged in"]
    assert world.session.taken("UserHasLoggedIn")[-1][1].username == "ben"
    world.session.say(":as anna")


def test_a_login_by_saml(api: Api, world: World) -> None:
    world.session.say(":as carol")
    assert world.session.say(":event saml groups=staff groups=sales") == ["carol is logged in by SAML"]
    _, user, assertion = world.session.taken("OnSAMLLogin")[-1]
    assert (user.username, assertion.name_id) == ("carol", "carol@example.com")
    assert [it.value for it in assertion.values["groups"].values] == ["staff", "sales"]
    assert assertion.assertions[0].attribute_statement.attributes[0].name == "groups"
    world.session.peer.raises("OnSAMLLogin", RuntimeError("the directory is closed"))
    shown = "".join(world.session.say(":event saml"))
    assert "A plugin does not allow this login" in shown
    world.session.peer.returns("OnSAMLLogin", None)
    world.session.say(":as anna")


def test_the_directory(api: Api, world: World) -> None:
    assert api.get_ldap_user_attributes(world.anna.id, ["department"]) == {}
    world.session.say(":event ldap department=sales floor=3")
    assert api.get_ldap_user_attributes(world.anna.id, ["department", "phone"]) == {"department": "sales"}
