"""`Headers`, the fields of a request or response, and what may be sent as one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["HeaderValues", "Headers", "check_fields", "check_status"]

HeaderValues: TypeAlias = "Mapping[str, str | Iterable[str]]"

#: A token of RFC 9110.
_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
#: What a value must not hold: control characters but the tab, and halves of surrogate pairs.
_NOT_IN_VALUE: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


class Headers(MutableMapping[str, str]):
    """Header fields: names without regard to case, one or more values each.

    ``headers["Accept"]`` is the first value, `get_all` gives all of them. Setting one replaces its values.
    """

    __slots__ = ("_values",)

    def __init__(self, fields: HeaderValues | None = None) -> None:
        self._values: dict[str, tuple[str, list[str]]] = {}
        for name, value in (fields or {}).items():
            values = [value] if isinstance(value, str) else list(value)
            self._values[name.lower()] = (canonical(name), values)

    def __getitem__(self, name: str) -> str:
        _, values = self._values[name.lower()]
        if not values:
            raise KeyError(name)
        return values[0]

    def __setitem__(self, name: str, value: str) -> None:
        self._values[name.lower()] = (canonical(name), [str(value)])

    def __delitem__(self, name: str) -> None:
        del self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return (name for name, values in self._values.values() if values)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._values.get(name.lower(), ("", []))[1])

    def __repr__(self) -> str:
        # Names only: values hold cookies and tokens.
        return f"Headers({', '.join(self)})"

    def get_all(self, name: str) -> list[str]:
        """Returns all values of a field, none when it is not there."""
        return list(self._values.get(name.lower(), ("", []))[1])

    def add(self, name: str, value: str) -> None:
        """Adds a value to a field, besides those that it has."""
        self._values.setdefault(name.lower(), (canonical(name), []))[1].append(str(value))

    def take_over(self, other: Headers) -> None:
        """Sets every field of `other`, with all its values; other fields stay."""
        self._values.update({key: (name, list(values)) for key, (name, values) in other._values.items() if values})

    def to_dict(self) -> dict[str, list[str]]:
        """Returns all fields with all their values."""
        return {name: list(values) for name, values in self._values.values() if values}


@lru_cache(1024)
def canonical(name: str) -> str:
    """Returns a name as the server spells it: ``content-type`` is ``Content-Type``, and what is no name stays as it is."""
    if not _NAME.fullmatch(name):
        return name
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def check_fields(fields: Mapping[str, Iterable[str]], given: Mapping[str, Iterable[str]] | None = None) -> None:
    """Refuses what cannot be sent, above all line breaks, with which a value could end the header and begin another response.

    Args:
        fields: What is to be sent.
        given: Fields that are not the plugin's and are not judged, nor are their values within `fields`.

    Raises:
        ValueError: A name or a value is none; the text names the field, and not its value.
    """
    for name, values in fields.items():
        known = given.get(name) if given else None
        if known is None and not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a header field; names are letters, digits and !#$%&'*+-.^_`|~")
        for value in values:
            found = _NOT_IN_VALUE.search(value)
            if found and (known is None or value not in known):
                raise ValueError(
                    f"header field {name}: the value holds {found.group()!r}, which no header field may hold; "
                    "quote or remove it"
                )


def check_status(status_code: object) -> int:
    """Returns a status that can be sent.

    Raises:
        ValueError: It is no number from 100 to 999.
    """
    if not isinstance(status_code, int) or not 100 <= status_code <= 999:
        raise ValueError(f"status_code={status_code!r} is no HTTP status; it is a number from 100 to 999")
    return int(status_code)
