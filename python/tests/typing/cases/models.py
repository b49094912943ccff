# ruff: noqa: T201
"""Models: what mypy and pyright accept, and what they have to refuse."""

from __future__ import annotations

import copy
import dataclasses

from typing_extensions import assert_type

from mattermost_plugin.models import Channel, ChannelType, Post, PostMetadata


def right_uses(channel: Channel, post: Post) -> None:
    assert_type(post.metadata, PostMetadata | None)
    assert_type(dataclasses.replace(post, message="Bye"), Post)
    assert_type(copy.deepcopy(channel), Channel)
    channel.type = ChannelType.OPEN
    channel.type = "a kind of next year"
    print([field.name for field in dataclasses.fields(post)])


def wrong_uses(post: Post) -> None:
    # assert-type-error-mypy: "Too many positional arguments|Too many arguments"
    # assert-type-error-pyright: "Expected 0 positional arguments"
    print(Post("id"))
    # assert-type-error-mypy: "Unexpected keyword argument \"mesage\""
    # assert-type-error-pyright: "No parameter named \"mesage\""
    print(Post(mesage="Hello"))
    # assert-type-error-mypy: "Argument \"create_at\" to \"Post\" has incompatible type \"str\""
    # assert-type-error-pyright: "\"Literal\['now'\]\" is not assignable to \"int\""
    print(Post(create_at="now"))
    # assert-type-error-mypy: "has no attribute \"mesage\"|trying to assign name \"mesage\""
    # assert-type-error-pyright: "Attribute \"mesage\" is unknown"
    post.mesage = "Hello"
    # assert-type-error-mypy: "incompatible type|Incompatible types in assignment"
    # assert-type-error-pyright: "is not assignable"
    post.message = None
    # assert-type-error-mypy: "has no attribute \"OPENED\""
    # assert-type-error-pyright: "Cannot access attribute \"OPENED\""
    print(ChannelType.OPENED)
    # assert-type-error-mypy: "has no attribute \"embeds\""
    # assert-type-error-pyright: "\"embeds\" is not a known attribute of \"None\""
    print(post.metadata.embeds)


# assert-type-error-mypy: "has no attribute \"Usr\""
# assert-type-error-pyright: "\"Usr\" is unknown import symbol"
from mattermost_plugin.models import Usr  # noqa: E402, F401
