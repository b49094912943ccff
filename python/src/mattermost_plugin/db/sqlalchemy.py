"""SQLAlchemy 2.0 on the Mattermost server's database: `create_engine`.

The dialect is SQLAlchemy's own for PostgreSQL (in the simulator that for SQLite), over `mattermost_plugin.db`. SQLAlchemy has to be
installed with the plugin; nothing else in this package needs it.

What cannot be done: server-side cursors (``stream_results``), two-phase transactions, ranges as `Range` objects (they are text), and
``asyncio`` engines.
"""

# SQLAlchemy is not installed where pyright looks; mypy sees to it.
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

import sqlalchemy
from sqlalchemy import types as sqltypes
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql import ARRAY as PGARRAY
from sqlalchemy.dialects.postgresql import base as pg
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.pool import NullPool

from mattermost_plugin import db

__all__ = ["PostgresDialect", "SimulatorDialect", "create_engine"]

_AUTOCOMMIT: Final = "AUTOCOMMIT"
_LEVELS: Final = ("READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")


def create_engine(replica: bool = False, **options: Any) -> sqlalchemy.Engine:
    """Returns an engine on the server's database.

    It keeps no connections: they are the server's, and it has few. Make it once, in ``OnActivate`` or later.

    Args:
        replica: Use a read replica, where the server has any.
        options: Those of `sqlalchemy.create_engine`, such as ``isolation_level`` and ``echo``.

    Raises:
        NotRunningError: The plugin is not running in a host.
        mattermost_plugin.db.Error: There is no database.
    """
    with db.connect(replica=replica) as connection:
        name = connection.dialect
    options.setdefault("poolclass", NullPool)
    query = {"replica": "true"} if replica else {}
    return sqlalchemy.create_engine(sqlalchemy.URL.create(f"{name}+mattermost", query=query), **options)


class _Shared:
    """What both dialects have."""

    driver = "mattermost"
    supports_statement_cache = True
    supports_server_side_cursors = False
    #: The database's own placeholders: percent signs mean nothing then.
    default_paramstyle = "numeric_dollar"
    #: Types whose values SQLAlchemy converts itself; ``None`` for all.
    plain_types: frozenset[str] | None = None

    def create_connect_args(self, url: sqlalchemy.URL) -> tuple[list[Any], dict[str, Any]]:
        """Returns the arguments of `mattermost_plugin.db.connect`."""
        return [], {"replica": url.query.get("replica") == "true"}

    def connect(self, *args: Any, **kwargs: Any) -> db.Connection:
        """Takes a connection whose values are as SQLAlchemy wants them."""
        connection = db.connect(*args, **kwargs)
        connection._plain = self.plain_types
        return connection

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        """Executes a statement; without parameters a percent sign is only that."""
        cursor.execute(statement, parameters or None)

    def do_ping(self, dbapi_connection: Any) -> bool:
        """Asks whether a connection is alive."""
        dbapi_connection.ping()
        return True

    def is_disconnect(self, e: Exception, connection: Any, cursor: Any) -> bool:
        """Tells whether an error means that the connection is of no use any more."""
        return isinstance(e, db.Error) and (e.connection_lost or (connection is not None and bool(connection.closed)))

    def get_isolation_level_values(self, dbapi_connection: Any) -> list[str]:
        """Returns what `isolation_level` may be."""
        return [_AUTOCOMMIT, *_LEVELS]

    def set_isolation_level(self, dbapi_connection: Any, level: str) -> None:
        """Sets how the connection's next transactions are begun."""
        dbapi_connection.rollback()
        dbapi_connection.autocommit = level == _AUTOCOMMIT
        dbapi_connection.isolation_level = None if level == _AUTOCOMMIT else level.lower()

    def get_isolation_level(self, dbapi_connection: Any) -> str:
        """Returns what was set, or the usual default."""
        if dbapi_connection.autocommit:
            return _AUTOCOMMIT
        level: str = dbapi_connection.isolation_level or self.usual_isolation_level
        return level.upper()

    usual_isolation_level = "read committed"

    def reset_isolation_level(self, dbapi_connection: Any) -> None:
        """Takes back what was set."""
        self.set_isolation_level(dbapi_connection, self.usual_isolation_level.upper())

    def set_readonly(self, connection: Any, value: bool) -> None:
        """Says whether transactions may change nothing."""
        connection.read_only = value

    def get_readonly(self, connection: Any) -> bool:
        """Returns whether transactions may change nothing."""
        return bool(connection.read_only)


def _with_cast(base: type[Any], name: str = "") -> type[Any]:
    """Returns a type whose parameters say what they are: the database cannot tell by the value, which is text to it.

    Args:
        base: What it is made of.
        name: By which the compiler knows it, where that is not the base's.
    """
    attributes: dict[str, Any] = {"render_bind_cast": True, "__module__": __name__}
    if name:
        attributes["__visit_name__"] = name
    return type(f"Mattermost{base.__name__}", (base,), attributes)


_CAST: Final = {
    base: _with_cast(implementation)
    for base, implementation in [
        (sqltypes.String, sqltypes.String),
        (sqltypes.Integer, sqltypes.Integer),
        (sqltypes.SmallInteger, sqltypes.SmallInteger),
        (sqltypes.BigInteger, sqltypes.BigInteger),
        (sqltypes.Boolean, sqltypes.Boolean),
        (sqltypes.Numeric, sqltypes.Numeric),
        (sqltypes.Float, sqltypes.Float),
        (sqltypes.Date, sqltypes.Date),
        (sqltypes.Time, sqltypes.Time),
        (sqltypes.DateTime, sqltypes.DateTime),
        (sqltypes.Interval, pg.INTERVAL),
        (sqltypes.Uuid, sqltypes.Uuid),
        (sqltypes.ARRAY, PGARRAY),
        (pg.BYTEA, pg.BYTEA),
        (pg.INTERVAL, pg.INTERVAL),
    ]
}


_CAST[sqltypes.JSON.JSONIntIndexType] = _with_cast(sqltypes.JSON.JSONIntIndexType, "json_int_index")
_CAST[sqltypes.JSON.JSONStrIndexType] = _with_cast(sqltypes.JSON.JSONStrIndexType, "json_str_index")


class PostgresDialect(_Shared, pg.PGDialect):  # type: ignore[misc]
    """``postgresql+mattermost``."""

    supports_statement_cache = True
    supports_native_decimal = True
    plain_types = frozenset({"JSON", "JSONB"})
    colspecs = {**pg.PGDialect.colspecs, **_CAST}  # noqa: RUF012 (as SQLAlchemy has it)

    @classmethod
    def import_dbapi(cls) -> Any:
        """Returns the module of PEP 249."""
        return db


class SimulatorDialect(_Shared, SQLiteDialect):  # type: ignore[misc]
    """``sqlite+mattermost``, for the simulator."""

    supports_statement_cache = True
    usual_isolation_level = "serializable"
    # There is no last row's number: `RETURNING` gives it.
    postfetch_lastrowid = False

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        """Executes a statement; those that read the catalogue have ``?`` in them, whatever the style of placeholders is."""
        if parameters and "$1" not in statement:
            first, *rest = statement.split("?")
            statement = first + "".join(f"${number}{text}" for number, text in enumerate(rest, 1))
        super().do_execute(cursor, statement, parameters, context)

    @classmethod
    def import_dbapi(cls) -> Any:
        """Returns the module of PEP 249, with what SQLAlchemy wants to know of an SQLite."""
        names = {name: getattr(db, name) for name in db.__all__}
        return SimpleNamespace(**names, sqlite_version_info=_OLDEST_SQLITE)

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:
        version: str = connection.connection.dbapi_connection.server_version
        return tuple(map(int, version.split(".")))


#: Every simulator has a newer one.
_OLDEST_SQLITE: Final = (3, 45, 0)

registry.register("postgresql.mattermost", __name__, "PostgresDialect")
registry.register("sqlite.mattermost", __name__, "SimulatorDialect")
