"""Makes the native codec and answers its questions: which table has a message, which class has an enum.

Model modules are imported when the codec first meets one of their messages, so that a small plugin loads few of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mattermost_plugin import _native
from mattermost_plugin._generated.index import MODULE_OF
from mattermost_plugin._runtime import failures, host_protocol

__all__ = ["make_codec"]

Fields = tuple[tuple[int, str, int, Any], ...]
Table = tuple["type | None", Fields]

_MODELS = "mattermost_plugin._generated.models."


def make_codec() -> _native.Codec:
    """Returns a codec that knows every message of the plugin API and of the host's protocol."""
    return _native.Codec(
        resolve,
        resolve_enum,
        make_error=failures.error_from_value,
        split_error=failures.error_to_value,
    )


def resolve(message: str) -> Table:
    """Returns the codec table of a message, with its class.

    Raises:
        KeyError: No message has this name.
    """
    if message.startswith("host.Sql"):
        from mattermost_plugin._runtime import sql_protocol

        return sql_protocol.TABLES[message]
    if message.startswith("host."):
        return host_protocol.TABLES[message]
    module = MODULE_OF.get(message)
    if module is not None:
        namespace = import_module(_MODELS + module)
        class_name, fields = namespace.TABLES[message]
        return (None if class_name is None else getattr(namespace, class_name)), fields
    return None, call_fields(message)


def resolve_enum(name: str) -> type:
    """Returns the class of an enum.

    Raises:
        KeyError: No enum has this name.
    """
    enum: type = getattr(import_module(_MODELS + MODULE_OF[name]), name)
    return enum


def call_fields(message: str) -> Fields:
    """Returns the fields of a request or response.

    Raises:
        KeyError: It is none.
    """
    from mattermost_plugin._generated import codec_hooks

    table = codec_hooks.TABLES.get(message)
    if table is None:
        from mattermost_plugin._generated import codec_api

        table = codec_api.TABLES[message]
    fields: Fields = table[1]
    return fields
