"""Routes of a plugin class: what `route` says of a method, checked when the class is made, and which route a path belongs to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from mattermost_plugin.errors import HookDefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mattermost_plugin._http.signature import WebhookSignature

__all__ = ["ROUTES", "RouteSpec", "RouteTable", "collect"]

#: Attribute of a function: the routes that it handles.
ROUTES: Final = "__mattermost_routes__"

_METHOD: Final = re.compile(r"[A-Z]+")
_PARAMETER: Final = re.compile(r"\{([^{}]*)\}")


class RouteSpec:
    """One route, as its decorator says it.

    Attributes:
        path: With parameters in braces.
        methods: In upper case.
        public: Whether anybody may ask.
        permission: Id of a permission that the user must have, or "".
        signature: The scheme of a signed webhook.
        key_setting: Name of the setting with its secret.
        parameters: Names in the path, in order.
    """

    def __init__(
        self,
        path: str,
        methods: tuple[str, ...],
        *,
        public: bool,
        permission: str,
        signature: WebhookSignature | None,
        key_setting: str,
    ) -> None:
        where = f"@route({path!r})"
        if not path.startswith("/"):
            raise HookDefinitionError(f"{where}: a path begins with '/'")
        if "?" in path or "#" in path:
            raise HookDefinitionError(
                f"{where}: parameters of the query are parameters of the handler, not of the path"
            )
        if not methods or not all(_METHOD.fullmatch(method) for method in methods):
            raise HookDefinitionError(
                f"{where}: methods are names such as 'GET'; these are {', '.join(methods) or 'none'}"
            )
        if public and permission:
            raise HookDefinitionError(f"{where}: a public route has no user whose permission could be checked")
        if (signature is None) != (not key_setting):
            raise HookDefinitionError(
                f"{where}: `signature` and `key_setting`, the setting with the secret, go together"
            )
        self.path = path
        self.methods = methods
        self.public = public
        self.permission = permission
        self.signature = signature
        self.key_setting = key_setting
        self.parameters, self.pattern = _compile(path, where)

    @property
    def is_static(self) -> bool:
        """Whether the path has no parameters."""
        return not self.parameters

    def check(self, handler: object) -> None:
        """Refuses what cannot handle the route.

        Raises:
            HookDefinitionError: With what to do.
        """
        label = str(getattr(handler, "__qualname__", None) or repr(handler))
        code = getattr(handler, "__code__", None)
        if isinstance(handler, (staticmethod, classmethod, property, type)) or not callable(handler) or code is None:
            raise HookDefinitionError(f"{label}: @route goes right above a `def` or `async def` with self")
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        if not code.co_argcount:
            raise HookDefinitionError(f"{label}, the handler of {self.path}, has no parameter; the first must be self")
        missing = [name for name in self.parameters if name not in names[1:]]
        if missing:
            raise HookDefinitionError(
                f"{label}, the handler of {self.path}, has no parameter {missing[0]!r}, which is in the path"
            )

    def match(self, path: str) -> dict[str, str] | None:
        """Returns the path's parameters, decoded; ``None`` when the path is another.

        Args:
            path: As it was sent: an encoded slash is part of a name.
        """
        found = self.pattern.fullmatch(path)
        return None if found is None else {name: unquote(value) for name, value in found.groupdict().items()}


def _compile(path: str, where: str) -> tuple[tuple[str, ...], re.Pattern[str]]:
    names: list[str] = []
    pattern = ""
    at = 0
    for found in _PARAMETER.finditer(path):
        pattern += _literal(path[at : found.start()], where)
        name, _, kind = found.group(1).partition(":")
        if not name.isidentifier() or kind not in ("", "path"):
            raise HookDefinitionError(f"{where}: {found.group()} is no parameter; write {{name}} or {{name:path}}")
        if name in names:
            raise HookDefinitionError(f"{where}: {{{name}}} is in it twice")
        if kind and found.end() != len(path):
            raise HookDefinitionError(f"{where}: {found.group()} takes the rest of the path, so nothing can follow it")
        names.append(name)
        pattern += f"(?P<{name}>.*)" if kind else f"(?P<{name}>[^/]+)"
        at = found.end()
    return tuple(names), re.compile(pattern + _literal(path[at:], where), re.DOTALL)


def _literal(text: str, where: str) -> str:
    if "{" in text or "}" in text:
        raise HookDefinitionError(f"{where}: braces do not match")
    from urllib.parse import quote

    # What a browser encodes and what it does not are the same path.
    plain, encoded = re.escape(text), re.escape(quote(text, safe="/:@!$&'()*+,;=~-._%"))
    return plain if plain == encoded else f"(?:{plain}|{encoded})"


class RouteTable:
    """All routes of a plugin: finds the one of a path. Paths without parameters come first, then the order of definition.

    Args:
        entries: Each with its spec.
    """

    def __init__(self, entries: Iterable[tuple[RouteSpec, Any]]) -> None:
        self._entries = sorted(entries, key=lambda entry: not entry[0].is_static)

    def find(self, method: str, path: str) -> tuple[Any, dict[str, str], list[str]]:
        """Returns what handles a request and the path's parameters; without any, ``None`` and the methods that the path has."""
        allowed: list[str] = []
        for spec, handler in self._entries:
            parameters = spec.match(path)
            if parameters is None:
                continue
            if method in spec.methods or (method == "HEAD" and "GET" in spec.methods):
                return handler, parameters, []
            allowed += spec.methods
            if "GET" in spec.methods:
                allowed.append("HEAD")
        return None, {}, sorted({*allowed, "OPTIONS"}) if allowed else []


def collect(plugin_class: type) -> dict[str, tuple[RouteSpec, ...]]:
    """Returns the routes of a class and its bases, by the name of the method.

    Raises:
        HookDefinitionError: Two methods handle the same.
    """
    found: dict[str, tuple[RouteSpec, ...]] = {}
    for owner in reversed(plugin_class.__mro__):
        for attribute, value in vars(owner).items():
            specs = getattr(value, ROUTES, None)
            if isinstance(specs, tuple):
                found[attribute] = specs
            elif attribute in found:
                # An overriding method without a decorator handles what it overrides.
                for spec in found[attribute]:
                    spec.check(value)
    taken: dict[tuple[str, str], str] = {}
    for attribute, specs in found.items():
        for spec in specs:
            for method in spec.methods:
                other = taken.setdefault((method, spec.pattern.pattern), attribute)
                if other is not attribute:
                    raise HookDefinitionError(
                        f"{plugin_class.__qualname__}.{other} and {plugin_class.__qualname__}.{attribute} both handle "
                        f"{method} {spec.path}"
                    )
    return found
