"""Models made of the fields that a plugin gives by name: a mistaken name is said with those that look alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["from_fields"]


def from_fields(model: type, fields: Mapping[str, Any]) -> object:
    """Returns an instance of a model with these fields.

    Raises:
        TypeError: The model has no such field, or a name is no text.
    """
    known: tuple[str, ...] = vars(model)["__slots__"]
    for name in fields:
        if name not in known:
            import difflib

            alike = difflib.get_close_matches(str(name), known, n=2)
            suggestion = f"; did you mean {' or '.join(alike)}?" if alike else f"; it has {', '.join(known)}"
            raise TypeError(f"{model.__name__} has no field {name!r}{suggestion}")
    return model(**fields)
