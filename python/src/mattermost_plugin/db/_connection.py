"""Connections: transactions, and who reads rows."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final, Literal

from mattermost_plugin._runtime import state
from mattermost_plugin.db import _errors, _values
from mattermost_plugin.db._cursor import Cursor
from mattermost_plugin.db._errors import InterfaceError, ProgrammingError
from mattermost_plugin.db._link import Link, open_link

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from typing_extensions import Self

    from mattermost_plugin.db._placeholders import Parameters

__all__ = ["Connection", "IsolationLevel", "connect"]

IsolationLevel = Literal["read uncommitted", "read committed", "repeatable read", "serializable"]

_ISOLATION: Final[dict[str | None, int]] = {
    None: 0,
    "read uncommitted": 1,
    "read committed": 2,
    "repeatable read": 4,
    "serializable": 6,
}

#: Stands for the time limit that calls of the plugin API have.
_AS_THE_API: Final = object()


def connect(
    replica: bool = False,
    *,
    autocommit: bool = False,
    isolation_level: IsolationLevel | None = None,
    read_only: bool = False,
    timeout: float | object | None = _AS_THE_API,
) -> Connection:
    """Takes a connection from the pool that the Mattermost server has to its database.

    The server has few of them: close it soon, best by ``with``.

    Args:
        replica: One to a read replica, where the server has any: only to read, and some moments behind.
        autocommit: Each statement is a transaction of its own, instead of one that lasts until `Connection.commit`.
        isolation_level: Of its transactions; ``None`` for what the database is set to.
        read_only: Its transactions may change nothing.
        timeout: Seconds that a statement may take, ``None`` for no limit; without it as long as a call of the plugin API. In a handler it
            is never longer than the hook may take.

    Raises:
        NotRunningError: The plugin is not running in a host.
        Error: There is no database, or no connection to be had.
    """
    if timeout is _AS_THE_API:
        timeout = state.current("db").api._timeout
    if timeout is not None and not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout: expected a number of seconds or None, got {type(timeout).__name__}")
    if isolation_level not in _ISOLATION:
        raise ProgrammingError(f"{isolation_level!r} is no isolation level; there are: {_levels()}")
    connection = Connection(open_link(replica=replica, timeout=timeout))
    connection.autocommit = autocommit
    connection.isolation_level = isolation_level
    connection.read_only = read_only
    return connection


class Connection:
    """A connection to the server's database; made by `connect`.

    As a context manager it commits at the end, or rolls back after an exception, and closes in either case.

    Threads may share it: they take turns, statement by statement. They share its transaction then, too.

    Attributes:
        timeout: Seconds that a statement may take; ``None`` for no limit. Can be set at any time.
    """

    # PEP 249 has the exceptions here, too, for programs that do not know the module.
    Warning = _errors.Warning
    Error = _errors.Error
    InterfaceError = _errors.InterfaceError
    DatabaseError = _errors.DatabaseError
    DataError = _errors.DataError
    OperationalError = _errors.OperationalError
    IntegrityError = _errors.IntegrityError
    InternalError = _errors.InternalError
    ProgrammingError = _errors.ProgrammingError
    NotSupportedError = _errors.NotSupportedError

    def __init__(self, link: Link) -> None:
        self._link = link
        #: The cursor whose rows are not all fetched.
        self._reader: Cursor | None = None
        self._in_transaction = False
        self._autocommit = False
        self._isolation_level: IsolationLevel | None = None
        self._read_only = False
        #: Types whose values stay text, ``None`` for all as the database gives them: SQLAlchemy has conversions of its own.
        self._plain: frozenset[str] | None = frozenset()

    @property
    def closed(self) -> bool:
        """Whether it was closed, or is lost."""
        return self._link.closed

    @property
    def dialect(self) -> str:
        """What the database is: ``"postgresql"``, or ``"sqlite"`` in the simulator."""
        return self._link.dialect

    @property
    def server_version(self) -> str:
        """The database's version, such as ``"15.10"``."""
        return self._link.version

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction was begun and not ended."""
        return self._in_transaction

    @property
    def timeout(self) -> float | None:
        """Seconds that a statement may take; ``None`` for no limit."""
        return self._link.timeout

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self._link.timeout = seconds

    @property
    def autocommit(self) -> bool:
        """Whether each statement is a transaction of its own. Cannot be changed within a transaction."""
        return self._autocommit

    @autocommit.setter
    def autocommit(self, on: bool) -> None:
        self._outside("autocommit")
        self._autocommit = bool(on)

    @property
    def isolation_level(self) -> IsolationLevel | None:
        """How transactions are isolated; ``None`` for what the database is set to. Cannot be changed within a transaction."""
        return self._isolation_level

    @isolation_level.setter
    def isolation_level(self, level: IsolationLevel | None) -> None:
        self._outside("isolation_level")
        if level not in _ISOLATION:
            raise ProgrammingError(f"{level!r} is no isolation level; there are: {_levels()}")
        self._isolation_level = level

    @property
    def read_only(self) -> bool:
        """Whether transactions may change nothing. Cannot be changed within a transaction."""
        return self._read_only

    @read_only.setter
    def read_only(self, on: bool) -> None:
        self._outside("read_only")
        self._read_only = bool(on)

    def cursor(self) -> Cursor:
        """Returns a new cursor.

        Raises:
            InterfaceError: The connection is closed.
        """
        if self.closed:
            raise InterfaceError("the connection is closed")
        return Cursor(self)

    def execute(self, operation: str, parameters: Parameters | None = None) -> Cursor:
        """Executes a statement with a new cursor, and returns that; see `Cursor.execute`."""
        return self.cursor().execute(operation, parameters)

    def executemany(self, operation: str, seq_of_parameters: Iterable[Parameters]) -> Cursor:
        """Executes a statement many times with a new cursor, and returns that; see `Cursor.executemany`."""
        return self.cursor().executemany(operation, seq_of_parameters)

    def commit(self) -> None:
        """Commits the transaction, if there is one.

        Raises:
            Error: It could not be committed, and was rolled back.
        """
        with self._link.lock:
            if self._in_transaction and self._reader is not None:
                self._reader._fetch_rest()
            self._end(commit=True)

    def rollback(self) -> None:
        """Rolls the transaction back, if there is one. What was not fetched of its rows is gone."""
        with self._link.lock:
            if self._in_transaction and self._reader is not None:
                self._reader._lose_rows("the transaction was rolled back")
                self._reader = None
            self._end(commit=False)

    def ping(self) -> None:
        """Asks the database whether the connection is alive.

        Raises:
            Error: It is not.
        """
        with self._link.lock:
            self._yield_rows_to(None)
            self._link.ask("ping", ())

    def close(self) -> None:
        """Rolls back what was not committed, and gives the connection back to the server. Idempotent."""
        self._reader = None
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.commit()
        finally:
            # What is not committed by now is rolled back.
            self.close()

    def __del__(self) -> None:
        link = getattr(self, "_link", None)
        if link is not None and not link.closed:
            warnings.warn(
                "a database connection was not closed; use `with connect() as …`", ResourceWarning, stacklevel=2
            )
            link.drop()

    # What cursors ask for.

    def _transaction(self) -> tuple[int, bool] | None:
        """Returns how a transaction is to be begun before a statement; ``None`` for none."""
        return None if self._autocommit else (_ISOLATION[self._isolation_level], self._read_only)

    def _execute(self, part: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Executes something in a transaction, if there is to be one."""
        # Before it is known whether it begins: rolling back what is not there is nothing.
        self._in_transaction = self._in_transaction or not self._autocommit
        return self._link.result(part, values)

    def _yield_rows_to(self, cursor: Cursor | None) -> None:
        """Makes room for a statement: rows of another cursor are fetched, its own are given up."""
        reader, self._reader = self._reader, None
        if reader is not None and reader is not cursor:
            reader._fetch_rest()

    def _converter(self, type_name: str) -> _values.Converter | None:
        if self._plain is None:
            return None
        if type_name in self._plain:
            return _values.as_text
        return _values.converter(type_name, self.dialect)

    # Inside.

    def _outside(self, what: str) -> None:
        if self._in_transaction:
            raise ProgrammingError(f"{what} cannot be changed within a transaction; commit or roll back first")

    def _end(self, *, commit: bool) -> None:
        if self.closed:
            raise InterfaceError("the connection is closed")
        if self._in_transaction:
            self._in_transaction = False
            self._link.ask("end", (commit,))


def _levels() -> str:
    return ", ".join(repr(level) for level in _ISOLATION if level is not None)
