"""From Go's values to the SDK's, written apart from the codec: by Go's names and the SDK's annotations.

Values come as `minimost` shows them with ``typed``: JSON with Go's names, in which whatever stands in an interface says its type. What
the SDK makes of the same value on its way through gob, Rust and gRPC has to be equal to what this makes of it.
"""

from __future__ import annotations

import ast
import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import surfaces
import width_mapping as mapping
import width_types as types
from width_types import Node

from mattermost_plugin import errors, models
from mattermost_plugin._generated.hooks import HookSpec

#: Go's names of types whose class has another name here.
_RENAMED = {"Error": "PostgresError", "PropertyOptions_model_PluginPropertyOption": "PluginPropertyOption"}

#: What Go calls the plain values.
_PLAIN = frozenset({"string", "int64", "float64", "bool", "[]uint8"})


def value(it: Any, node: Node) -> Any:
    """Returns a value of Go as the SDK has it.

    Args:
        it: The value as JSON.
        node: The annotation of the place where it stands.
    """
    if it is None:
        return _nothing(node)
    if node.kind == "any" or (isinstance(it, dict) and it.keys() == {"type", "value"} and node.kind == "other"):
        return dynamic(it)
    return _OF_KIND[node.kind](it, node)


def _nothing(node: Node) -> Any:
    if node.optional or node.kind in ("any", "none", "other"):
        return None
    return {"list": list, "dict": dict}[node.kind]() if node.kind in ("list", "dict") else node.cls()


def _scalar(it: Any, node: Node) -> Any:
    if node.cls is bytes:
        return base64.b64decode(it)
    if node.cls is float:
        return float(it)
    assert type(it) is node.cls, f"{it!r} is no {node.cls}"
    return it


def _enum(it: Any, node: Node) -> Any:
    return {member.value: member for member in node.cls}.get(it, it)


def model(it: dict[str, Any], cls: Any) -> Any:
    """Returns a model. Every field of the Go struct has its place, and every attribute its field.

    A model has the fields of several servers: those that only other servers have are missing in Go's struct, and nothing else is.

    Args:
        it: The struct as JSON.
        cls: The model.
    """
    nodes = types.fields_of(cls)
    attributes = {name.replace("_", ""): name for name in nodes}
    fields = {name.lower(): name for name in it}
    elsewhere = surfaces.only_elsewhere(cls.__name__, fields.keys())
    assert attributes.keys() - elsewhere == fields.keys(), (
        f"{cls.__name__} has {sorted(attributes)}, Go's struct has {sorted(fields)}, other servers have {sorted(elsewhere)}"
    )
    with _inside(cls):
        values = {name: value(it[fields[key]], nodes[name]) for key, name in attributes.items() if key in fields}
        # In a Config nothing is nil, whatever the server.
        zeros = {attributes[key]: nodes[attributes[key]] for key in elsewhere} if _config else {}
        values |= {name: node.cls() for name, node in zeros.items() if node.kind == "scalar"}
    return cls(**values)


#: As many as there are models of a Config around what is made.
_config: list[type] = []


@contextmanager
def _inside(cls: type) -> Iterator[None]:
    if not _config and cls is not models.Config:
        yield
        return
    _config.append(cls)
    try:
        yield
    finally:
        _config.pop()


def _list(it: list[Any], node: Node) -> Any:
    return [value(item, node.parts[0]) for item in it]


def _dict(it: dict[str, Any], node: Node) -> Any:
    return {value(key, node.parts[0]): value(item, node.parts[1]) for key, item in it.items()}


def _time(it: str, node: Node) -> Any:
    return datetime.fromisoformat(it.replace("Z", "+00:00"))


_OF_KIND: dict[str, Any] = {
    "scalar": _scalar,
    "enum": _enum,
    "model": lambda it, node: model(it, node.cls),
    "list": _list,
    "dict": _dict,
    "time": _time,
}


def dynamic(it: dict[str, Any] | None) -> Any:
    """Returns what stands in an interface of Go."""
    if it is None:
        return None
    go, held = it["type"], it["value"]
    if go == "[]uint8":
        return base64.b64decode(held or "")
    if go == "float64":
        return float(held)
    if go in _PLAIN:
        return held
    if go == "[]interface {}":
        return [dynamic(item) for item in held or ()]
    if go == "map[string]interface {}":
        return {key: dynamic(item) for key, item in (held or {}).items()}
    if held is None or isinstance(held, list):
        return [model(item, class_of(go)) for item in held or ()]
    if go in ("*plugin.ErrorString", "*model.AppError", "*pq.Error"):
        return error(it)
    return model(held, class_of(go))


def class_of(go: str) -> type:
    """Returns the model of a struct of Go, such as ``[]*model.Post``."""
    name = go.rpartition(".")[2]
    cls = types.model(_RENAMED.get(name, name))
    assert cls is not None, f"{go} has no model"
    return cls


def error(it: dict[str, Any], *, method: str = "") -> errors.PluginAPIError:
    """Returns the exception that an error of Go is.

    Args:
        it: The error with its type.
        method: The method of the API that fails with it.
    """
    fields = it["value"]
    if it["type"] == "*model.AppError":
        app_error: models.AppError = model(fields, models.AppError)
        return mapping.app_error(app_error, method=method)
    if it["type"] == "*pq.Error":
        postgres: models.PostgresError = model(fields, models.PostgresError)
        return errors.PlainError(f"pq: {postgres.message}", postgres=postgres, method=method)
    kind = errors.NotFoundError if fields["Code"] == 2 else errors.PlainError
    return kind(fields["Err"], code=fields["Code"], method=method)


def node_of(go: str) -> Node:
    """Returns the annotation that a type of Go would have, for results of hooks."""
    if go.startswith("[]"):
        return Node("list", parts=(node_of(go[2:]),))
    scalar = {"string": str, "bool": bool, "int64": int}.get(go)
    return Node("model", class_of(go)) if scalar is None else Node("scalar", scalar)


def nodes_of(spec: HookSpec) -> list[Node]:
    """Returns the annotations of a handler's parameters."""
    (function,) = ast.parse(f"def handler{spec.signature}: ...").body
    assert isinstance(function, ast.FunctionDef)
    return [types.parse(ast.unparse(it.annotation)) for it in function.args.args[1:] if it.annotation is not None]
