"""The Mattermost server's database, as a module of PEP 249 (DB-API 2.0).

::

    from mattermost_plugin import db

    with db.connect() as connection:
        rows = connection.execute("SELECT username FROM users WHERE deleteat = %s", [0]).fetchall()

A connection is one of the server's own pool: the plugin needs no address, no password and no driver. In the simulator the database is
an embedded SQLite. The guide's page ``sql.md`` says how times, types and transactions work, and what cannot be done.
"""

from __future__ import annotations

from typing import Final

from mattermost_plugin.db._connection import Connection, IsolationLevel, connect
from mattermost_plugin.db._cursor import ColumnDescription, Cursor, Row
from mattermost_plugin.db._errors import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    StatementTimeoutError,
    Warning,  # noqa: A004 (PEP 249 has this name)
)
from mattermost_plugin.db._placeholders import Parameters
from mattermost_plugin.db._types import (
    BINARY,
    DATETIME,
    NUMBER,
    ROWID,
    STRING,
    Binary,
    Date,
    DateFromTicks,
    Time,
    TimeFromTicks,
    Timestamp,
    TimestampFromTicks,
)
from mattermost_plugin.db._values import Json

__all__ = [
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "ColumnDescription",
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "IsolationLevel",
    "Json",
    "NotSupportedError",
    "OperationalError",
    "Parameters",
    "ProgrammingError",
    "Row",
    "StatementTimeoutError",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "Warning",
    "apilevel",
    "connect",
    "paramstyle",
    "threadsafety",
]

#: The version of the DB-API.
apilevel: Final = "2.0"

#: Threads may share the module and connections.
threadsafety: Final = 2

#: ``%s`` and ``%(name)s``; the database's own ``$1`` is understood too.
paramstyle: Final = "pyformat"
