"""From the official protobuf to the SDK's Python, written a second time: by descriptors and annotations, without codec tables.

What the SDK makes of a message is compared with what this makes of it. Where the two differ, one of them is wrong.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any

import width_types as types
from width_types import Node

from mattermost_plugin import errors, models

#: Members of ``Value`` that are plain Python.
PLAIN = frozenset({"bool_value", "int_value", "uint_value", "double_value", "string_value", "bytes_value"})
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def arguments(message: Any, nodes: list[Node]) -> tuple[Any, ...]:
    """Returns the fields of a request or response, typed as these annotations say."""
    fields = list(message.DESCRIPTOR.fields)
    assert len(fields) == len(nodes), f"{message.DESCRIPTOR.name} has {len(fields)} fields for {len(nodes)} places"
    return tuple(field(message, descriptor, node) for descriptor, node in zip(fields, nodes, strict=True))


def field(message: Any, descriptor: Any, node: Node) -> Any:
    """Returns one field of a message."""
    if descriptor.has_presence and not message.HasField(descriptor.name):
        return _absent(node, descriptor)
    value = getattr(message, descriptor.name)
    if _is_map(descriptor):
        inner = descriptor.message_type.fields_by_name["value"]
        return {_one(key, None, node.parts[0]): _one(value[key], inner, node.parts[1]) for key in value}
    if descriptor.is_repeated:
        return [_one(item, descriptor, node.parts[0]) for item in value]
    return _one(value, descriptor, node)


def _absent(node: Node, descriptor: Any) -> Any:
    if node.optional:
        return None
    empty: dict[str, Any] = {"list": list, "dict": dict, "model": node.cls}
    assert node.kind in empty, f"{descriptor.full_name} may be absent, and {node} has nothing that says so"
    return empty[node.kind]()


def _one(value: Any, descriptor: Any, node: Node) -> Any:
    """Returns one value, of a field, a list or a map."""
    if descriptor is None or descriptor.message_type is None:
        return _enum(value, node) if node.kind == "enum" else value
    name = descriptor.message_type.name
    if name == "Value":
        return plain(value)
    if name == "ErrorValue":
        return error(value)
    if name == "Timestamp":
        return _EPOCH + timedelta(seconds=value.seconds, microseconds=value.nanos // 1000)
    if node.kind in ("list", "dict"):
        # A message that stands where proto has no place for a list or a map.
        return field(value, value.DESCRIPTOR.fields[0], node)
    assert node.kind == "model", f"{descriptor.full_name}: {node} cannot hold a {name}"
    assert node.cls.__name__ == name
    return model(value, node.cls)


def model(message: Any, cls: Any) -> Any:
    """Returns a model with all fields of a message."""
    values: dict[str, Any] = {}
    _collect(message, cls, values)
    assert values.keys() == types.fields_of(cls).keys(), f"{cls.__name__} and its message have different fields"
    return cls(**values)


def _collect(message: Any, cls: Any, values: dict[str, Any]) -> None:
    nodes = types.fields_of(cls)
    for descriptor in message.DESCRIPTOR.fields:
        if descriptor.name in nodes:
            values[descriptor.name] = field(message, descriptor, nodes[descriptor.name])
        else:
            # Embedded in Go: its fields are the owner's.
            _collect(getattr(message, descriptor.name), cls, values)


def _enum(value: Any, node: Node) -> Any:
    members: dict[Any, Enum] = {it.value: it for it in node.cls}
    return members.get(value, value)


def plain(value: Any) -> Any:
    """Returns what a ``Value`` holds."""
    kind = value.WhichOneof("kind")
    if kind in (None, "null_value"):
        return None
    held = getattr(value, kind)
    if kind in PLAIN:
        return held
    if kind == "list_value":
        return [plain(it) for it in held.values]
    if kind == "map_value":
        return {key: plain(held.values[key]) for key in held.values}
    if kind == "error_value":
        return error(held)
    if held.DESCRIPTOR.name.endswith("List"):
        return [_registered(it) for it in held.values]
    return _registered(held)


def _registered(message: Any) -> Any:
    cls = types.model(message.DESCRIPTOR.name)
    assert cls is not None, f"{message.DESCRIPTOR.name} has no model"
    return model(message, cls)


def error(value: Any) -> errors.PluginAPIError:
    """Returns the exception that an ``ErrorValue`` is."""
    if value.HasField("app_error"):
        # It says all that there is to say; the text and the code beside it are for peers that do not know it.
        return app_error(value.app_error)
    if value.HasField("postgres_error"):
        model_of = model(value.postgres_error, models.PostgresError)
        return errors.PlainError(value.message, code=value.code, postgres=model_of)
    kind = errors.NotFoundError if value.code == 2 else errors.PlainError
    return kind(value.message, code=value.code)


def app_error(value: Any, *, method: str = "") -> errors.PluginAPIError:
    """Returns the exception that an ``AppError`` is."""
    return errors.class_for_status(value.status_code)(
        value.message,
        id=value.id,
        detailed_error=value.detailed_error,
        status_code=value.status_code,
        where=value.where,
        request_id=value.request_id,
        method=method,
    )


def _is_map(descriptor: Any) -> bool:
    return descriptor.message_type is not None and descriptor.message_type.GetOptions().map_entry


def differences(expected: Any, got: Any, path: str) -> list[str]:
    """Says, recursively, where two values differ, in type or in content. Stricter than ``==``: ``1`` is not ``True``."""
    if type(expected) is not type(got):
        return [f"{path}: expected {type(expected).__name__} {expected!r:.80}, got {type(got).__name__} {got!r:.80}"]
    if isinstance(expected, (list, tuple)):
        if len(expected) != len(got):
            return [f"{path}: expected {len(expected)} items, got {len(got)}"]
        pairs = zip(expected, got, strict=True)
        return [it for number, (one, other) in enumerate(pairs) for it in differences(one, other, f"{path}[{number}]")]
    if isinstance(expected, dict):
        if expected.keys() != got.keys():
            return [f"{path}: expected the keys {sorted(map(str, expected))}, got {sorted(map(str, got))}"]
        return [it for key in expected for it in differences(expected[key], got[key], f"{path}[{key!r}]")]
    if isinstance(expected, BaseException):
        return differences({**vars(expected), "args": expected.args}, {**vars(got), "args": got.args}, path)
    if hasattr(expected, "__model_defaults__"):
        names = types.fields_of(type(expected))
        return [
            it for name in names for it in differences(getattr(expected, name), getattr(got, name), f"{path}.{name}")
        ]
    return [] if expected == got or expected != expected else [f"{path}: expected {expected!r:.80}, got {got!r:.80}"]


def wire_differences(expected: Any, got: Any) -> list[str]:
    """Says, recursively and field by field, where two official messages differ; presence counts."""
    return [] if expected == got else _wire(expected, got, expected.DESCRIPTOR.name)


def _wire(expected: Any, got: Any, path: str) -> list[str]:
    found: list[str] = []
    for descriptor in expected.DESCRIPTOR.fields:
        name = f"{path}.{descriptor.name}"
        one, other = getattr(expected, descriptor.name), getattr(got, descriptor.name)
        if descriptor.has_presence and expected.HasField(descriptor.name) != got.HasField(descriptor.name):
            there = "there" if expected.HasField(descriptor.name) else "absent"
            found.append(f"{name}: should be {there}")
        elif _is_map(descriptor) or descriptor.is_repeated or descriptor.message_type is None:
            if one != other:
                found.append(f"{name}: expected {one!s:.200}, got {other!s:.200}")
        elif one != other:
            found += _wire(one, other, name)
    if expected.ListFields() != got.ListFields() and not found:
        found.append(f"{path}: differs in unknown fields or order")
    return found
