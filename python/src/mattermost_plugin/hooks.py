"""`hook`, which makes a method the handler of a hook, and `HookName`, the names of all hooks.

::

    class MyPlugin(Plugin):
        @hook(HookName.MessageWillBePosted)
        def filter_message(self, context: Context, post: Post) -> Reject | None: ...

        @hook("OnDeactivate")
        async def clean_up(self) -> None: ...

        @hook
        def user_has_joined_channel(self, context: Context, channel_member: ChannelMember, actor: User | None) -> None: ...

A wrong name or a wrong number of parameters raises `HookDefinitionError` right there, with the signature to use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from mattermost_plugin._generated.hooks import HOOKS, HookName
from mattermost_plugin._runtime.registry import MARK, check_handler, definition_error, spec_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from mattermost_plugin._generated.hook_typing import Hook

__all__ = ["HookName", "hook"]

Handler = TypeVar("Handler", bound="Callable[..., Any]")


def _hook(name: object = "", /) -> object:
    """Makes the method below it the handler of a hook.

    Args:
        name: The hook: a member of `HookName`, its name (``"MessageWillBePosted"``) or its name in snake case. Without any,
            plain ``@hook``, the method's own name says which hook it is.

    Raises:
        HookDefinitionError: There is no such hook, or the method cannot be its handler.
    """
    if isinstance(name, str):
        return _decorator(str(getattr(name, "value", name)))
    if isinstance(name, (staticmethod, classmethod, property)) or callable(name):
        return _decorator("")(cast("Callable[..., Any]", name))
    raise definition_error(
        f"@hook({name!r}): give the hook's name, such as HookName.MessageWillBePosted or 'MessageWillBePosted'"
    )


def _decorator(name: str) -> Callable[[Handler], Handler]:
    """Returns what marks a method; without a name the method's own says which hook it handles."""
    spec = spec_of(name, HOOKS, f"@hook({name!r})") if name else None

    def decorate(handler: Handler) -> Handler:
        label = str(getattr(handler, "__qualname__", None) or repr(handler))
        chosen = spec or spec_of(str(getattr(handler, "__name__", "")), HOOKS, f"@hook on {label}", plain=True)
        check_handler(handler, chosen, label)
        already = getattr(handler, MARK, chosen.go)
        if already != chosen.go:
            raise definition_error(
                f"{label} is marked for two hooks, {already} and {chosen.go}; write one method for each"
            )
        try:
            setattr(handler, MARK, chosen.go)
        except AttributeError:
            raise definition_error(
                f"{label}: @hook cannot mark a {type(handler).__name__}; write a `def` that calls it"
            ) from None
        return handler

    return decorate


_hook.__name__ = _hook.__qualname__ = "hook"
#: To type checkers it has one overload per hook, so that they refuse a handler that does not fit its hook.
hook: Hook = cast("Hook", _hook)
