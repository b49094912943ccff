"""A route at work: its arguments made of the request, its result made an answer."""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any, Final

from mattermost_plugin._http.access import Access
from mattermost_plugin._http.messages import HttpError, HttpRequest, HttpResponse
from mattermost_plugin._http.params import is_model, is_optional, item_of_list, json_value, make_converter, model_of
from mattermost_plugin._http.writer import ResponseWriter
from mattermost_plugin._runtime import signatures
from mattermost_plugin._runtime.endpoints import Endpoint
from mattermost_plugin.errors import HookDefinitionError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mattermost_plugin._http.routing import RouteSpec
    from mattermost_plugin._runtime.http_exchange import HttpServing
    from mattermost_plugin.plugin import Plugin

    Provide = Callable[["_Asked"], Any]

__all__ = ["FoundRoute", "RouteEndpoint"]

#: Bytes of the largest body that is taken as JSON.
MAX_JSON: Final = 16 << 20


class _Asked:
    """One request, taken apart as far as its route needs it."""

    __slots__ = ("body", "parameters", "query", "serving", "user")

    def __init__(self, serving: HttpServing, parameters: dict[str, str], query: dict[str, list[str]]) -> None:
        self.serving = serving
        self.parameters = parameters
        self.query = query
        self.body = b""
        self.user: Any = None


class RouteEndpoint(Endpoint):
    """A method under `route`.

    Args:
        plugin: The plugin's instance.
        name: Name of the method.
        spec: The route.

    Raises:
        HookDefinitionError: A parameter's type is none that can be made of a request.
    """

    def __init__(self, plugin: Plugin, name: str, spec: RouteSpec) -> None:
        self._plugin = plugin
        self._spec = spec
        self._function: Callable[..., Any] = getattr(plugin, name)
        self.is_async = signatures.is_async(self._function)
        self.label = f"{type(plugin).__qualname__}.{name}"
        self._access = Access(plugin, public=spec.public, permission=spec.permission)
        self._needs_body = spec.signature is not None
        self._needs_query = False
        self._needs_user = False
        self._providers = self._plan()

    def run_with(
        self, serving: HttpServing, parameters: dict[str, str], run_awaitable: Callable[[Awaitable[Any]], Any]
    ) -> None:
        """Answers on the calling thread."""
        self._access.check(serving.request)
        asked = self._asked(serving, parameters)
        if self._needs_body:
            asked.body = _joined(serving.request, list(_limited(serving.request)))
            self._check_signature(asked)
        if self._needs_user and serving.request.user_id:
            asked.user = self._plugin.api.get_user(serving.request.user_id)
        result = self._function(**self._arguments(asked))
        if hasattr(result, "__await__"):
            result = run_awaitable(result)
        if self._is_written(serving, result):
            return
        if hasattr(result, "__next__"):
            serving.send_events(result)
        else:
            serving.respond(_response_of(result, self.label))

    async def run_async_with(self, serving: HttpServing, parameters: dict[str, str]) -> None:
        """Answers on the event loop."""
        await self._access.check_async(serving.request)
        asked = self._asked(serving, parameters)
        if self._needs_body:
            pieces, size = [], 0
            async for piece in serving.request.stream():
                size = _checked_size(size, piece)
                pieces.append(piece)
            asked.body = _joined(serving.request, pieces)
            self._check_signature(asked)
        if self._needs_user and serving.request.user_id:
            asked.user = await self._plugin.aio.get_user(serving.request.user_id)
        result = self._function(**self._arguments(asked))
        if hasattr(result, "__await__"):
            result = await result
        if self._is_written(serving, result):
            return
        if hasattr(result, "__anext__"):
            await serving.send_events_async(result)
        elif hasattr(result, "__next__"):
            serving.send_events(result)
        else:
            await serving.respond_async(_response_of(result, self.label))

    def _asked(self, serving: HttpServing, parameters: dict[str, str]) -> _Asked:
        return _Asked(serving, parameters, serving.request.query if self._needs_query else {})

    def _arguments(self, asked: _Asked) -> dict[str, Any]:
        arguments = {name: provide(asked) for name, provide in self._providers.items()}
        return {name: value for name, value in arguments.items() if value is not inspect.Parameter.empty}

    def _check_signature(self, asked: _Asked) -> None:
        scheme = self._spec.signature
        if scheme is not None:
            secret = self._plugin.config.get(self._spec.key_setting, "")
            scheme.check(asked.serving.request, secret if isinstance(secret, str) else "", asked.body)

    @staticmethod
    def _is_written(serving: HttpServing, result: object) -> bool:
        if serving.writer.head_sent and result is None:
            serving.writer.end()
            return True
        return False

    def _plan(self) -> dict[str, Provide]:
        hints = self._hints()
        plan: dict[str, Provide] = {}
        for name, parameter in inspect.signature(self._function).parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
                raise HookDefinitionError(
                    f"{self.label}: a handler of a path has named parameters only, not {parameter}"
                )
            plan[name] = self._provider(name, parameter, hints.get(name, parameter.empty))
        return plan

    def _hints(self) -> dict[str, Any]:
        from mattermost_plugin.models import Context, User

        # What is imported for type checkers only is not there.
        known = {kind.__name__: kind for kind in (Context, User, HttpRequest, HttpResponse, ResponseWriter)}
        function = inspect.unwrap(getattr(self._function, "__func__", self._function))
        names = {**known, **getattr(function, "__globals__", {})}
        annotations = {key: value for key, value in getattr(function, "__annotations__", {}).items() if key != "return"}
        try:
            return typing.get_type_hints(_Annotated(annotations), names)
        except NameError as error:
            raise HookDefinitionError(
                f"{self.label}: the type of a parameter cannot be found ({error}); import it outside of `if TYPE_CHECKING:`"
            ) from None

    def _provider(self, name: str, parameter: inspect.Parameter, kind: Any) -> Provide:
        from mattermost_plugin.models import Context, User

        if name in self._spec.parameters:
            return self._path_parameter(name, kind)
        alone = _without_none(kind)
        if alone is HttpRequest:
            return lambda asked: asked.serving.request
        if alone is ResponseWriter:
            return lambda asked: asked.serving.writer
        if alone is Context:
            return lambda asked: asked.serving.context
        if alone is User:
            self._needs_user = True
            return lambda asked: asked.user
        if name == "body" or is_model(alone):
            self._needs_body = True
            return _body(kind, parameter.default)
        if kind is parameter.empty and name in ("request", "context", "writer"):
            return lambda asked: getattr(asked.serving, name)
        self._needs_query = True
        return self._query_parameter(name, parameter.default, kind)

    def _path_parameter(self, name: str, kind: Any) -> Provide:
        convert = self._converter(name, str if kind is inspect.Parameter.empty else kind, f"path parameter {name!r}")
        return lambda asked: convert(asked.parameters[name])

    def _query_parameter(self, name: str, default: Any, kind: Any) -> Provide:
        what = f"query parameter {name!r}"
        kind = str if kind is inspect.Parameter.empty else kind
        item = item_of_list(kind)
        convert = self._converter(name, kind if item is None else item, what)
        required = default is inspect.Parameter.empty and not is_optional(kind)

        def provide(asked: _Asked) -> Any:
            values = asked.query.get(name)
            if values is None:
                if required and item is None:
                    raise HttpError(400, f"{what} is missing")
                if default is not inspect.Parameter.empty:
                    return default
                return None if is_optional(kind) else []
            if item is not None:
                return [convert(value) for value in values]
            if len(values) > 1:
                raise HttpError(400, f"{what} is given {len(values)} times; give it once")
            return convert(values[0])

        return provide

    def _converter(self, name: str, kind: Any, what: str) -> Callable[[str], Any]:
        try:
            return make_converter(kind, what)
        except TypeError as error:
            raise HookDefinitionError(
                f"{self.label}: parameter {name!r} comes from the request's {what.split()[0]}, but {error}; "
                "what comes as JSON is a dataclass, a pydantic model, or called `body`"
            ) from None


class FoundRoute(Endpoint):
    """A route with the parameters of one request's path."""

    def __init__(self, endpoint: RouteEndpoint, parameters: dict[str, str]) -> None:
        self.label = endpoint.label
        self.is_async = endpoint.is_async
        self._endpoint = endpoint
        self._parameters = parameters

    def run(self, serving: HttpServing, run_awaitable: Callable[[Awaitable[Any]], Any]) -> None:
        """Answers on the calling thread."""
        self._endpoint.run_with(serving, self._parameters, run_awaitable)

    async def run_async(self, serving: HttpServing) -> None:
        """Answers on the event loop."""
        await self._endpoint.run_async_with(serving, self._parameters)


class _Annotated:
    """Annotations for `typing.get_type_hints`, without the result's."""

    def __init__(self, annotations: dict[str, Any]) -> None:
        self.__annotations__ = annotations


def _without_none(kind: Any) -> Any:
    if not is_optional(kind):
        return kind
    rest = [it for it in typing.get_args(kind) if it is not type(None)]
    return rest[0] if len(rest) == 1 else kind


def _limited(request: HttpRequest) -> typing.Iterator[bytes]:
    size = 0
    for piece in request.iter_body():
        size = _checked_size(size, piece)
        yield piece


def _checked_size(size: int, piece: bytes) -> int:
    if size + len(piece) > MAX_JSON:
        raise HttpError(413, f"the body is larger than {MAX_JSON >> 20} MiB")
    return size + len(piece)


def _joined(request: HttpRequest, pieces: list[bytes]) -> bytes:
    body = b"".join(pieces)
    # For handlers that look at the request as well.
    request.body = body
    return body


def _body(kind: Any, default: Any) -> Provide:
    if kind is bytes:
        return lambda asked: asked.body
    if kind is str:
        return lambda asked: asked.body.decode("utf-8", "replace")

    def provide(asked: _Asked) -> Any:
        import json

        if not asked.body:
            if default is not inspect.Parameter.empty:
                return default
            if is_optional(kind):
                return None
            raise HttpError(400, "the body is missing; it is to be JSON")
        try:
            value = json.loads(asked.body)
        except (ValueError, RecursionError) as error:
            raise HttpError(400, f"the body is no JSON: {error}") from None
        return value if kind is inspect.Parameter.empty else model_of(kind, value)

    return provide


def _response_of(result: Any, label: str) -> HttpResponse:
    """Returns what a route returned as a response.

    Raises:
        TypeError: It cannot be sent.
    """
    status_code = 200
    if isinstance(result, tuple) and len(result) == 2 and isinstance(result[0], int):
        status_code, result = result
    if isinstance(result, HttpResponse):
        return result
    if result is None:
        return HttpResponse(204 if status_code == 200 else status_code)
    if isinstance(result, (str, bytes, bytearray, memoryview)):
        return HttpResponse(status_code, body=result)
    import json

    try:
        text = json.dumps(result, default=json_value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{label} returned something that is no answer: {error}") from None
    return HttpResponse(status_code, {"Content-Type": "application/json"}, text.encode())
