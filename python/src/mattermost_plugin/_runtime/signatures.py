"""How a handler has to look, as text and as a check.

Works on code objects, not on `inspect`: a plugin's start-up is measured in milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from mattermost_plugin._generated.hooks import HookSpec

__all__ = ["arity_problem", "is_async", "kind_problem", "parameter_lists", "signature_text"]

_VARARGS: Final = 0x04
_GENERATOR: Final = 0x20
_COROUTINE: Final = 0x80
_ASYNC_GENERATOR: Final = 0x200

#: Result annotations of the generated signatures, as they are said to people.
_VERDICT: Final = "Verdict["
_REJECTION: Final = "Rejection"
_HTTP: Final = "HttpResult"


def parameter_lists(spec: HookSpec) -> tuple[tuple[str, ...], ...]:
    """Returns the parameter lists, without ``self``, that a handler of this hook may have.

    Nearly always one. Hooks with streams have two: everything in memory, or with something to write to.
    """
    simple = tuple(spec.params)
    if spec.stream == "http_exchange":
        return simple, (*simple[:-1], "writer", simple[-1])
    if spec.stream == "file_exchange":
        return simple, (*simple, "output")
    return (simple,)


def signature_text(spec: HookSpec, name: str, *, asynchronous: bool = False) -> str:
    """Returns the line a handler should begin with, such as ``def f(self, context: Context, post: Post) -> None``."""
    parameters, _, _ = spec.signature.rpartition(" -> ")
    keyword = "async def" if asynchronous else "def"
    text = f"{keyword} {name}{parameters} -> {result_text(spec)}"
    others = parameter_lists(spec)[1:]
    return " or ".join([text, *(f"{keyword} {name}({', '.join(('self', *other))})" for other in others)])


def result_text(spec: HookSpec) -> str:
    """Returns the annotation of a handler's result."""
    result = spec.signature.rpartition(" -> ")[2]
    if result == _HTTP:
        return "HttpResponse | dict | Iterator[EventData] | None"
    if result == _REJECTION:
        return "Allow | Reject | str | None"
    if result.startswith(_VERDICT):
        model = result.removeprefix(_VERDICT).removesuffix("]").removesuffix(" | None")
        dismiss = " | Dismiss" if spec.dismissible else ""
        return f"Allow | Replace[{model}] | Reject{dismiss} | {model} | None"
    return result


def is_async(handler: Callable[..., Any]) -> bool:
    """Returns whether the handler is an ``async def``, with ``yield`` or without."""
    code = getattr(handler, "__code__", None)
    return code is not None and bool(code.co_flags & (_COROUTINE | _ASYNC_GENERATOR))


def kind_problem(handler: object, *, may_yield: bool = False) -> str | None:
    """Says why something cannot be a handler at all, or ``None`` when it can.

    Args:
        handler: The candidate.
        may_yield: Whether it may be a generator: handlers of HTTP, which yield events.
    """
    if isinstance(handler, (staticmethod, classmethod)):
        return f"is a {type(handler).__name__}; make it an ordinary method with self"
    if isinstance(handler, (property, type)) or not callable(handler):
        return f"is no function but {type(handler).__name__}; put @hook right above a `def`"
    code = getattr(handler, "__code__", None)
    if code is not None and not may_yield and code.co_flags & (_GENERATOR | _ASYNC_GENERATOR):
        return "contains `yield`, so calling it does nothing; return the result in place of yielding it"
    return None


def arity_problem(handler: Callable[..., Any], spec: HookSpec) -> str | None:
    """Says why the handler cannot take the hook's arguments, or ``None`` when it can, or when that cannot be seen."""
    # A decorator's wrapper is what gets called, so its own parameters count, not those of what it wraps.
    code = getattr(handler, "__code__", None)
    if code is None:
        return None
    names = code.co_varnames[: code.co_argcount]
    required = code.co_argcount - len(getattr(handler, "__defaults__", None) or ())
    keyword_only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    without_default = [name for name in keyword_only if name not in (getattr(handler, "__kwdefaults__", None) or {})]
    if without_default:
        return f"has the keyword-only parameter {without_default[0]!r}, but hooks are called with positions only"
    if not names and not code.co_flags & _VARARGS:
        return "has no parameter; the first must be self"
    counts = [len(parameters) + 1 for parameters in parameter_lists(spec)]
    accepts_more = bool(code.co_flags & _VARARGS)
    if any(required <= count and (count <= code.co_argcount or accepts_more) for count in counts):
        return None
    expected = " or ".join(str(count - 1) for count in counts)
    given = ", ".join(names[1:])
    if not given:
        return f"takes no argument besides self, but the hook passes {expected}"
    count = len(names) - 1
    return f"takes {count} argument{'s' if count > 1 else ''} besides self ({given}), but the hook passes {expected}"


def accepted_form(handler: Callable[..., Any], spec: HookSpec) -> tuple[str, ...]:
    """Returns which of the hook's parameter lists the handler has: the longest that fits, or the simple one when it takes all."""
    forms = parameter_lists(spec)
    code = getattr(handler, "__code__", None)
    while code is not None and code.co_flags & _VARARGS and hasattr(handler, "__wrapped__"):
        # A decorator hands everything on: what it wraps decides.
        handler = getattr(handler, "__wrapped__")  # noqa: B009 (type checkers know no such attribute)
        code = getattr(handler, "__code__", None)
    fitting = [form for form in forms if code is not None and len(form) + 1 <= code.co_argcount]
    return max(fitting, key=len, default=forms[0])
