"""Calls of hooks with streams: ``ServeHTTP``, ``ServeMetrics`` and ``FileWillBeUploaded``, from the first part to the end of the call.

What is common to them is what happens when a handler fails: an HTTP request whose answer has not begun is answered with 500; any other
call ends with an error, upon which the host closes the client's connection, or leaves the file as it is.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

from mattermost_plugin._http.messages import HttpError, HttpResponse
from mattermost_plugin._runtime import failures
from mattermost_plugin._runtime.current import current_call
from mattermost_plugin._runtime.endpoints import Endpoint, HookEndpoint
from mattermost_plugin._runtime.http_exchange import HttpServing
from mattermost_plugin._runtime.lanes import AsyncLane, ClientGoneError, SyncLane
from mattermost_plugin.errors import HookRejected, HookResultError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mattermost_plugin import _native
    from mattermost_plugin._runtime.invoke import BoundHandler
    from mattermost_plugin._runtime.loop import LoopThread

    Fail = Callable[[_native.Call, BoundHandler, BaseException], None]

__all__ = ["serve_async", "serve_sync"]

_FAILED: Final = "The plugin could not answer; its log says why.\n"

_log = logging.getLogger("mattermost_plugin.runtime")


def serve_sync(call: _native.Call, handler: BoundHandler, loop: Callable[[], LoopThread], fail: Fail) -> None:
    """Serves a streaming call on the calling thread, or hands it to the event loop. Never raises.

    Args:
        call: The call.
        handler: Who handles it.
        loop: Gives the event loop.
        fail: Ends the call with an exception and logs it.
    """
    token = current_call.set(call)
    lane = SyncLane(call, handler.spec)
    try:
        start = lane.read_start()
        if handler.spec.stream == "file_exchange":
            from mattermost_plugin._runtime.file_exchange import FileServing

            FileServing(lane, handler, start).run(lambda it: loop().run(it))
            call.finish()
            return
        serving = HttpServing(lane, start)
        endpoint = _endpoint(handler, serving)
        if endpoint.is_async:
            loop().adopt(call, lambda: _adopted(call, handler, start, endpoint))
        else:
            _serve_http(serving, endpoint, loop)
    except BaseException as error:
        if not _is_gone(call, error, handler.label):
            fail(call, handler, error)
    finally:
        current_call.reset(token)


async def serve_async(call: _native.Call, handler: BoundHandler, loop: Callable[[], LoopThread], fail: Fail) -> None:
    """Serves a streaming call as a task of the event loop; see `serve_sync`. Raises nothing but what cancels the task."""
    current_call.set(call)
    lane = AsyncLane(call, handler.spec)
    try:
        start = await lane.read_start()
        if handler.spec.stream == "file_exchange":
            from mattermost_plugin._runtime.file_exchange import FileServing

            await FileServing(lane, handler, start).run_async(lane)
            call.finish()
            return
        serving = HttpServing(lane, start)
        endpoint = _endpoint(handler, serving)
        if endpoint.is_async:
            await _serve_http_async(serving, endpoint)
        else:
            from asyncio import to_thread

            await to_thread(_serve_http, HttpServing(SyncLane(call, handler.spec), start), endpoint, loop)
    except Exception as error:
        if not _is_gone(call, error, handler.label):
            fail(call, handler, error)
    except BaseException as error:
        if not call.cancelled:
            fail(call, handler, error)
        raise


def _endpoint(handler: BoundHandler, serving: HttpServing) -> Endpoint:
    if handler.router is None:
        return HookEndpoint(handler)
    return handler.router.find(serving.request)


async def _adopted(call: _native.Call, handler: BoundHandler, start: dict[str, Any], endpoint: Endpoint) -> None:
    """Goes on on the event loop with what a thread has begun."""
    current_call.set(call)
    await _serve_http_async(HttpServing(AsyncLane(call, handler.spec), start), endpoint)


def _serve_http(serving: HttpServing, endpoint: Endpoint, loop: Callable[[], LoopThread]) -> None:
    try:
        try:
            endpoint.run(serving, lambda it: loop().run(it))
            serving.writer.end()
        except (HttpError, HookRejected, ClientGoneError) as error:
            serving.respond(_refusal(serving, error))
    except BaseException as error:
        if _is_gone(serving.lane.call, error, endpoint.label):
            return
        _log_failure(endpoint, error)
        if serving.writer.head_sent:
            serving.lane.call.fail(failures.UNKNOWN, failures.describe(error))
            return
        try:
            serving.forget_headers()
            serving.respond(HttpResponse(500, body=_FAILED))
        except ConnectionError:
            return
    serving.lane.call.finish()


async def _serve_http_async(serving: HttpServing, endpoint: Endpoint) -> None:
    lane = serving.lane
    assert isinstance(lane, AsyncLane)  # noqa: S101 (who runs on the loop has such a lane)
    try:
        try:
            await endpoint.run_async(serving)
            if not serving.finished:
                serving.writer.end()
        except (HttpError, HookRejected, ClientGoneError) as error:
            await serving.respond_async(_refusal(serving, error))
    except BaseException as error:
        if not isinstance(error, Exception) and lane.call.cancelled:
            raise
        if not _is_gone(lane.call, error, endpoint.label):
            _log_failure(endpoint, error)
            if serving.finished:
                return
            if serving.writer.head_sent:
                lane.call.fail(failures.UNKNOWN, failures.describe(error))
            else:
                serving.forget_headers()
                await serving.respond_async(HttpResponse(500, body=_FAILED))
                await _finish(serving)
        if not isinstance(error, Exception):
            raise
        return
    await _finish(serving)


async def _finish(serving: HttpServing) -> None:
    with contextlib.suppress(ConnectionError):
        await serving.finish_async()


def _refusal(serving: HttpServing, error: HttpError | HookRejected | ClientGoneError) -> HttpResponse:
    """Returns the answer for a refusal in the plugin's words, or for a request that ended early.

    Raises:
        HttpError, HookRejected, ClientGoneError: The answer has begun already.
    """
    if serving.writer.head_sent or serving.finished:
        raise error
    serving.forget_headers()
    if isinstance(error, HttpError):
        return error.response()
    if isinstance(error, HookRejected):
        return HttpResponse(403, body=f"{error}\n")
    return HttpError(400, "the request ended early").response()


def _is_gone(call: _native.Call, error: BaseException, label: str) -> bool:
    """Whether the error is only that the client is gone, which is nobody's fault; then ends the call."""
    if not isinstance(error, ClientGoneError) and not (isinstance(error, ConnectionError) and call.cancelled):
        return False
    _log.debug("%s: the client went away before it was answered", label)
    if call.active:
        call.fail(failures.UNKNOWN, str(error))
    return True


def _log_failure(endpoint: Endpoint, error: BaseException) -> None:
    if isinstance(error, HookResultError):
        _log.error("%s", error)
    elif isinstance(error, SystemExit):
        _log.error(
            "%s called sys.exit(), which ends nothing in a handler; raise an exception or return", endpoint.label
        )
    else:
        _log.error("%s failed", endpoint.label, exc_info=error)
