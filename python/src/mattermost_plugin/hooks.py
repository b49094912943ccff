"""`hook`, which makes a method the handler of a hook, and `HookName`, the names of all hooks.

::

    class MyPlugin(Plugin):
        @hook(HookName.MessageWillBePosted)
        def filter_message(self, context: Context, post: Post) -> Reject | None: ...

        @hook("OnDeactivate")
        async def clean_up(self) -> None: ...

        @hook
        def user_has_joined_channel(self, context: Context, channel_member: ChannelMember, actor: User | None) -> None: ...

        @hook(HookName.FileWillBeUploaded, deadline=20, on_error="reject", rejection="The scanner is out of order.")
        def scan(self, context: Context, info: FileInfo, file: BinaryIO) -> Reject | None: ...

A wrong name, a wrong number of parameters or an option that the hook cannot have raises `HookDefinitionError` right there, with
what would be right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from mattermost_plugin._generated.hooks import HOOKS, HookName
from mattermost_plugin._runtime.options import ALLOW, Options
from mattermost_plugin._runtime.registry import MARK, OPTIONS, check_handler, check_options, definition_error, spec_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from mattermost_plugin._generated.hook_typing import Hook

__all__ = ["HookName", "hook"]

Handler = TypeVar("Handler", bound="Callable[..., Any]")


def _hook(
    name: object = "",
    /,
    *,
    deadline: float | None = None,
    on_error: str = ALLOW,
    rejection: str = "",
    idempotent: bool = False,
) -> object:
    """Makes the method below it the handler of a hook.

    Args:
        name: The hook: a member of `HookName`, its name (``"MessageWillBePosted"``) or its name in snake case. Without any,
            plain ``@hook``, the method's own name says which hook it is.
        deadline: Seconds that the handler may take; of a stream until its answer begins. Without it the host's limit holds:
            5 s for hooks that decide, 30 s for most others. ``server.python.deadlines`` in the manifest goes before both.
        on_error: What happens when the handler raises, is late, or its process died. ``"allow"``: the server goes on as if the
            plugin had not been asked. ``"reject"``: it refuses what was asked, for filters that must let nothing pass unseen.
        rejection: With ``"reject"``: what the person who asked reads. The exception's own text is for the log only.
        idempotent: Whether the handler may be called once more when its process died while it ran. For hooks that tell what
            has happened; without it such a call is dropped and counted.

    Raises:
        HookDefinitionError: There is no such hook, the method cannot be its handler, or the hook has no such option.
    """
    options = Options(deadline, on_error, rejection, idempotent)
    if isinstance(name, str):
        return _decorator(str(getattr(name, "value", name)), options)
    if isinstance(name, (staticmethod, classmethod, property)) or callable(name):
        return _decorator("", options)(cast("Callable[..., Any]", name))
    raise definition_error(
        f"@hook({name!r}): give the hook's name, such as HookName.MessageWillBePosted or 'MessageWillBePosted'"
    )


def _decorator(name: str, options: Options) -> Callable[[Handler], Handler]:
    """Returns what marks a method; without a name the method's own says which hook it handles."""
    spec = spec_of(name, HOOKS, f"@hook({name!r})") if name else None

    def decorate(handler: Handler) -> Handler:
        label = str(getattr(handler, "__qualname__", None) or repr(handler))
        chosen = spec or spec_of(str(getattr(handler, "__name__", "")), HOOKS, f"@hook on {label}", plain=True)
        check_handler(handler, chosen, label)
        check_options(options, chosen, label)
        already = getattr(handler, MARK, chosen.go)
        if already != chosen.go:
            raise definition_error(
                f"{label} is marked for two hooks, {already} and {chosen.go}; write one method for each"
            )
        try:
            setattr(handler, MARK, chosen.go)
            setattr(handler, OPTIONS, options)
        except AttributeError:
            raise definition_error(
                f"{label}: @hook cannot mark a {type(handler).__name__}; write a `def` that calls it"
            ) from None
        return handler

    return decorate


_hook.__name__ = _hook.__qualname__ = "hook"
#: To type checkers it has one overload per hook, so that they refuse a handler that does not fit its hook.
hook: Hook = cast("Hook", _hook)
