"""The host's own protocol, ``proto/mattermost/host/v1/host.proto``, as tables for the native codec.

Written by hand like the proto file itself; ``tests/unit/runtime/test_host_protocol.py`` compares the two.
Message names carry the prefix ``host.`` here, so that they cannot meet one of the plugin API.
"""

from __future__ import annotations

from typing import Any, Final

#: Version of the wire contract, as PROTOCOL_VERSION in mm-proto.
PROTOCOL_VERSION: Final = 1

HELLO: Final = ("/mattermost.host.v1.PluginHost/Hello", "host.HelloRequest", "host.HelloResponse")
WRITE_LOGS: Final = ("/mattermost.host.v1.PluginHost/WriteLogs", "host.WriteLogsRequest", "host.WriteLogsResponse")

LEVEL_UNSPECIFIED: Final = 0
LEVEL_DEBUG: Final = 1
LEVEL_INFO: Final = 2
LEVEL_WARN: Final = 3
LEVEL_ERROR: Final = 4

ON_ERROR_ALLOW: Final = 1
ON_ERROR_REJECT: Final = 2


class HostHello:
    """The host's answer to the hello; see ``HelloResponse`` in host.proto for the fields."""

    __slots__ = (
        "api_timeout_ms",
        "bundle_path",
        "host_version",
        "log_level",
        "max_sync_handlers",
        "missing_api_methods",
        "plugin_id",
        "plugin_version",
        "protocol_version",
    )

    host_version: str
    protocol_version: int
    plugin_id: str
    plugin_version: str
    bundle_path: str
    log_level: int
    max_sync_handlers: int
    api_timeout_ms: int
    missing_api_methods: list[str]


_BOOL = 1
_STRING = 8
_INT32 = 2
_INT64 = 3
_UINT32 = 4
_MESSAGE = 10
_MAP = 16
_REPEATED = 0x40

TABLES: Final[dict[str, tuple[type | None, tuple[tuple[int, str, int, Any], ...]]]] = {
    "host.HelloRequest": (
        None,
        (
            (1, "sdk_version", _STRING, None),
            (2, "protocol_version", _UINT32, None),
            (3, "python_version", _STRING, None),
            (4, "surface_version", _STRING, None),
            (5, "hooks", _STRING | _REPEATED, None),
            (6, "plugin_class", _STRING, None),
            (7, "options", _MESSAGE | _REPEATED, "host.HookOptions"),
            (8, "stack_signal", _UINT32, None),
        ),
    ),
    "host.HookOptions": (
        None,
        (
            (1, "hook", _STRING, None),
            (2, "deadline_ms", _INT64, None),
            (3, "on_error", _INT32, None),
            (4, "rejection", _STRING, None),
            (5, "idempotent", _BOOL, None),
            (6, "blocks", _BOOL, None),
        ),
    ),
    "host.HelloResponse": (
        HostHello,
        (
            (1, "host_version", _STRING, None),
            (2, "protocol_version", _UINT32, None),
            (3, "plugin_id", _STRING, None),
            (4, "plugin_version", _STRING, None),
            (5, "bundle_path", _STRING, None),
            (6, "log_level", _INT32, None),
            (7, "max_sync_handlers", _UINT32, None),
            (8, "api_timeout_ms", _INT64, None),
            (9, "missing_api_methods", _STRING | _REPEATED, None),
        ),
    ),
    "host.LogRecord": (
        None,
        (
            (1, "level", _INT32, None),
            (2, "message", _STRING, None),
            (3, "logger", _STRING, None),
            (4, "time_ms", _INT64, None),
            (5, "fields", _MAP, (_STRING, _STRING, None)),
            (6, "traceback", _STRING, None),
        ),
    ),
    "host.WriteLogsRequest": (None, ((1, "records", _MESSAGE | _REPEATED, "host.LogRecord"),)),
    "host.WriteLogsResponse": (None, ()),
}
