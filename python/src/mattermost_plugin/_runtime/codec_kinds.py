"""The kinds of the codec's tables by name. See ``_native.pyi`` for what they mean."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["base_of", "is_optional", "is_repeated"]

BOOL: Final = 1
INTEGERS: Final = frozenset({2, 3, 4, 5})
FLOATS: Final = frozenset({6, 7})
STRING: Final = 8
BYTES: Final = 9
MESSAGE: Final = 10
STRING_ENUM: Final = 13
INT_ENUM: Final = 14
MAP: Final = 16

OPTIONAL: Final = 0x20
REPEATED: Final = 0x40

Field = tuple[int, str, int, Any]


def base_of(kind: int) -> int:
    """Returns the kind without its flags."""
    return kind & 0x1F


def is_optional(kind: int) -> bool:
    """Returns whether ``None`` stands for absent."""
    return bool(kind & OPTIONAL)


def is_repeated(kind: int) -> bool:
    """Returns whether the field is a list."""
    return bool(kind & REPEATED)
