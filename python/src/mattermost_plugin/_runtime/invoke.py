"""One call of a handler: its arguments, its result, its failure. The same for threads and for the event loop.

A handler's exception becomes a failed call, with the exception's text for the host; what the user sees then is the host's
policy. The traceback is logged here, as one record.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from mattermost_plugin._runtime import failures, signatures
from mattermost_plugin._runtime.current import current_call
from mattermost_plugin._runtime.options import REJECT
from mattermost_plugin._runtime.registry import Registration, bind
from mattermost_plugin._runtime.results import make_converter
from mattermost_plugin.errors import HookRejected, HookResultError, PluginAPIError
from mattermost_plugin.verdicts import Reject

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mattermost_plugin import _native
    from mattermost_plugin._http.router import Router
    from mattermost_plugin._runtime.loop import LoopThread

__all__ = ["BoundHandler", "serve_async", "serve_sync"]

#: Outcomes whose errors are results that the hook provides for.
_ERROR_OUTCOMES: Final = frozenset({"error", "app_error"})

#: Outcomes with a result that refuses.
_REFUSING_OUTCOMES: Final = frozenset({"verdict", "rejection"})

_log = logging.getLogger("mattermost_plugin.runtime")


class BoundHandler:
    """A handler of the plugin's instance, ready to be called.

    Attributes:
        function: The bound method.
        is_async: Whether it is an ``async def``.
        label: The handler, for people.
        spec: Its hook.
        options: What it asks of the host.
        convert: What makes the response's fields of its result.
        prepare: Done before it is called (the settings are reloaded before ``OnConfigurationChange``).
        router: What decides by path who answers, in ``ServeHTTP`` of a plugin with routes or applications.
    """

    __slots__ = ("convert", "function", "is_async", "label", "options", "prepare", "prepare_async", "router", "spec")

    def __init__(self, plugin: object, registration: Registration) -> None:
        self.function: Callable[..., Any] = bind(plugin, registration)
        self.is_async = signatures.is_async(self.function)
        self.label = registration.label
        self.spec = registration.spec
        self.options = registration.options
        self.convert = make_converter(registration.spec, registration.label)
        self.prepare: Callable[[], None] | None = None
        self.prepare_async: Callable[[], Awaitable[None]] | None = None
        self.router: Router | None = None


def serve_sync(call: _native.Call, handler: BoundHandler, loop: Callable[[], LoopThread]) -> None:
    """Serves a call on the calling thread. Never raises.

    Args:
        call: The call.
        handler: Who handles it.
        loop: Gives the event loop, which runs what a handler returned that has to be awaited (a decorated ``async def``).
    """
    if call.cancelled:
        return
    if call.is_stream:
        from mattermost_plugin._runtime import exchange

        exchange.serve_sync(call, handler, loop, _fail)
        return
    token = current_call.set(call)
    try:
        args = call.args
        if handler.prepare is not None:
            handler.prepare()
        try:
            result = handler.function(*args)
            if hasattr(result, "__await__"):
                result = loop().run(result)
        except HookRejected as error:
            result = refusal(handler, error)
        _reply(call, handler, handler.convert(result, args))
    except BaseException as error:
        _fail(call, handler, error)
    finally:
        current_call.reset(token)


async def serve_async(call: _native.Call, handler: BoundHandler, loop: Callable[[], LoopThread]) -> None:
    """Serves a call as a task of the event loop. Raises nothing but what cancels the task."""
    if call.is_stream:
        from mattermost_plugin._runtime import exchange

        await exchange.serve_async(call, handler, loop, _fail)
        return
    current_call.set(call)
    try:
        args = call.args
        if handler.prepare_async is not None:
            await handler.prepare_async()
        try:
            result = await handler.function(*args)
        except HookRejected as error:
            result = refusal(handler, error)
        _reply(call, handler, handler.convert(result, args))
    except Exception as error:
        _fail(call, handler, error)
    except BaseException as error:
        if not call.cancelled:
            _fail(call, handler, error)
        raise


def refusal(handler: BoundHandler, error: HookRejected) -> Reject:
    """Returns the result that refuses with the text of a `HookRejected`.

    Raises:
        HookRejected: The hook has no such result, so that refusing is a failure of the call.
    """
    if handler.spec.outcome not in _REFUSING_OUTCOMES or not str(error).strip():
        raise error
    return Reject(str(error))


def _reply(call: _native.Call, handler: BoundHandler, values: tuple[object, ...]) -> None:
    try:
        waited_for = call.reply(values)
    except (TypeError, ValueError) as error:
        text = str(error).removeprefix(f"{handler.spec.response}.")
        raise HookResultError(f"{handler.label} returned something that cannot be sent: {text}") from None
    if not waited_for:
        _log.warning(
            "%s answered too late: %s was given up by then, so its result is lost", handler.label, handler.spec.go
        )


def _fail(call: _native.Call, handler: BoundHandler, error: BaseException) -> None:
    """Ends the call with the exception, and logs it unless it is a refusal in plain words."""
    call.fail(failures.UNKNOWN, failures.describe(error), _details(handler, error))
    if isinstance(error, HookRejected):
        return
    if isinstance(error, HookResultError):
        # The frames would be the SDK's own: the text says all there is to know.
        _log.error("%s", error)
    elif isinstance(error, SystemExit):
        _log.error("%s called sys.exit(), which ends nothing in a handler; raise an exception or return", handler.label)
    else:
        _log.error("%s failed", handler.label, exc_info=error)


def _details(handler: BoundHandler, error: BaseException) -> object:
    """Returns what the server is to make of the failure; ``None`` leaves it to the host, which goes by the handler's ``on_error``."""
    spec = handler.spec
    if not isinstance(error, HookRejected) and (spec.kind == "decides" or handler.options.on_error == REJECT):
        return None
    if spec.outcome == "app_error" and isinstance(error, (PluginAPIError, HookRejected)):
        return failures.to_app_error(error, where=spec.go)
    if isinstance(error, HookRejected) or spec.outcome in _ERROR_OUTCOMES:
        return error
    return None
