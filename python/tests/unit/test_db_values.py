"""Values between Python and the database, without one."""

from __future__ import annotations

import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any

import pytest

from mattermost_plugin import db
from mattermost_plugin.db._values import converter, to_wire


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    LOW = 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (2**63 - 1, 2**63 - 1),
        (2**63, "9223372036854775808"),
        (-(2**63) - 1, "-9223372036854775809"),
        (1.5, 1.5),
        ("a", "a"),
        (b"a", b"a"),
        (bytearray(b"a"), b"a"),
        (memoryview(b"a"), b"a"),
        (Decimal("1.50"), "1.50"),
        (datetime(2024, 2, 29, 1, 2, 3, 4), "2024-02-29 01:02:03.000004"),
        (datetime(2024, 2, 29, 1, 2, 3, tzinfo=timezone.utc), "2024-02-29 01:02:03+00:00"),
        (date(2024, 2, 29), "2024-02-29"),
        (time(1, 2, 3), "01:02:03"),
        (timedelta(days=-1, seconds=1, microseconds=2), "-1 days 1.000002 seconds"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (Colour.RED, "red"),
        (Level.LOW, 3),
        ({"a": [1]}, '{"a": [1]}'),
        (db.Json([1, "x"]), '[1, "x"]'),
        ([1, None, 'a"\\'], '{"1",NULL,"a\\"\\\\"}'),
        ([[True], [b"\1"]], '{{"t"},{"\\\\x01"}}'),
        ((), "{}"),
    ],
)
def test_arguments(value: Any, expected: Any) -> None:
    wire = to_wire(value)
    assert wire == expected
    assert type(wire) is type(expected)


def test_what_cannot_be_sent_is_named() -> None:
    with pytest.raises(db.ProgrammingError, match="type object"):
        to_wire(object())


@pytest.mark.parametrize(
    ("type_name", "value", "expected"),
    [
        ("TIMESTAMPTZ", "2024-02-29 12:00:00+05:30", datetime(2024, 2, 29, 6, 30, tzinfo=timezone.utc)),
        ("TIMESTAMPTZ", "2024-02-29 12:00:00.1-08", datetime(2024, 2, 29, 20, 0, 0, 100000, timezone.utc)),
        ("TIMESTAMPTZ", "1850-01-01 00:00:00-00:01:15", datetime(1850, 1, 1, 0, 1, 15, tzinfo=timezone.utc)),
        ("TIMESTAMPTZ", "infinity", "infinity"),
        ("TIMESTAMPTZ", "2024-02-29 12:00:00+00 BC", "2024-02-29 12:00:00+00 BC"),
        ("TIMESTAMP", "2024-02-29 12:00:00.123456", datetime(2024, 2, 29, 12, 0, 0, 123456)),
        ("TIMESTAMP", "10000-01-01 00:00:00", "10000-01-01 00:00:00"),
        ("DATE", "2024-02-29", date(2024, 2, 29)),
        ("DATE", "-infinity", "-infinity"),
        ("TIME", "23:59:59.5", time(23, 59, 59, 500000)),
        ("TIME", "24:00:00", "24:00:00"),
        ("TIMETZ", "01:02:03+02", time(1, 2, 3, tzinfo=timezone(timedelta(hours=2)))),
        ("INTERVAL", b"1 day 02:03:04.000005", timedelta(days=1, hours=2, minutes=3, seconds=4, microseconds=5)),
        ("INTERVAL", b"1 year 2 mons -3 days -04:05:06", timedelta(days=422, hours=-4, minutes=-5, seconds=-6)),
        ("INTERVAL", b"-1 days +02:00:00", timedelta(days=-1, hours=2)),
        ("INTERVAL", b"00:00:00", timedelta()),
        ("INTERVAL", b"P1D", "P1D"),
        ("NUMERIC", b"12.30", Decimal("12.30")),
        ("NUMERIC", 5, Decimal(5)),
        ("JSONB", b'{"a": null}', {"a": None}),
        ("UUID", b"00000000-0000-0000-0000-000000000005", uuid.UUID(int=5)),
        ("_INT4", b"[0:1]={1,NULL}", [1, None]),
        ("_TEXT", b'{"a,\\"b\\\\",NULL,"NULL",c d}', ['a,"b\\', None, "NULL", "c d"]),
        ("_TIMESTAMPTZ", b'{"2024-02-29 12:00:00+00"}', [datetime(2024, 2, 29, 12, tzinfo=timezone.utc)]),
        ("NAME", b"users", "users"),
        ("", b"mood", "mood"),
        ("XML", None, None),
    ],
)
def test_columns(type_name: str, value: Any, expected: Any) -> None:
    convert = converter(type_name, "postgresql")
    assert convert is not None
    got = None if value is None else convert(value)
    assert got == expected
    assert type(got) is type(expected)


def test_columns_that_come_as_they_are() -> None:
    for type_name in ("INT8", "BOOL", "TEXT", "BYTEA", "FLOAT8"):
        assert converter(type_name, "postgresql") is None
    # What SQLite has no name for is what it is.
    assert converter("", "sqlite") is None


def test_an_array_that_is_none_is_an_error() -> None:
    convert = converter("_TEXT", "postgresql")
    assert convert is not None
    with pytest.raises(db.DataError):
        convert(b"{a")
