# ruff: noqa: T201
"""Calls of the API: what mypy and pyright accept, and what they have to refuse."""

from __future__ import annotations

from typing_extensions import assert_type

from mattermost_plugin import AsyncPluginAPIClient, PluginAPIClient
from mattermost_plugin.models import (
    Channel,
    Config,
    GroupSearchOpts,
    License,
    Post,
    PostList,
    User,
    WebsocketBroadcast,
)


def right_calls(api: PluginAPIClient, post: Post, broadcast: WebsocketBroadcast, options: GroupSearchOpts) -> None:
    assert_type(api.get_user("u"), User)
    assert_type(api.get_user(user_id="u"), User)
    assert_type(api.get_server_version(), str)
    assert_type(api.get_config(), Config)
    assert_type(api.get_license(), License | None)
    assert_type(api.kv_get("key"), bytes | None)
    assert_type(api.kv_set("key", b"value"), None)
    assert_type(api.kv_list(0, 50), list[str])
    assert_type(api.get_users_by_ids(("a", "b")), list[User])
    assert_type(api.get_post_thread("p"), PostList)
    assert_type(api.get_emoji_image("e"), tuple[bytes, str])
    assert_type(api.create_post(post), Post)
    assert_type(api.create_post(post=post), Post)
    assert_type(api.create_post(channel_id="c", message="Hello", props={"from_plugin": True}), Post)
    assert_type(api.get_users(page=0, per_page=50), list[User])
    assert_type(api.log_info("text", "key", 1, other=[1, 2]), None)
    api.publish_web_socket_event("event", {"a": [1, "b", None]}, broadcast)
    api.get_groups(0, 10, options)


async def right_async_calls(api: AsyncPluginAPIClient) -> None:
    assert_type(await api.get_user("u"), User)
    assert_type(await api.create_post(message="Hello"), Post)
    assert_type(await api.get_channel("c"), Channel)


def wrong_arguments(api: PluginAPIClient, user: User) -> None:
    # assert-type-error-mypy: "Argument 1 to \"get_user\" .* incompatible type \"int\""
    # assert-type-error-pyright: "\"Literal\[1\]\" is not assignable to \"str\""
    api.get_user(1)
    # assert-type-error-mypy: "Missing positional argument \"user_id\""
    # assert-type-error-pyright: "Argument missing for parameter \"user_id\""
    api.get_user()
    # assert-type-error-mypy: "Unexpected keyword argument \"id\""
    # assert-type-error-pyright: "No parameter named \"id\"|Argument missing for parameter \"user_id\""
    api.get_user(id="u")
    # assert-type-error-mypy: "has no attribute \"get_usr\""
    # assert-type-error-pyright: "Cannot access attribute \"get_usr\""
    api.get_usr("u")
    # assert-type-error-mypy: "Argument 2 to \"kv_set\" .* incompatible type \"str\"; expected \"bytes\""
    # assert-type-error-pyright: "\"Literal\['value'\]\" is not assignable to \"bytes\""
    api.kv_set("key", "value")
    # assert-type-error-mypy: "incompatible type \"set\[str\]\""
    # assert-type-error-pyright: "\"set\[str\]\" is not assignable to \"Sequence\[str\]\""
    api.get_users_by_ids({"a"})
    # assert-type-error-mypy: "No overload variant of \"create_post\""
    # assert-type-error-pyright: "No overloads for \"create_post\"|is not assignable to \"Post\""
    api.create_post(user)
    # assert-type-error-mypy: "Unexpected keyword argument \"mesage\""
    # assert-type-error-pyright: "No overloads for \"create_post\"|No parameter named \"mesage\""
    api.create_post(mesage="Hello")
    # assert-type-error-mypy: "No overload variant of \"create_post\""
    # assert-type-error-pyright: "No overloads for \"create_post\"|is not assignable to \"str\""
    api.create_post(message=1)


def wrong_results(api: PluginAPIClient) -> None:
    # assert-type-error-mypy: "\"User\" has no attribute \"user_name\""
    # assert-type-error-pyright: "Cannot access attribute \"user_name\""
    print(api.get_user("u").user_name)
    # assert-type-error-mypy: "Item \"None\" of \"License \| None\" has no attribute"
    # assert-type-error-pyright: "\"id\" is not a known attribute of \"None\""
    print(api.get_license().id)


async def forgotten_await(api: AsyncPluginAPIClient) -> None:
    # assert-type-error-mypy: "\"Coroutine\[Any, Any, User\]\" has no attribute \"username\""
    # assert-type-error-pyright: "Cannot access attribute \"username\""
    print(api.get_user("u").username)
