"""Cursors: statements and their rows."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from mattermost_plugin.db import _values
from mattermost_plugin.db._errors import InterfaceError, ProgrammingError
from mattermost_plugin.db._placeholders import Parameters, template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from mattermost_plugin.db._connection import Connection

__all__ = ["ColumnDescription", "Cursor", "Row"]

#: A row.
Row = tuple[Any, ...]

#: Name, type code, display size, internal size, precision, scale, whether it may be null; what is not known is ``None``.
ColumnDescription = tuple[str, str, None, None, int | None, int | None, None]

#: Rows of the first answer, and of later ones: a short result takes one way there and back, a long one few.
_FIRST: Final = 64
_GROWTH: Final = 4
_MOST: Final = 4096

#: Of the arguments of one request to execute many: how many lists of them, and about how many bytes.
_MANY_ROWS: Final = 500
_MANY_BYTES: Final = 256 * 1024


class Cursor:
    """Executes statements on a connection and hands out their rows; made by `Connection.cursor`.

    Rows are fetched from the host as they are asked for, some thousand at a time at most. When another cursor of the same connection
    executes something, or the transaction is committed, what was not fetched yet is fetched first and kept in memory.

    Attributes:
        arraysize: How many rows `fetchmany` returns when it is not told; 1 at first.
        description: The columns of the rows, ``None`` for a statement that gives none; see `ColumnDescription`.
        rowcount: How many rows the last statement changed, or gave once all are fetched; -1 when that is not known.
        lastrowid: Always ``None``: use ``RETURNING``.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._closed = False
        self._reset()
        self.arraysize = 1
        self.lastrowid: None = None

    def _reset(self) -> None:
        self.description: list[ColumnDescription] | None = None
        self.rowcount = -1
        self._rows: deque[Row] = deque()
        self._more = False
        self._gone = ""
        self._n_handed = 0
        self._batch = _FIRST
        self._converters: list[_values.Converter | None] | None = None

    @property
    def connection(self) -> Connection:
        """The connection that it works on."""
        return self._connection

    @property
    def closed(self) -> bool:
        """Whether it was closed, or its connection was."""
        return self._closed or self._connection.closed

    @property
    def rownumber(self) -> int | None:
        """Index of the next row among those of the result; ``None`` when there is no result."""
        return None if self.description is None else self._n_handed

    def execute(self, operation: str, parameters: Parameters | None = None) -> Self:
        """Executes a statement, and returns this cursor.

        Args:
            operation: One statement; several with semicolons between them only without parameters, and if none of them gives rows.
            parameters: What stands for the placeholders: a sequence for ``%s`` (or for ``$1``, ``$2``, … as the database has them), a
                mapping for ``%(name)s``. Without parameters a percent sign is a percent sign, with them it is written ``%%``.

        Raises:
            Error: It cannot be executed; see the classes of this package.
        """
        text, arguments = _prepare(operation, parameters)
        connection = self._connection
        with connection._link.lock:
            self._check()
            connection._yield_rows_to(self)
            self._reset()
            columns, affected, rows, more = connection._execute(
                "execute", (text, arguments, connection._transaction(), self._batch)
            )
            if not columns:
                self.rowcount = affected
                return self
            self._describe(columns)
            self._more = more
            connection._reader = self if more else None
            self._take(rows)
        return self

    def executemany(self, operation: str, seq_of_parameters: Iterable[Parameters]) -> Self:
        """Executes a statement that gives no rows once for each of the parameters; the database prepares it once.

        Args:
            operation: The statement.
            seq_of_parameters: A sequence or mapping for each time; any iterable, read as it goes.

        Raises:
            Error: It cannot be executed. What was executed before stands until the transaction is rolled back.
        """
        connection = self._connection
        with connection._link.lock:
            self._check()
            connection._yield_rows_to(self)
            self._reset()
            total = 0
            text = ""
            for texts, arguments, more in _chunks(operation, seq_of_parameters):
                text = texts
                values = (text, arguments, connection._transaction(), more)
                affected = connection._execute("execute_many", values)[1]
                total = -1 if total < 0 or affected < 0 else total + affected
            self.rowcount = total
        return self

    def fetchone(self) -> Row | None:
        """Returns the next row, ``None`` after the last.

        Raises:
            ProgrammingError: The last statement gave no rows, or they are gone.
        """
        self._need_rows()
        if not self._rows and self._more:
            self._fetch()
        if not self._rows:
            return None
        self._n_handed += 1
        return self._rows.popleft()

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """Returns the next rows, fewer when there are no more.

        Args:
            size: How many; `arraysize` when it is not given.
        """
        self._need_rows()
        wanted = self.arraysize if size is None else size
        return list(islice(self, wanted)) if wanted > 0 else []

    def fetchall(self) -> list[Row]:
        """Returns all rows that are left."""
        self._need_rows()
        self._fetch_rest()
        rows = list(self._rows)
        self._rows.clear()
        self._n_handed += len(rows)
        return rows

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def setinputsizes(self, sizes: Sequence[object]) -> None:
        """Does nothing; PEP 249 wants it to be there."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """Does nothing; PEP 249 wants it to be there."""

    def close(self) -> None:
        """Gives up what was not fetched. The cursor cannot be used any more. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._rows.clear()
        connection = self._connection
        with connection._link.lock:
            if self._more and connection._reader is self and not connection.closed:
                connection._reader = None
                connection._link.ask("close_rows", ())
        self._more = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # What the connection asks for.

    def _fetch_rest(self) -> None:
        """Fetches what is left into memory."""
        while self._more:
            self._fetch()

    def _lose_rows(self, why: str) -> None:
        """Notes that what was not fetched is gone."""
        self._rows.clear()
        self._more = False
        self._gone = why

    # Inside.

    def _check(self) -> None:
        if self._closed:
            raise InterfaceError("the cursor is closed")
        if self._connection.closed:
            raise InterfaceError("the connection is closed")

    def _need_rows(self) -> None:
        self._check()
        if self._gone:
            raise ProgrammingError(f"the rows are gone: {self._gone}")
        if self.description is None:
            raise ProgrammingError("there are no rows: nothing was executed, or a statement that gives none")

    def _describe(self, columns: list[tuple[str, str, int | None, int | None]]) -> None:
        self.description = [
            (name, type_name, None, None, precision, scale, None) for name, type_name, precision, scale in columns
        ]
        connection = self._connection
        converters = [connection._converter(column[1]) for column in columns]
        self._converters = converters if any(converters) else None

    def _fetch(self) -> None:
        connection = self._connection
        with connection._link.lock:
            self._batch = min(self._batch * _GROWTH, _MOST)
            try:
                rows, self._more = connection._link.rows(self._batch)
            except BaseException:
                self._lose_rows("fetching them failed")
                connection._reader = None
                raise
            if not self._more:
                connection._reader = None
            self._take(rows)

    def _take(self, rows: list[list[Any]]) -> None:
        converters = self._converters
        if converters is None:
            self._rows.extend(map(tuple, rows))
        else:
            for row in rows:
                self._rows.append(
                    tuple(
                        value if convert is None or value is None else convert(value)
                        for value, convert in zip(row, converters, strict=True)
                    )
                )
        if not self._more:
            self.rowcount = self._n_handed + len(self._rows)


def _prepare(operation: str, parameters: Parameters | None) -> tuple[str, list[Any]]:
    """Returns a statement with ``$1``, and its arguments as they travel."""
    if not isinstance(operation, str):
        raise ProgrammingError(f"the statement is of type {type(operation).__name__}; give a str")
    if parameters is None:
        return operation, []
    made = template(operation)
    return made.text, [_values.to_wire(value) for value in made.arguments(parameters)]


def _chunks(operation: str, seq_of_parameters: Iterable[Parameters]) -> Iterator[tuple[str, list[list[Any]], bool]]:
    """Yields text and arguments in pieces of some size, and whether there is another piece."""
    text, size = operation, 0
    chunk: list[list[Any]] = []
    for parameters in seq_of_parameters:
        if len(chunk) >= _MANY_ROWS or size >= _MANY_BYTES:
            yield text, chunk, True
            chunk, size = [], 0
        text, arguments = _prepare(operation, parameters)
        chunk.append(arguments)
        size += sum(len(value) if isinstance(value, (str, bytes)) else 8 for value in arguments)
    if chunk:
        yield text, chunk, False
