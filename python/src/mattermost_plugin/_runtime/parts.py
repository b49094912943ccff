"""Messages of streams: each is one of several parts, of which exactly one is there.

The codec hands a message over as a tuple with a place for every part; here parts have names. A part that is a message itself
has names for its fields too, whether the codec makes a tuple or an instance of it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from mattermost_plugin._runtime.codec import Fields, call_fields, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mattermost_plugin._generated.hooks import HookSpec

__all__ = ["PIECE", "Parts", "build", "check_binary", "fields_of", "parts_of", "pieces_of", "result_fields", "unpack"]

#: Bytes of one piece of a body or a file.
PIECE: Final = 64 * 1024


class Parts:
    """The parts of one stream message.

    Args:
        message: Name of the message.
    """

    def __init__(self, message: str) -> None:
        self._names = [field[1] for field in call_fields(message)]
        self._messages = {field[1]: field[3] for field in call_fields(message)}

    def pack(self, part: str, value: object) -> tuple[object, ...]:
        """Returns the message that consists of this part."""
        return tuple(value if name == part else None for name in self._names)

    def which(self, values: tuple[Any, ...]) -> tuple[str, Any]:
        """Returns the part that a message consists of; ``""`` for one that this SDK does not know."""
        for name, value in zip(self._names, values, strict=True):
            if value is not None:
                return name, value
        return "", None

    def message_of(self, part: str) -> str:
        """Returns the name of the message that a part is."""
        return str(self._messages[part])


@lru_cache
def parts_of(message: str) -> Parts:
    """Returns the parts of a stream message, which are the same each time."""
    return Parts(message)


@lru_cache
def _names_of(message: str) -> tuple[type | None, tuple[str, ...]]:
    cls, fields = resolve(message)
    return cls, tuple(field[1] for field in fields)


def fields_of(message: str) -> Fields:
    """Returns the fields of a message that is a part of another."""
    return resolve(message)[1]


def unpack(message: str, value: Any) -> dict[str, Any]:
    """Returns the fields of a decoded message by name."""
    cls, names = _names_of(message)
    if cls is None:
        return dict(zip(names, value, strict=True))
    return {name: getattr(value, name) for name in names}


def build(message: str, **values: object) -> object:
    """Returns a message to encode; every field has to be given."""
    cls, names = _names_of(message)
    if cls is not None:
        return cls(**values)
    return tuple(values[name] for name in names)


def result_fields(spec: HookSpec) -> Fields:
    """Returns the fields of what a handler answers: of the response, or of the last part of a file's exchange."""
    if spec.stream == "file_exchange":
        return resolve(Parts(spec.response).message_of("result"))[1]
    return call_fields(spec.response)


def pieces_of(content: Any) -> Iterator[bytes]:
    """Returns bytes, what a file opened in binary mode holds, or what an iterator gives, in pieces that fit a message.

    Raises:
        TypeError: It is none of these.
    """
    if isinstance(content, (bytes, bytearray, memoryview)):
        return _cut(content)
    read = getattr(content, "read", None)
    if read is not None:
        return _read(read)
    if isinstance(content, str) or not hasattr(content, "__iter__"):
        raise TypeError(
            f"the content is of type {type(content).__name__}; give bytes, a file opened with mode 'rb', or an iterator of bytes"
        )
    return _each(content)


def _cut(content: Any) -> Iterator[bytes]:
    view = memoryview(content).cast("B")
    for start in range(0, len(view), PIECE):
        yield bytes(view[start : start + PIECE])


def _read(read: Callable[[int], Any]) -> Iterator[bytes]:
    while piece := read(PIECE):
        check_binary(piece)
        yield from _cut(piece)


def check_binary(piece: object) -> None:
    """Refuses what comes from a file that was opened as a text.

    Raises:
        TypeError: It does.
    """
    if isinstance(piece, str):
        raise TypeError("the file is opened in text mode; open it with mode 'rb'")


def _each(content: Iterable[Any]) -> Iterator[bytes]:
    for piece in content:
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise TypeError(f"the iterator gave a {type(piece).__name__}; it must give bytes")
        yield from _cut(piece)
