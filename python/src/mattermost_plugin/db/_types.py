"""The type objects and constructors of PEP 249."""

from __future__ import annotations

import time as _time
from datetime import date, datetime, time, timedelta
from typing import Final

__all__ = [
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "DBAPITypeObject",
    "Date",
    "DateFromTicks",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
]


class DBAPITypeObject:
    """Equal to the type codes that it stands for; a type code is PostgreSQL's name of a type, such as ``"INT8"``."""

    def __init__(self, name: str, *types: str) -> None:
        self._name = name
        self._types = frozenset(types)

    def __eq__(self, other: object) -> bool:
        return other is self or (isinstance(other, str) and other in self._types)

    def __hash__(self) -> int:
        return hash(self._types)

    def __repr__(self) -> str:
        return f"mattermost_plugin.db.{self._name}"


STRING: Final = DBAPITypeObject("STRING", "TEXT", "VARCHAR", "BPCHAR", "CHAR", "NAME", "UUID", "JSON", "JSONB", "XML")
BINARY: Final = DBAPITypeObject("BINARY", "BYTEA")
NUMBER: Final = DBAPITypeObject("NUMBER", "INT2", "INT4", "INT8", "FLOAT4", "FLOAT8", "NUMERIC", "BOOL", "MONEY")
DATETIME: Final = DBAPITypeObject("DATETIME", "TIMESTAMPTZ", "TIMESTAMP", "DATE", "TIME", "TIMETZ", "INTERVAL")
ROWID: Final = DBAPITypeObject("ROWID", "OID", "TID", "XID", "CID")

Date = date
Time = time
Timestamp = datetime
Binary = bytes


def DateFromTicks(ticks: float) -> date:  # noqa: N802 (PEP 249 has this name)
    """Returns the local date of seconds since the epoch."""
    return date(*_time.localtime(ticks)[:3])


def TimeFromTicks(ticks: float) -> time:  # noqa: N802
    """Returns the local time of seconds since the epoch."""
    return time(*_time.localtime(ticks)[3:6])


def TimestampFromTicks(ticks: float) -> datetime:  # noqa: N802
    """Returns the local date and time of seconds since the epoch."""
    return datetime(*_time.localtime(ticks)[:6]) + timedelta(seconds=ticks % 1)
