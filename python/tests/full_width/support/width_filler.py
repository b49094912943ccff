"""Fills official protobuf messages: every field, every entry, every kind of value; the same on every run.

What a field may hold comes from its descriptor; which texts are members of an enum, and which messages are always there (Go has
them by value), from the SDK's annotations.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from itertools import count, cycle
from typing import Any

import width_types as types
from width_types import Node

from mattermost_plugin import models

#: How often a message may be within another of its kind.
_RECURSION = 1
_DEEPEST = 12

KINDS = (
    "null_value",
    "bool_value",
    "int_value",
    "uint_value",
    "double_value",
    "string_value",
    "bytes_value",
    "list_value",
    "map_value",
    "error_value",
    "autocomplete_dynamic_list_arg",
    "autocomplete_static_list_arg",
    "autocomplete_text_arg",
    "preview_post",
    "message_attachments",
    "property_options",
)
_SCALAR_KINDS = KINDS[1:7]


class Filler:
    """Fills every field with a value of its own that is no default.

    Args:
        seed: What the values are made of.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 (values for tests)
        self._numbers = count(1)
        self._kinds: Iterator[str] = cycle(KINDS)
        self._errors: Iterator[str] = cycle(("plain", "app_error", "postgres_error"))
        self._path: list[str] = []
        #: The kind of a ``Value`` that is in no other, instead of the next one.
        self.first_kind = ""

    # What subclasses decide.

    def wants(self, node: Node) -> bool:
        """Whether a field that may be absent is to be there."""
        return True

    def entries(self) -> int:
        """How many entries a list or a map gets."""
        return 2

    def scalar(self, descriptor: Any) -> Any:
        """A value for a field that is no message."""
        number = next(self._numbers)
        return {
            "bool": lambda: True,
            "int32": lambda: number,
            "int64": lambda: number if number % 2 else -number,
            "uint32": lambda: number,
            "uint64": lambda: number,
            "double": lambda: number + 0.5,
            "string": lambda: f"{descriptor.name} {number} ü🦀",
            "bytes": lambda: b"%d\x00\xff" % number,
        }[scalar_name(descriptor)]()

    def enum(self, node: Node, descriptor: Any) -> Any:
        """A value for an open enum."""
        members = [it.value for it in node.cls if it.value]
        return self.random.choice(members)

    def value_kind(self) -> str:
        """Which member of ``Value`` comes next."""
        return next(self._kinds)

    # Filling.

    def fill(self, cls: Any, nodes: list[Node]) -> Any:
        """Returns a request or response, filled; the annotations are those of its fields in order."""
        message = cls()
        for descriptor, node in zip(message.DESCRIPTOR.fields, nodes, strict=True):
            self._field(message, descriptor, node)
        return message

    def model(self, message: Any, cls: Any) -> Any:
        """Fills a message that has a model; returns it."""
        nodes = types.fields_of(cls)
        for descriptor in message.DESCRIPTOR.fields:
            if descriptor.name in nodes:
                self._field(message, descriptor, nodes[descriptor.name])
            else:
                inner = getattr(message, descriptor.name)
                inner.SetInParent()
                self.model(inner, cls)
        return message

    def message(self, message: Any, part: str = "") -> Any:
        """Fills a message that has no model; returns it.

        Args:
            message: The message.
            part: The only field to fill, when the message is one of several parts.
        """
        for descriptor in message.DESCRIPTOR.fields:
            if part in ("", descriptor.name):
                self._field(message, descriptor, types.declared(descriptor))
        return message

    def _field(self, message: Any, descriptor: Any, node: Node) -> None:
        if is_map(descriptor):
            self._map(getattr(message, descriptor.name), descriptor, node)
        elif descriptor.is_repeated:
            self._list(getattr(message, descriptor.name), descriptor, node)
        elif descriptor.message_type is None:
            if not descriptor.has_presence or self.wants(node):
                value = self.enum(node, descriptor) if node.kind == "enum" else self.scalar(descriptor)
                setattr(message, descriptor.name, value)
        elif not node.optional or (self._may_recurse(descriptor, node) and self.wants(node)):
            inner = getattr(message, descriptor.name)
            inner.SetInParent()
            self._message(inner, node)
            if descriptor.message_type.name == "Value" and inner.HasField("null_value"):
                # Where a field can be absent, that is how nothing travels.
                message.ClearField(descriptor.name)

    def _may_recurse(self, descriptor: Any, node: Node) -> bool:
        name = descriptor.message_type.name
        return self._path.count(name) <= _RECURSION and len(self._path) < _DEEPEST

    def _list(self, target: Any, descriptor: Any, node: Node) -> None:
        item = node.parts[0]
        if descriptor.message_type is not None and not self._may_recurse(descriptor, item):
            return
        for _ in range(self.entries()):
            if descriptor.message_type is not None:
                self._message(target.add(), item)
            else:
                target.append(self.enum(item, descriptor) if item.kind == "enum" else self.scalar(descriptor))

    def _map(self, target: Any, descriptor: Any, node: Node) -> None:
        key, value = descriptor.message_type.fields_by_name["key"], descriptor.message_type.fields_by_name["value"]
        if value.message_type is not None and not self._may_recurse(value, node.parts[1]):
            return
        for _ in range(self.entries()):
            name = self.enum(node.parts[0], key) if node.parts[0].kind == "enum" else self.scalar(key)
            if value.message_type is not None:
                self._message(target[name], node.parts[1])
            else:
                target[name] = self.scalar(value)

    def _message(self, message: Any, node: Node) -> None:
        """Fills a message that is a field, an item or an entry."""
        name = message.DESCRIPTOR.name
        self._path.append(name)
        try:
            if name == "Value":
                self._value(message)
            elif name == "ErrorValue":
                self._error(message)
            elif name == "Timestamp":
                message.seconds, message.nanos = self.moment()
            elif node.kind == "model":
                self.model(message, node.cls)
            elif node.kind == "message":
                self.message(message)
            else:
                self._field(message, message.DESCRIPTOR.fields[0], node)
        finally:
            self._path.pop()

    def moment(self) -> tuple[int, int]:
        """Seconds and nanoseconds of a time; Python keeps microseconds."""
        return 1_700_000_000 + next(self._numbers), 123_456_000

    def _value(self, message: Any) -> None:
        kind = (self.first_kind if len(self._path) == 1 else "") or self.value_kind()
        inner = message.DESCRIPTOR.fields_by_name[kind].message_type
        if inner is not None and (len(self._path) > _DEEPEST or self._path.count(inner.name) > _RECURSION):
            kind = self.random.choice(_SCALAR_KINDS)
        if kind == "null_value":
            message.null_value = 0
        elif kind == "uint_value":
            # Only what `int_value` cannot hold.
            message.uint_value = 2**63 + next(self._numbers)
        elif message.DESCRIPTOR.fields_by_name[kind].message_type is None:
            setattr(message, kind, self.scalar(message.DESCRIPTOR.fields_by_name[kind]))
        else:
            self._value_message(getattr(message, kind))

    def _value_message(self, held: Any) -> None:
        held.SetInParent()
        name = held.DESCRIPTOR.name
        self._path.append(name)
        try:
            if name == "ErrorValue":
                self._error(held)
            elif name in ("ValueList", "ValueMap"):
                node = Node("list" if name == "ValueList" else "dict", parts=(Node("scalar", str), types.ANY))
                self._field(held, held.DESCRIPTOR.fields[0], Node(node.kind, parts=_item_parts(node)))
            elif name.endswith("List"):
                # An empty one would be a list of plain values.
                for _ in range(max(1, self.entries())):
                    inner = held.values.add()
                    self.model(inner, types.model(inner.DESCRIPTOR.name))
            else:
                self.model(held, types.model(name))
        finally:
            self._path.pop()

    def _error(self, message: Any) -> None:
        """An error is one of three: a text with a code, one of Mattermost's, one of PostgreSQL's."""
        kind = next(self._errors)
        if kind == "app_error":
            self.model(message.app_error, models.AppError)
            message.app_error.id = f"app.error.{next(self._numbers)}"
            message.app_error.status_code = self.random.choice((400, 404, 409, 418, 500))
            # An exception does not keep whether its text is to be translated.
            message.app_error.skip_translation = False
            message.message = message.app_error.message
            return
        message.message = f"plain error {next(self._numbers)}"
        message.code = self.random.randrange(8)
        if kind == "postgres_error":
            self.model(message.postgres_error, models.PostgresError)
            message.postgres_error.SetInParent()


def _item_parts(node: Node) -> tuple[Node, ...]:
    return (types.ANY,) if node.kind == "list" else node.parts


class Zeros(Filler):
    """Everything that may be absent is there, and holds the default of its type: ``""`` is not ``None``."""

    def entries(self) -> int:
        return 0

    def scalar(self, descriptor: Any) -> Any:
        return {"bool": False, "double": 0.0, "string": "", "bytes": b""}.get(scalar_name(descriptor), 0)

    def enum(self, node: Node, descriptor: Any) -> Any:
        return self.scalar(descriptor)


class Absent(Zeros):
    """Nothing is there but what Go has by value."""

    def wants(self, node: Node) -> bool:
        return False


class Random(Filler):
    """Anything: extremes, special characters, unknown enum values, empty and long containers, present or not."""

    def wants(self, node: Node) -> bool:
        # The deeper, the rarer: models hold models.
        return self.random.random() < (0.7 if len(self._path) < 4 else 0.2)

    def entries(self) -> int:
        return self.random.choice((0, 1, 2, 3) if len(self._path) < 4 else (0, 0, 1))

    def scalar(self, descriptor: Any) -> Any:
        return _EXTREMES[scalar_name(descriptor)](self.random)

    def enum(self, node: Node, descriptor: Any) -> Any:
        if self.random.random() < 0.4:
            return self.scalar(descriptor)
        return self.random.choice([it.value for it in node.cls])

    def value_kind(self) -> str:
        return self.random.choice(KINDS)

    def moment(self) -> tuple[int, int]:
        # From year 1 to year 9999, which is what both sides know.
        return self.random.randint(-62_135_596_800, 253_402_300_799), self.random.randrange(1_000_000) * 1000


def _text(random_: random.Random) -> str:
    alphabet = "aZ09 \t\n\x00\x7fäß€中🦀\ufeff\u202e\U0010ffff"
    return "".join(random_.choices(alphabet, k=random_.choice((0, 1, 5, 40, 300))))


def _whole(low: int, high: int) -> Callable[[random.Random], int]:
    edges = (low, high, 0, 1, max(low, -1), 127, 128, 16383, 16384, 2**31 - 1)
    return lambda random_: random_.choice(edges) if random_.random() < 0.5 else random_.randint(low, high)


def _double(random_: random.Random) -> float:
    edges = (0.0, -0.0, 1.5, -1e308, 5e-324, float("inf"), float("-inf"))
    if random_.random() < 0.5:
        return random_.choice(edges)
    value: float = struct.unpack("<d", random_.randbytes(8))[0]
    return 0.25 if value != value else value


_EXTREMES: dict[str, Callable[[random.Random], Any]] = {
    "bool": lambda random_: random_.random() < 0.5,
    "int32": _whole(-(2**31), 2**31 - 1),
    "int64": _whole(-(2**63), 2**63 - 1),
    "uint32": _whole(0, 2**32 - 1),
    "uint64": _whole(0, 2**64 - 1),
    "double": _double,
    "string": _text,
    "bytes": lambda random_: random_.randbytes(random_.choice((0, 1, 30, 500))),
}


def scalar_name(descriptor: Any) -> str:
    """Returns a scalar type as proto spells it."""
    names = {
        descriptor.TYPE_BOOL: "bool",
        descriptor.TYPE_INT32: "int32",
        descriptor.TYPE_INT64: "int64",
        descriptor.TYPE_UINT32: "uint32",
        descriptor.TYPE_UINT64: "uint64",
        descriptor.TYPE_DOUBLE: "double",
        descriptor.TYPE_STRING: "string",
        descriptor.TYPE_BYTES: "bytes",
    }
    return names[descriptor.type]


def is_map(descriptor: Any) -> bool:
    """Returns whether a field is a map."""
    return descriptor.message_type is not None and descriptor.message_type.GetOptions().map_entry
