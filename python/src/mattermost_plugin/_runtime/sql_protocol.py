"""The service of the database, ``proto/mattermost/host/v1/sql.proto``, as tables for the native codec.

Written by hand like the proto file itself; ``tests/unit/runtime/test_host_protocol.py`` compares the two.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["SESSION", "TABLES"]

SESSION: Final = ("/mattermost.host.v1.PluginSql/Session", "host.SqlRequest", "host.SqlResponse")

_BOOL = 1
_INT32 = 2
_INT64 = 3
_UINT32 = 4
_STRING = 8
_MESSAGE = 10
_VALUE = 11
_WRAPPER = 17
_OPTIONAL = 0x20
_REPEATED = 0x40
_PART = _MESSAGE | _OPTIONAL

#: A row is seen as the bare list of its values.
_ROWS: Final = (_WRAPPER | _REPEATED, (_VALUE | _REPEATED, None))

TABLES: Final[dict[str, tuple[type | None, tuple[tuple[int, str, int, Any], ...]]]] = {
    "host.SqlRequest": (
        None,
        (
            (1, "open", _PART, "host.SqlOpen"),
            (2, "execute", _PART, "host.SqlExecute"),
            (3, "execute_many", _PART, "host.SqlExecuteMany"),
            (4, "fetch", _PART, "host.SqlFetch"),
            (5, "close_rows", _PART, "host.SqlCloseRows"),
            (6, "end", _PART, "host.SqlEnd"),
            (7, "ping", _PART, "host.SqlPing"),
            (15, "timeout_ms", _INT64, None),
        ),
    ),
    "host.SqlResponse": (
        None,
        (
            (1, "opened", _PART, "host.SqlOpened"),
            (2, "result", _PART, "host.SqlResult"),
            (3, "rows", _PART, "host.SqlRows"),
            (4, "done", _PART, "host.SqlDone"),
            (5, "error", _PART, "host.SqlError"),
        ),
    ),
    "host.SqlOpen": (None, ((1, "replica", _BOOL, None),)),
    "host.SqlOpened": (None, ((1, "dialect", _STRING, None), (2, "version", _STRING, None))),
    "host.SqlTransaction": (None, ((1, "isolation", _INT32, None), (2, "read_only", _BOOL, None))),
    "host.SqlExecute": (
        None,
        (
            (1, "statement", _STRING, None),
            (2, "arguments", _VALUE | _REPEATED, None),
            (3, "transaction", _PART, "host.SqlTransaction"),
            (4, "max_rows", _UINT32, None),
        ),
    ),
    "host.SqlExecuteMany": (
        None,
        (
            (1, "statement", _STRING, None),
            (2, "arguments", *_ROWS),
            (3, "transaction", _PART, "host.SqlTransaction"),
            (4, "more", _BOOL, None),
        ),
    ),
    "host.SqlResult": (
        None,
        (
            (1, "columns", _MESSAGE | _REPEATED, "host.SqlColumn"),
            (2, "rows_affected", _INT64, None),
            (3, "rows", *_ROWS),
            (4, "more", _BOOL, None),
        ),
    ),
    "host.SqlColumn": (
        None,
        (
            (1, "name", _STRING, None),
            (2, "type", _STRING, None),
            (3, "precision", _INT64 | _OPTIONAL, None),
            (4, "scale", _INT64 | _OPTIONAL, None),
        ),
    ),
    "host.SqlFetch": (None, ((1, "max_rows", _UINT32, None),)),
    "host.SqlRows": (None, ((1, "rows", *_ROWS), (2, "more", _BOOL, None))),
    "host.SqlCloseRows": (None, ()),
    "host.SqlEnd": (None, ((1, "commit", _BOOL, None),)),
    "host.SqlPing": (None, ()),
    "host.SqlDone": (None, ()),
    "host.SqlError": (
        None,
        (
            (1, "kind", _INT32, None),
            (2, "message", _STRING, None),
            (3, "sqlstate", _STRING, None),
            (4, "severity", _STRING, None),
            (5, "detail", _STRING, None),
            (6, "hint", _STRING, None),
            (7, "position", _INT64, None),
            (8, "where", _STRING, None),
            (9, "schema", _STRING, None),
            (10, "table", _STRING, None),
            (11, "column", _STRING, None),
            (12, "data_type", _STRING, None),
            (13, "constraint", _STRING, None),
            (14, "lost", _BOOL, None),
        ),
    ),
}
