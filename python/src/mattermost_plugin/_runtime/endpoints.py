"""What answers an HTTP request: the hook's own handler, a route, an application, or a fixed answer.

An endpoint runs on a thread (`Endpoint.run`) or on the event loop (`Endpoint.run_async`), as `Endpoint.is_async` says. It answers
completely, or raises before it has begun.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mattermost_plugin._http.body import READ_AHEAD
from mattermost_plugin._http.messages import HttpResponse
from mattermost_plugin._runtime import signatures
from mattermost_plugin._runtime.http_exchange import HttpServing, response_of
from mattermost_plugin._runtime.lanes import AsyncLane

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mattermost_plugin._runtime.invoke import BoundHandler

__all__ = ["Endpoint", "FixedEndpoint", "HookEndpoint", "read_ahead"]

RunAwaitable = "Callable[[Awaitable[Any]], Any]"


class Endpoint:
    """What answers a request.

    Attributes:
        label: What it is, for people.
        is_async: Where it runs.
    """

    label = ""
    is_async = False

    def run(self, serving: HttpServing, run_awaitable: Callable[[Awaitable[Any]], Any]) -> None:
        """Answers on the calling thread.

        Args:
            serving: The exchange.
            run_awaitable: Runs what has to be awaited, and waits for it.
        """
        raise NotImplementedError

    async def run_async(self, serving: HttpServing) -> None:
        """Answers on the event loop."""
        raise NotImplementedError


class FixedEndpoint(Endpoint):
    """Always gives the same answer, such as 404."""

    def __init__(self, response: Callable[[], HttpResponse], *, is_async: bool = False) -> None:
        self._response = response
        self.is_async = is_async

    def run(self, serving: HttpServing, run_awaitable: Callable[[Awaitable[Any]], Any]) -> None:
        """Sends it."""
        serving.respond(self._response())

    async def run_async(self, serving: HttpServing) -> None:
        """Sends it."""
        await serving.respond_async(self._response())


class HookEndpoint(Endpoint):
    """The method under ``@hook(HookName.ServeHTTP)``, in one of its forms."""

    def __init__(self, handler: BoundHandler) -> None:
        self.label = handler.label
        self.is_async = handler.is_async
        self._handler = handler
        self._form = signatures.accepted_form(handler.function, handler.spec)

    def run(self, serving: HttpServing, run_awaitable: Callable[[Awaitable[Any]], Any]) -> None:
        """Calls it, and sends what it returns."""
        result = self._handler.function(*self._arguments(serving))
        if hasattr(result, "__await__"):
            result = run_awaitable(result)
        if serving.writer.head_sent:
            serving.writer.end()
        elif result is None:
            self._end(serving)
        elif hasattr(result, "__next__"):
            serving.send_events(result)
        else:
            serving.respond(response_of(result, self.label, self._handler.spec.go))

    async def run_async(self, serving: HttpServing) -> None:
        """Calls it, and sends what it returns."""
        if "writer" not in self._form:
            await read_ahead(serving)
        result = self._handler.function(*self._arguments(serving))
        if hasattr(result, "__await__"):
            result = await result
        if serving.writer.head_sent:
            serving.writer.end()
        elif result is None:
            self._end(serving)
        elif hasattr(result, "__anext__"):
            await serving.send_events_async(result)
        elif hasattr(result, "__next__"):
            serving.send_events(result)
        else:
            await serving.respond_async(response_of(result, self.label, self._handler.spec.go))

    def _arguments(self, serving: HttpServing) -> tuple[Any, ...]:
        known = {"context": serving.context, "request": serving.request, "writer": serving.writer}
        return tuple(known[name] for name in self._form)

    @staticmethod
    def _end(serving: HttpServing) -> None:
        """A handler that returned nothing and wrote nothing: an answer without a body."""
        serving.respond(HttpResponse(serving.writer.status_code))


async def read_ahead(serving: HttpServing) -> None:
    """Reads the body before a handler is called that asks for it without `await`, if it is not too large."""
    lane = serving.lane
    if not isinstance(lane, AsyncLane):
        return
    declared = serving.request.get_header("Content-Length")
    if declared.isdecimal() and int(declared) > READ_AHEAD:
        return
    if await lane.read_ahead(READ_AHEAD):
        serving.request.body = b"".join(lane.pieces)
        lane.pieces.clear()
