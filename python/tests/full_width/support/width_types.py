"""What the SDK's annotations promise, as a tree, and whether a value keeps the promise.

Only annotations are read, never the codec's tables: a table that does not fit its class is found, not believed.
"""

from __future__ import annotations

import collections.abc
import functools
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, BinaryIO

from mattermost_plugin import http, models, verdicts
from mattermost_plugin.config import PluginConfig

SCALARS: tuple[type, ...] = (bool, int, float, str, bytes)


@dataclass(frozen=True)
class Node:
    """An annotation: what it is, whether ``None`` is one of its values, and what it consists of.

    Attributes:
        kind: ``scalar``, ``enum``, ``model``, ``time``, ``list``, ``dict``, ``tuple``, ``any``, ``none``, ``message`` (one that has
            no model) or ``other``.
        cls: The class of a scalar, enum or model.
        parts: The item of a list, key and value of a dict, the members of a tuple.
        optional: Whether it may be ``None``.
    """

    kind: str
    cls: Any = None
    parts: tuple[Node, ...] = ()
    optional: bool = False


NONE = Node("none")
ANY = Node("any", optional=True)

_LISTS = (list, collections.abc.Sequence, collections.abc.Iterable)
_DICTS = (dict, collections.abc.Mapping)


@functools.lru_cache(maxsize=1)
def namespace() -> dict[str, Any]:
    """Returns every name that generated annotations use."""
    names: dict[str, Any] = {name: getattr(models, name) for name in dir(models) if not name.startswith("_")}
    names |= {name: getattr(http, name) for name in http.__all__}
    names |= {name: getattr(verdicts, name) for name in verdicts.__all__}
    names |= {"Any": Any, "datetime": datetime, "BinaryIO": BinaryIO, "models": models, "PluginConfig": PluginConfig}
    names |= {"Mapping": collections.abc.Mapping, "Sequence": collections.abc.Sequence}
    return names


def parse(annotation: str) -> Node:
    """Returns the tree of an annotation as it stands in the source."""
    return node_of(eval(annotation, namespace()))  # noqa: S307 (the SDK's own annotations)


def node_of(hint: Any) -> Node:
    """Returns the tree of an annotation."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is None or hint is type(None):
        return NONE
    if hint is Any or hint is object:
        return ANY
    if origin in (typing.Union, types.UnionType):
        return _union([node_of(it) for it in arguments])
    if origin in _LISTS:
        return Node("list", parts=(node_of(arguments[0]),))
    if origin in _DICTS:
        return Node("dict", parts=(node_of(arguments[0]), node_of(arguments[1])))
    if origin is tuple:
        return Node("tuple", parts=tuple(node_of(it) for it in arguments))
    if hint in SCALARS:
        return Node("scalar", hint)
    if hint is datetime:
        return Node("time")
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Node("enum", hint)
    if hasattr(hint, "__model_defaults__"):
        return Node("model", hint)
    return Node("other", hint)


def _union(members: list[Node]) -> Node:
    optional = NONE in members
    rest = [it for it in members if it != NONE]
    enums = [it for it in rest if it.kind == "enum"]
    if len(rest) == 2 and len(enums) == 1:
        # An open enum: its members, or what they are made of.
        base = next(it.cls for it in rest if it.kind != "enum")
        assert issubclass(enums[0].cls, base), rest
        return Node("enum", enums[0].cls, optional=optional)
    if len(rest) == 1:
        return Node(rest[0].kind, rest[0].cls, rest[0].parts, optional)
    return Node("other", tuple(rest), optional=optional)


@functools.cache
def fields_of(cls: type) -> dict[str, Node]:
    """Returns the annotations of a model by attribute, in their order."""
    return {name: parse(text) for name, text in cls.__annotations__.items()}


@functools.cache
def model(name: str) -> type | None:
    """Returns the model of this name, if there is one."""
    found = namespace().get(name)
    return found if isinstance(found, type) and hasattr(found, "__model_defaults__") else None


def declared(descriptor: Any) -> Node:
    """Returns what a field is by its descriptor alone, for messages that have no annotations.

    What is there by value cannot be told from what may be absent, so messages are taken for the former.
    """
    message = descriptor.message_type
    if message is not None and message.GetOptions().map_entry:
        return Node("dict", parts=tuple(declared(message.fields_by_name[it]) for it in ("key", "value")))
    single = _declared_one(message)
    if descriptor.is_repeated:
        return Node("list", parts=(single,))
    return Node(single.kind, single.cls, single.parts, descriptor.has_presence and message is None)


def _declared_one(message: Any) -> Node:
    if message is None:
        return Node("scalar")
    if message.name == "Value":
        return ANY
    if message.name == "Timestamp":
        return Node("time")
    found = model(message.name)
    if found is not None:
        return Node("model", found)
    fields = list(message.fields)
    if [it.name for it in fields] == ["values"]:
        # It stands where proto has no place for a list or a map.
        return declared(fields[0])
    return Node("message")


@dataclass(frozen=True)
class Signature:
    """How a method of a client is declared.

    Attributes:
        params: Its parameters by name, in order.
        variadic: Name of the ``*`` parameter, "" without one.
        by_fields: Whether its only parameter, a model, can be given by its fields.
        result: What it returns.
    """

    params: dict[str, Node]
    variadic: str
    by_fields: bool
    result: Node


@functools.cache
def signature_of(function: Callable[..., Any]) -> Signature:
    """Returns how a method of a client is declared."""
    declared = inspect.signature(function)
    params: dict[str, Node] = {}
    variadic, by_fields = "", False
    for name, parameter in list(declared.parameters.items())[1:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            by_fields = not variadic
        elif parameter.kind is parameter.VAR_POSITIONAL:
            variadic = name
            params[name] = Node("list", parts=(parse(parameter.annotation),))
        else:
            params[name] = parse(parameter.annotation)
    if by_fields:
        # ``None`` stands for "given by its fields".
        params = {name: Node(it.kind, it.cls, it.parts) for name, it in params.items()}
    return Signature(params, variadic, by_fields, parse(declared.return_annotation))


def mistyped(value: Any, node: Node, path: str) -> list[str]:
    """Says, recursively, where a value is not what its annotation promises."""
    if value is None:
        return [] if node.optional or node == NONE else _wrong(value, node, path)
    check = _CHECKS.get(node.kind)
    # Streams and verdicts have none: the tests that use them know what they are.
    return [] if check is None else check(value, node, path)


def _wrong(value: Any, node: Node, path: str) -> list[str]:
    return [f"{path}: expected {_told(node)}, got {type(value).__name__} {value!r:.60}"]


def _none(value: Any, node: Node, path: str) -> list[str]:
    return _wrong(value, node, path)


def _scalar(value: Any, node: Node, path: str) -> list[str]:
    return [] if type(value) is node.cls else _wrong(value, node, path)


def _enum(value: Any, node: Node, path: str) -> list[str]:
    if type(value) is node.cls:
        return []
    base = int if issubclass(node.cls, int) else str
    known = {it.value for it in node.cls}
    return [] if type(value) is base and value not in known else _wrong(value, node, path)


def _model(value: Any, node: Node, path: str) -> list[str]:
    if type(value) is not node.cls:
        return _wrong(value, node, path)
    found: list[str] = []
    for name, inner in fields_of(node.cls).items():
        found += mistyped(getattr(value, name), inner, f"{path}.{name}")
    return found


def _time(value: Any, node: Node, path: str) -> list[str]:
    right = type(value) is datetime and value.utcoffset() == timedelta(0)
    return [] if right else _wrong(value, node, path)


def _list(value: Any, node: Node, path: str) -> list[str]:
    if type(value) is not list:
        return _wrong(value, node, path)
    return [it for number, item in enumerate(value) for it in mistyped(item, node.parts[0], f"{path}[{number}]")]


def _dict(value: Any, node: Node, path: str) -> list[str]:
    if type(value) is not dict:
        return _wrong(value, node, path)
    keys = [it for key in value for it in mistyped(key, node.parts[0], f"{path} key")]
    return keys + [it for key, item in value.items() for it in mistyped(item, node.parts[1], f"{path}[{key!r}]")]


def _tuple(value: Any, node: Node, path: str) -> list[str]:
    if type(value) is not tuple or len(value) != len(node.parts):
        return _wrong(value, node, path)
    pairs = enumerate(zip(value, node.parts, strict=True))
    return [it for number, (item, part) in pairs for it in mistyped(item, part, f"{path}[{number}]")]


def _any(value: Any, node: Node, path: str) -> list[str]:
    """``Any`` still promises Python's own types, models and exceptions, and nothing of the wire's."""
    if isinstance(value, (*SCALARS, BaseException)):
        return []
    if type(value) is list:
        return _list(value, Node("list", parts=(ANY,)), path)
    if type(value) is dict:
        return _dict(value, Node("dict", parts=(Node("scalar", str), ANY)), path)
    if hasattr(value, "__model_defaults__"):
        return _model(value, Node("model", type(value)), path)
    return _wrong(value, node, path)


_CHECKS: dict[str, Callable[[Any, Node, str], list[str]]] = {
    "none": _none,
    "scalar": _scalar,
    "enum": _enum,
    "model": _model,
    "time": _time,
    "list": _list,
    "dict": _dict,
    "tuple": _tuple,
    "any": _any,
}


def _told(node: Node) -> str:
    name = node.cls.__name__ if isinstance(node.cls, type) else node.kind
    return f"{name} or None" if node.optional else name
