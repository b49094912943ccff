"""What the SDK declares of each method and hook, as the tests of its width need it."""

from __future__ import annotations

import ast
import zlib

import width_types as types
from width_types import Node

from mattermost_plugin._generated.codec_api import METHODS
from mattermost_plugin._generated.hooks import HookSpec
from mattermost_plugin.api import PluginAPIClient

#: Methods that do not take and return what their messages hold.
STREAMS = ("install_plugin", "plugin_http", "upload_data")
CONFIGURATION = "load_plugin_configuration"


def path_of(method: str) -> str:
    """Returns the gRPC path of a method, by its name in Python."""
    return METHODS[method][0]


def signature(method: str) -> types.Signature:
    """Returns what a method takes and gives."""
    return types.signature_of(getattr(PluginAPIClient, method))


def results(method: str) -> list[Node]:
    """Returns the annotations of a method's results, one by one."""
    result = signature(method).result
    if result == types.NONE:
        return []
    return list(result.parts) if result.kind == "tuple" else [result]


def parameters(spec: HookSpec) -> list[Node]:
    """Returns the annotations of a handler's parameters, as the signature that is told to people has them."""
    (function,) = ast.parse(f"def handler{spec.signature}: ...").body
    assert isinstance(function, ast.FunctionDef)
    declared = function.args.args[1:]
    assert tuple(it.arg for it in declared) == spec.params
    return [types.parse(ast.unparse(it.annotation)) for it in declared if it.annotation is not None]


def accepted(spec: HookSpec) -> object:
    """Returns a result that the hook takes whatever its arguments are."""
    return {"OnSharedChannelsPing": True, "RunDataRetention": 1}.get(spec.go)


def seed(name: str) -> int:
    """Returns what the values for a method or hook are made of."""
    return zlib.crc32(name.encode())
