"""The messages of echo.proto as the generated package would have them: classes and codec tables."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mattermost_plugin import _native

if TYPE_CHECKING:
    from datetime import datetime

OPTIONAL = 0x20
REPEATED = 0x40
EMBED = 0x80
SERVICE = "/native.test.v1.Echo/"


class Color(str, enum.Enum):
    """A string enum that has a member for the empty string."""

    NONE = ""
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    """An int enum."""

    LOW = 0
    HIGH = 10


@dataclass(slots=True, kw_only=True)
class Inner:
    name: str = ""
    count: int = 0
    child: Inner | None = None


@dataclass(slots=True, kw_only=True)
class AppError:
    id: str = ""
    message: str = ""
    detailed_error: str = ""
    request_id: str = ""
    status_code: int = 0
    where: str = ""
    skip_translation: bool = False


@dataclass(slots=True, kw_only=True)
class PostgresError:
    severity: str = ""
    code: str = ""


@dataclass(slots=True, kw_only=True)
class Everything:
    a_bool: bool = False
    an_int32: int = 0
    an_int64: int = 0
    a_uint32: int = 0
    a_uint64: int = 0
    a_float: float = 0.0
    a_double: float = 0.0
    a_string: str = ""
    a_bytes: bytes = b""
    by_value: Inner = field(default_factory=Inner)
    by_pointer: Inner | None = None
    value: Any = None
    time: datetime | None = None
    color: Color | str = Color.NONE
    level: Level | int = Level.LOW
    error: BaseException | None = None
    strings: dict[str, str] = field(default_factory=dict)
    inners: dict[int, Inner] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, list[str]] = field(default_factory=dict)
    wrapped: list[str] = field(default_factory=list)
    wrapped_map: dict[str, Inner] | None = None
    opt_bool: bool | None = None
    opt_int: int | None = None
    opt_string: str | None = None
    opt_bytes: bytes | None = None
    opt_double: float | None = None
    texts: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    bools: list[bool] = field(default_factory=list)
    doubles: list[float] = field(default_factory=list)
    messages: list[Inner] = field(default_factory=list)
    many_values: list[Any] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    colors: list[Color | str] = field(default_factory=list)
    lists: list[list[str]] = field(default_factory=list)
    base_name: str = ""
    base_numbers: list[int] = field(default_factory=list)
    flags: dict[bool, float] = field(default_factory=dict)
    floats: list[float] = field(default_factory=list)
    unpacked: list[int] = field(default_factory=list)
    far: str | None = None


class PlainError(Exception):
    """What an ``ErrorValue`` becomes here: keeps all it says, so that round trips can be compared."""

    def __init__(self, code: int, message: str, detail: object = None) -> None:
        super().__init__(code, message, detail)
        self.code = code
        self.message = message
        self.detail = detail

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PlainError) and self.args == other.args

    __hash__ = Exception.__hash__


TABLES: dict[str, tuple[type | None, tuple[tuple[int, str, int, Any], ...]]] = {
    "SayRequest": (None, ((1, "text", 8, None), (2, "data", 9, None))),
    "SayResponse": (None, ((1, "text", 8, None),)),
    "NothingRequest": (None, ()),
    "NothingResponse": (None, ()),
    "PairRequest": (None, ((1, "first", 3, None),)),
    "PairResponse": (None, ((1, "first", 3, None), (2, "second", 8, None))),
    "EverythingRequest": (None, ((1, "value", 10, "Everything"),)),
    "EverythingResponse": (None, ((1, "value", 10, "Everything"),)),
    "Inner": (Inner, ((1, "name", 8, None), (2, "count", 3, None), (3, "child", 10 | OPTIONAL, "Inner"))),
    "Base": (None, ((1, "base_name", 8, None), (2, "base_numbers", 3 | REPEATED, None))),
    "AppError": (
        AppError,
        (
            (1, "id", 8, None),
            (2, "message", 8, None),
            (3, "detailed_error", 8, None),
            (4, "request_id", 8, None),
            (5, "status_code", 3, None),
            (6, "where", 8, None),
            (7, "skip_translation", 1, None),
        ),
    ),
    "PostgresError": (PostgresError, ((1, "severity", 8, None), (2, "code", 8, None))),
    "Value": (
        None,
        (
            (1, "null_value", 3, None),
            (2, "bool_value", 1, None),
            (3, "int_value", 3, None),
            (4, "uint_value", 5, None),
            (5, "double_value", 7, None),
            (6, "string_value", 8, None),
            (7, "bytes_value", 9, None),
            (8, "list_value", 10, "ValueList"),
            (9, "map_value", 10, "ValueMap"),
            (10, "error_value", 15, None),
            (16, "inner", 10, "Inner"),
            (17, "inners", 17, (10 | REPEATED, "Inner")),
            (18, "time_value", 12, None),
        ),
    ),
    "Everything": (
        Everything,
        (
            (1, "a_bool", 1, None),
            (2, "an_int32", 2, None),
            (3, "an_int64", 3, None),
            (4, "a_uint32", 4, None),
            (5, "a_uint64", 5, None),
            (6, "a_float", 6, None),
            (7, "a_double", 7, None),
            (8, "a_string", 8, None),
            (9, "a_bytes", 9, None),
            (10, "by_value", 10, "Inner"),
            (11, "by_pointer", 10 | OPTIONAL, "Inner"),
            (12, "value", 11, None),
            (13, "time", 12, None),
            (14, "color", 13, "Color"),
            (15, "level", 14, "Level"),
            (16, "error", 15, None),
            (17, "strings", 16, (8, 8, None)),
            (18, "inners", 16, (3, 10, "Inner")),
            (19, "values", 16, (8, 11, None)),
            (20, "headers", 16, (8, 17, (8 | REPEATED, None))),
            (21, "wrapped", 17, (8 | REPEATED, None)),
            (22, "wrapped_map", 17 | OPTIONAL, (16, (8, 10, "Inner"))),
            (23, "opt_bool", 1 | OPTIONAL, None),
            (24, "opt_int", 3 | OPTIONAL, None),
            (25, "opt_string", 8 | OPTIONAL, None),
            (26, "opt_bytes", 9 | OPTIONAL, None),
            (27, "opt_double", 7 | OPTIONAL, None),
            (28, "texts", 8 | REPEATED, None),
            (29, "numbers", 3 | REPEATED, None),
            (30, "bools", 1 | REPEATED, None),
            (31, "doubles", 7 | REPEATED, None),
            (32, "messages", 10 | REPEATED, "Inner"),
            (33, "many_values", 11 | REPEATED, None),
            (34, "times", 12 | REPEATED, None),
            (35, "colors", 13 | REPEATED, "Color"),
            (36, "lists", 17 | REPEATED, (8 | REPEATED, None)),
            (37, "base", 10 | EMBED, "Base"),
            (38, "flags", 16, (1, 6, None)),
            (39, "floats", 6 | REPEATED, None),
            (40, "unpacked", 3 | REPEATED, None),
            (100000, "far", 8 | OPTIONAL, None),
        ),
    ),
}

ENUMS: dict[str, type] = {"Color": Color, "Level": Level}

#: Python's methods: path → (request, response, is_async, is_stream).
METHODS: dict[str, tuple[str, str, bool, bool]] = {
    SERVICE + "Say": ("SayRequest", "SayResponse", False, False),
    SERVICE + "Everything": ("EverythingRequest", "EverythingResponse", False, False),
    SERVICE + "Nothing": ("NothingRequest", "NothingResponse", False, False),
    SERVICE + "Pair": ("PairRequest", "PairResponse", True, False),
    SERVICE + "Chat": ("SayRequest", "SayResponse", False, True),
    SERVICE + "Collect": ("SayRequest", "SayResponse", True, True),
}


def make_codec() -> _native.Codec:
    """Returns a codec for echo.proto."""
    return _native.Codec(
        TABLES.__getitem__,
        ENUMS.__getitem__,
        make_error=PlainError,
        split_error=split_error,
    )


def split_error(error: BaseException) -> tuple[int, str, Any]:
    """Takes an exception apart, as the SDK's runtime does."""
    if isinstance(error, PlainError):
        return error.code, error.message, error.detail
    return 0, str(error), None
