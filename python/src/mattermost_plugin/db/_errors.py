"""The exceptions of PEP 249, and which of them an error of the database is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mattermost_plugin.errors import MattermostError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "StatementTimeoutError",
    "Warning",
    "from_host",
]


class Warning(MattermostError):  # noqa: A001 (PEP 249 has this name)
    """Something worth knowing; PEP 249 wants it to be there, and nothing here raises it."""


class Error(MattermostError):
    """Anything that went wrong with the database.

    Attributes:
        message: What happened, in the database's words.
        sqlstate: PostgreSQL's error code, such as ``"23505"``; "" when it was not the database that failed.
        severity: ``"ERROR"``, ``"FATAL"`` or ``"PANIC"``; may be "".
        detail: More about it; may be "".
        hint: What may help; may be "".
        position: Where in the statement, in characters from 1; 0 when that is not known. With ``%s`` in the statement it is the place in
            the text with ``$1`` in their stead.
        where: Where in functions of the database it happened; may be "".
        schema: Schema of the table that it is about; may be "".
        table: The table; may be "".
        column: The column; may be "".
        data_type: The type; may be "".
        constraint: The constraint that is violated; may be "".
        connection_lost: Whether the connection can be used for nothing any more.
    """

    def __init__(
        self,
        message: str = "",
        *,
        sqlstate: str = "",
        severity: str = "",
        detail: str = "",
        hint: str = "",
        position: int = 0,
        where: str = "",
        schema: str = "",
        table: str = "",
        column: str = "",
        data_type: str = "",
        constraint: str = "",
        connection_lost: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate
        self.severity = severity
        self.detail = detail
        self.hint = hint
        self.position = position
        self.where = where
        self.schema = schema
        self.table = table
        self.column = column
        self.data_type = data_type
        self.constraint = constraint
        self.connection_lost = connection_lost

    def __str__(self) -> str:
        lines = [self.message]
        if self.detail:
            lines.append(f"DETAIL: {self.detail}")
        if self.hint:
            lines.append(f"HINT: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Callable[..., Error], tuple[type[Error], str, dict[str, object]]]:
        details = {name: value for name, value in vars(self).items() if name != "message"}
        return _rebuild, (type(self), self.message, details)


def _rebuild(kind: type[Error], message: str, details: dict[str, Any]) -> Error:
    """Makes an exception again from what `Error.__reduce__` kept."""
    return kind(message, **details)


class InterfaceError(Error):
    """The connection or cursor cannot be used: it is closed, or the process was forked."""


class DatabaseError(Error):
    """The database, or the way to it, failed."""


class DataError(DatabaseError):
    """A value is wrong: out of range, division by zero, text that is no number, … (SQLSTATE 22)."""


class OperationalError(DatabaseError):
    """Something beyond the statement: the connection is lost, a lock is not to be had, memory or disk are full, and the like."""


class StatementTimeoutError(OperationalError, TimeoutError):
    """It took longer than it was allowed to, and was cancelled."""


class IntegrityError(DatabaseError):
    """A constraint does not allow it: a duplicate key, a missing row, a null (SQLSTATE 23)."""


class InternalError(DatabaseError):
    """The database or the transaction is in a state in which it cannot be done, such as a transaction that failed before."""


class ProgrammingError(DatabaseError):
    """The statement is wrong, or was given wrong arguments: syntax, a table that is not there, … (SQLSTATE 42)."""


class NotSupportedError(DatabaseError):
    """The database, or this way to it, cannot do it."""


#: By the first two characters of the SQLSTATE, as psycopg has it.
_BY_CLASS: Final[dict[str, type[DatabaseError]]] = {
    "0A": NotSupportedError,
    "08": OperationalError,
    "20": ProgrammingError,
    "21": ProgrammingError,
    "22": DataError,
    "23": IntegrityError,
    "24": InternalError,
    "25": InternalError,
    "26": ProgrammingError,
    "28": OperationalError,
    "2B": InternalError,
    "2D": InternalError,
    "2F": InternalError,
    "34": ProgrammingError,
    "38": InternalError,
    "39": InternalError,
    "3B": InternalError,
    "3D": ProgrammingError,
    "3F": ProgrammingError,
    "40": OperationalError,
    "42": ProgrammingError,
    "44": ProgrammingError,
    "53": OperationalError,
    "54": OperationalError,
    "55": OperationalError,
    "57": OperationalError,
    "58": OperationalError,
    "HV": OperationalError,
    "P0": InternalError,
    "XX": InternalError,
}

#: By ``SqlErrorKind``, where it is not the database's own error.
_BY_KIND: Final[dict[int, type[DatabaseError]]] = {
    1: OperationalError,
    2: StatementTimeoutError,
    3: ProgrammingError,
    4: NotSupportedError,
}


def from_host(fields: tuple[Any, ...]) -> DatabaseError:
    """Returns the exception for ``host.SqlError``, whose fields are given in order."""
    (
        kind,
        message,
        sqlstate,
        severity,
        detail,
        hint,
        position,
        where,
        schema,
        table,
        column,
        data_type,
        constraint,
        lost,
    ) = fields
    cls = _BY_KIND.get(kind) or _BY_CLASS.get(sqlstate[:2], DatabaseError)
    return cls(
        message,
        sqlstate=sqlstate,
        severity=severity,
        detail=detail,
        hint=hint,
        position=position,
        where=where,
        schema=schema,
        table=table,
        column=column,
        data_type=data_type,
        constraint=constraint,
        connection_lost=lost,
    )
