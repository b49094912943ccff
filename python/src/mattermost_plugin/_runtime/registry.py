"""Which method of a plugin class handles which hook, and whether it can.

`hook` marks functions; `collect` finds the marks when the class is made. What is wrong is said there and then, in one line that
says what to write.
"""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from mattermost_plugin._runtime import options as handler_options
from mattermost_plugin._runtime import signatures
from mattermost_plugin.errors import HookDefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from mattermost_plugin._generated.hooks import HookSpec
    from mattermost_plugin._runtime.options import Options

__all__ = [
    "MARK",
    "OPTIONS",
    "Registration",
    "check_handler",
    "check_options",
    "collect",
    "definition_error",
    "spec_of",
]

#: Attribute of a function: the Go name of the hook that it handles.
MARK = "__mattermost_hook__"

#: Attribute of such a function: its options.
OPTIONS = "__mattermost_hook_options__"


class Registration(NamedTuple):
    """One handler of a plugin class.

    Attributes:
        spec: The hook.
        attribute: Name of the method.
        label: The method for people, ``MyPlugin.filter_message``.
        options: What it asks of the host.
    """

    spec: HookSpec
    attribute: str
    label: str
    options: Options = handler_options.NONE


def spec_of(name: str, hooks: Mapping[str, HookSpec], where: str, *, plain: bool = False) -> HookSpec:
    """Returns the hook of this name, in Go's spelling or in snake case.

    Args:
        name: The name.
        hooks: All hooks by Go name.
        where: What the error's text begins with.
        plain: Whether the name is that of a method under a plain ``@hook``.

    Raises:
        HookDefinitionError: There is none; the text names those that look alike.
    """
    spec = hooks.get(name)
    if spec is not None:
        return spec
    by_snake = {spec.snake: spec for spec in hooks.values()}
    if name in by_snake:
        return by_snake[name]
    import difflib

    folded = {spec.snake.replace("_", ""): spec for spec in hooks.values()}
    alike = difflib.get_close_matches(name.replace("_", "").lower(), folded, n=3, cutoff=0.6)
    names = [folded[match].snake if plain else folded[match].go for match in alike]
    suggestion = f"did you mean {' or '.join(names)}?" if names else "HookName lists all hooks"
    if plain:
        raise definition_error(
            f"{where}: no hook is called {name!r}; {suggestion} A method of any other name says its hook: @hook(HookName.…)"
        )
    raise definition_error(f"{where}: there is no such hook; {suggestion}")


def check_handler(handler: Any, spec: HookSpec, label: str) -> None:
    """Refuses what cannot handle the hook.

    Raises:
        HookDefinitionError: With the line to write.
    """
    problem = signatures.kind_problem(handler, may_yield=spec.stream == "http_exchange")
    if problem is not None:
        raise definition_error(f"{label}, the handler of {spec.go}, {problem}")
    problem = signatures.arity_problem(handler, spec)
    if problem is not None:
        name = str(getattr(handler, "__name__", spec.snake))
        wanted = signatures.signature_text(spec, name, asynchronous=signatures.is_async(handler))
        raise definition_error(f"{label}, the handler of {spec.go}, {problem}; write: {wanted}")


def check_options(options: Options, spec: HookSpec, label: str) -> None:
    """Refuses options that make no sense for the hook.

    Raises:
        HookDefinitionError: With what would be right.
    """
    problem = handler_options.options_problem(options, spec)
    if problem is not None:
        raise definition_error(f"{label}, the handler of {spec.go}, {problem}")


def collect(plugin_class: type, hooks: Mapping[str, HookSpec]) -> dict[str, Registration]:
    """Returns the handlers of a class and its bases, by the Go name of their hook.

    A subclass may override a handler by a method of the same name, with or without ``@hook``; without, its options stay.

    Raises:
        HookDefinitionError: Two methods handle one hook, or an overriding method does not fit.
    """
    found: dict[str, Registration] = {}
    marks: dict[str, str] = {}
    options: dict[str, Options] = {}
    for owner in reversed(plugin_class.__mro__):
        for attribute, value in vars(owner).items():
            go = getattr(value, MARK, None)
            if go is not None:
                marks[attribute] = go
                options[attribute] = getattr(value, OPTIONS, handler_options.NONE)
            elif attribute in marks:
                _check_override(value, hooks[marks[attribute]], f"{owner.__qualname__}.{attribute}")
            elif callable(value):
                _warn_if_forgotten(owner, attribute, hooks)
    for attribute, go in marks.items():
        label = f"{plugin_class.__qualname__}.{attribute}"
        other = found.get(go)
        if other is not None:
            raise definition_error(
                f"{other.label} and {label} both handle {go}; a hook has one handler: let it call the other one"
            )
        found[go] = Registration(hooks[go], attribute, label, options.get(attribute, handler_options.NONE))
    return found


def _check_override(value: object, spec: HookSpec, label: str) -> None:
    check_handler(value, spec, label)


def _warn_if_forgotten(owner: type, attribute: str, hooks: Mapping[str, HookSpec]) -> None:
    """A method named like a hook that is none will never be called: nearly always a forgotten ``@hook``."""
    if attribute.startswith("_") or owner.__module__.partition(".")[0] == "mattermost_plugin":
        return
    for spec in hooks.values():
        if spec.snake == attribute:
            warnings.warn(
                f"{owner.__qualname__}.{attribute} is named like the hook {spec.go} but will not be called: "
                "put @hook above it, or give it another name",
                stacklevel=4,
            )


def bind(plugin: object, registration: Registration) -> Callable[..., Any]:
    """Returns the handler as a method of the instance."""
    method: Callable[..., Any] = getattr(plugin, registration.attribute)
    return method


def definition_error(text: str) -> HookDefinitionError:
    """Returns the exception for a handler that is declared wrongly.

    Where nobody catches it, which ends the process, it is printed with the plugin's line and nothing else: how the SDK
    noticed is no help.
    """
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _print_uncaught
    return HookDefinitionError(text)


def _print_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, HookDefinitionError):
        from mattermost_plugin._runtime.tracebacks import trim

        trace = trim(trace)
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        # Python prints the exception's own traceback, whatever is handed to it.
        error.__traceback__ = trace
    sys.__excepthook__(kind, error, trace)
