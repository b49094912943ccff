"""Values between Python and the database.

Arguments travel as null, bool, int, float, str or bytes; all else becomes text that PostgreSQL reads by the type of the place where
the argument stands. Rows come the same way; a column's type says what a text or bytes are.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from mattermost_plugin.db._errors import DataError, ProgrammingError

__all__ = ["Converter", "Json", "as_text", "converter", "to_wire"]

Converter = Callable[[Any], Any]

_INT64: Final = 1 << 63


class Json:
    """An argument that is sent as JSON: ``Json([1, 2])``. A dict is sent so by itself; a list would be an array.

    Args:
        value: What `json.dumps` takes.
    """

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Json({self.value!r})"


def to_wire(value: Any) -> Any:
    """Returns an argument as it travels.

    Raises:
        ProgrammingError: It is of a type that has no form in the database.
    """
    kind = type(value)
    if value is None or kind in (bool, float, str, bytes):
        return value
    if kind is int:
        return value if -_INT64 <= value < _INT64 else str(value)
    return _other_to_wire(value)


def _other_to_wire(value: Any) -> Any:
    for kind, convert in _TO_WIRE:
        if isinstance(value, kind):
            return convert(value)
    raise ProgrammingError(
        f"a parameter of type {type(value).__name__} cannot be sent; make it a str, or wrap it in Json(…)"
    )


def _timedelta(value: timedelta) -> str:
    # Days and the rest apart, so that no sign gets lost: -1 days +3600.000001 seconds.
    return f"{value.days} days {value.seconds}.{value.microseconds:06} seconds"


def _array(value: list[Any] | tuple[Any, ...]) -> str:
    return "{" + ",".join(map(_element, value)) + "}"


def _element(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return _array(value)
    value = to_wire(value)
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        value = "\\x" + value.hex()
    elif isinstance(value, bool):
        value = "t" if value else "f"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_TO_WIRE: Final[tuple[tuple[type, Converter], ...]] = (
    (Enum, lambda value: to_wire(value.value)),
    (bool, bool),
    (int, lambda value: to_wire(int(value))),
    (float, float),
    (str, str),
    (bytearray, bytes),
    (memoryview, bytes),
    (bytes, bytes),
    (Decimal, str),
    (datetime, lambda value: value.isoformat(" ")),
    (date, date.isoformat),
    (time, time.isoformat),
    (timedelta, _timedelta),
    (uuid.UUID, str),
    (Json, lambda value: json.dumps(value.value)),
    (Mapping, lambda value: json.dumps(dict(value))),
    (list, _array),
    (tuple, _array),
)


def converter(type_name: str, dialect: str) -> Converter | None:
    """Returns what makes Python's value of a column's; ``None`` when there is nothing to do.

    Args:
        type_name: PostgreSQL's name of the column's type; "" when it is not known.
        dialect: What the database is; only PostgreSQL's driver gives bytes for texts.
    """
    if type_name in _AS_THEY_COME:
        return None
    known = _FROM_TEXT.get(type_name)
    if known is not None:
        return _of_text(known)
    if dialect != "postgresql":
        return None
    if type_name.startswith("_"):
        return _of_text(_array_reader(type_name[1:]))
    return as_text


#: Types that arrive as Python has them. ``BYTEA`` is bytes.
_AS_THEY_COME: Final = frozenset({"BOOL", "INT2", "INT4", "INT8", "FLOAT4", "FLOAT8", "BYTEA", "TEXT", "VARCHAR"})


def as_text(value: Any) -> Any:
    """Returns what is a text to the database, which its driver gives as bytes, as one."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _of_text(read: Callable[[str], Any]) -> Converter:
    def convert(value: Any) -> Any:
        if value is None:
            return None
        found = as_text(value)
        # Numbers and such: SQLite keeps what it was given, whatever the column was declared as.
        return read(found if isinstance(found, str) else str(found))

    return convert


_ZONE: Final = re.compile(r"([+-])(\d\d)(?::?(\d\d))?(?::?(\d\d))?$")


def _zone(text: str) -> tuple[str, timezone | None]:
    """Splits an offset like ``+02``, ``+05:30`` or ``-00:01:15`` off."""
    match = _ZONE.search(text, 8)
    if match is None:
        return text, None
    sign, hours, minutes, seconds = match.groups(default="0")
    offset = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds))
    return text[: match.start()], timezone(-offset if sign == "-" else offset)


def _datetime(text: str) -> datetime | str:
    # What has no place in Python (infinity, years before Christ or after 9999) stays text.
    body, zone = _zone(text)
    try:
        return datetime.fromisoformat(_micro(body)).replace(tzinfo=zone)
    except ValueError:
        return text


def _datetime_with_zone(text: str) -> datetime | str:
    value = _datetime(text)
    if isinstance(value, datetime):
        return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)
    return value


def _date(text: str) -> date | str:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


def _time(text: str) -> time | str:
    body, zone = _zone(text)
    try:
        return time.fromisoformat(_micro(body)).replace(tzinfo=zone)
    except ValueError:
        return text


def _micro(text: str) -> str:
    """Fills the fraction up to the three or six digits that older Pythons want."""
    body, dot, fraction = text.partition(".")
    return f"{body}.{fraction[:6]:0<6}" if dot else text


_INTERVAL: Final = re.compile(
    r"(?:(?P<years>[+-]?\d+) years? ?)?(?:(?P<months>[+-]?\d+) mons? ?)?(?:(?P<days>[+-]?\d+) days? ?)?"
    r"(?:(?P<sign>[+-])?(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d(?:\.\d+)?))?"
)


def _interval(text: str) -> timedelta | str:
    match = _INTERVAL.fullmatch(text)
    if match is None or not text:
        return text
    part = {name: value or "0" for name, value in match.groupdict().items()}
    clock = timedelta(
        hours=int(part["hours"]),
        minutes=int(part["minutes"]),
        microseconds=int(Decimal(part["seconds"]) * 1_000_000),
    )
    # As psycopg has it: a month is 30 days, a year 365.
    days = int(part["years"]) * 365 + int(part["months"]) * 30 + int(part["days"])
    try:
        return timedelta(days=days) + (-clock if part["sign"] == "-" else clock)
    except OverflowError:
        return text


def _integers(text: str) -> list[int]:
    return [int(part) for part in text.split()]


def _bool(text: str) -> bool:
    return text in ("t", "true", "1")


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("\\x"))


_FROM_TEXT: Final[dict[str, Callable[[str], Any]]] = {
    "NUMERIC": Decimal,
    "TIMESTAMPTZ": _datetime_with_zone,
    "TIMESTAMP": _datetime,
    "DATE": _date,
    "TIME": _time,
    "TIMETZ": _time,
    "INTERVAL": _interval,
    "UUID": uuid.UUID,
    "JSON": json.loads,
    "JSONB": json.loads,
    "OID": int,
    "XID": int,
    "CID": int,
    "INT2VECTOR": _integers,
    "OIDVECTOR": _integers,
}

#: Elements of arrays are always text.
_ELEMENTS: Final[dict[str, Callable[[str], Any]]] = {
    **_FROM_TEXT,
    "BOOL": _bool,
    "INT2": int,
    "INT4": int,
    "INT8": int,
    "FLOAT4": float,
    "FLOAT8": float,
    "BYTEA": _bytes,
}

_ARRAY_PIECE: Final = re.compile(r'[{},]|"(?:[^"\\]|\\.)*"|[^{},"]+', re.DOTALL)


def _array_reader(element_type: str) -> Callable[[str], list[Any]]:
    read = _ELEMENTS.get(element_type, str)

    def read_array(text: str) -> list[Any]:
        # Bounds other than from 1: [2:3]={…}
        body = text[text.index("=") + 1 :] if text.startswith("[") else text
        stack: list[list[Any]] = [[]]
        for piece in _ARRAY_PIECE.findall(body):
            if piece == "{":
                stack.append([])
            elif piece == "}":
                done = stack.pop()
                stack[-1].append(done)
            elif piece == ",":
                continue
            elif piece.startswith('"'):
                stack[-1].append(read(re.sub(r"\\(.)", r"\1", piece[1:-1], flags=re.DOTALL)))
            else:
                stack[-1].append(None if piece == "NULL" else read(piece))
        if len(stack) != 1 or len(stack[0]) != 1:
            raise DataError(f"the database sent {text[:80]!r} for an array")
        array: list[Any] = stack[0][0]
        return array

    return read_array
