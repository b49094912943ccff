"""Values that several tests use."""

from __future__ import annotations

import math
from datetime import datetime, timezone

from echo import AppError, Color, Everything, Inner, Level, PlainError

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=timezone.utc)

FULL = Everything(
    a_bool=True,
    an_int32=-(2**31),
    an_int64=-(2**63),
    a_uint32=2**32 - 1,
    a_uint64=2**64 - 1,
    a_float=1.5,
    a_double=-0.0,
    a_string="Grüße 🦀",
    a_bytes=b"\x00\xff",
    by_value=Inner(name="v", count=-1),
    by_pointer=Inner(child=Inner(name="deep")),
    value={"null": None, "list": [1, 2**64 - 1, -1.5, True, b"b", "s", [], {}], "inner": Inner(name="i"), "when": NOON},
    time=NOON,
    color=Color.BLUE,
    level=Level.HIGH,
    error=PlainError(2, "no rows"),
    strings={"a": "1", "": ""},
    inners={-5: Inner(name="minus five"), 0: Inner()},
    values={"x": None, "y": [Inner(name="1"), Inner(name="2")], "e": PlainError(0, "boom", AppError(id="x"))},
    headers={"Accept": ["a", "b"], "Empty": []},
    wrapped=["w", ""],
    wrapped_map={"m": Inner(count=7)},
    opt_bool=False,
    opt_int=0,
    opt_string="",
    opt_bytes=b"",
    opt_double=0.0,
    texts=["", "a"],
    numbers=[0, 1, -1, 2**40],
    bools=[True, False],
    doubles=[0.0, 1e300, math.inf],
    messages=[Inner(), Inner(name="x")],
    many_values=[None, 1, "a", [None]],
    times=[NOON, datetime(1, 1, 1, tzinfo=timezone.utc)],
    colors=[Color.RED, "mauve", Color.NONE],
    lists=[["a"], []],
    base_name="base",
    base_numbers=[1, 2, 3],
    flags={True: 0.5, False: 0.0},
    floats=[0.25],
    unpacked=[1, 0, 300],
    far="away",
)
