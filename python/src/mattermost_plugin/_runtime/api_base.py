"""Base classes of the generated clients: one call of the API, blocking or awaitable.

A generated method is ``return self._call("get_user", (user_id,))``; everything else is here: the deadline, the exception,
and that the pool knows that its thread waits.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mattermost_plugin._generated.codec_api import METHODS, NULLABLE
from mattermost_plugin._native import RpcError
from mattermost_plugin._runtime import codec_kinds as kinds
from mattermost_plugin._runtime import failures
from mattermost_plugin._runtime.codec import call_fields, resolve
from mattermost_plugin._runtime.current import timeout_of_call
from mattermost_plugin._runtime.from_fields import from_fields
from mattermost_plugin._runtime.pool import waiting
from mattermost_plugin._runtime.server_facts import VERSION_METHOD, ServerFacts, method_named
from mattermost_plugin.errors import NotSupportedByServer, PluginAPIError

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from typing_extensions import Self

    from mattermost_plugin import _native
    from mattermost_plugin.http import HttpRequest, HttpResponse
    from mattermost_plugin.version import ServerVersion

__all__ = ["ApiBase", "AsyncApiBase", "no_result"]


class _Connected:
    """What both clients have: a connection, a time limit, and what is known of the server."""

    __slots__ = ("_client", "_facts", "_timeout")

    def __init__(self, client: _native.Client, timeout: float | None = None, facts: ServerFacts | None = None) -> None:
        self._client = client
        self._timeout = timeout
        self._facts = ServerFacts() if facts is None else facts

    def with_timeout(self, seconds: float | None) -> Self:
        """Returns a client whose calls may take another time than the host's default.

        A call made in a handler never takes longer than the hook itself may, whatever is said here.

        Args:
            seconds: Until a call raises `DeadlineExceededError`; ``None`` for no limit.
        """
        return type(self)(self._client, seconds, self._facts)

    @staticmethod
    def _model(name: str, model: object, fields: dict[str, object]) -> object:
        """Returns the model that a method was given, or makes it of the fields that it was given in its place.

        Args:
            name: Name of the model.
            model: The model, or ``None``.
            fields: Its fields, when there is no model.

        Raises:
            TypeError: Both were given, or neither, or a field that the model does not have.
        """
        if model is None and fields:
            cls = resolve(name)[0]
            assert cls is not None  # noqa: S101 (only models are taken by their fields)
            return from_fields(cls, fields)
        if model is None or fields:
            article = "an" if name[0] in "AEIOU" else "a"
            raise TypeError(f"give either {article} {name}, or the fields of one as keywords")
        return model

    @staticmethod
    def _pairs(pairs: tuple[object, ...], fields: dict[str, object]) -> list[object]:
        """Returns alternating keys and values, as the server's log takes them."""
        flat = list(pairs)
        for key, value in fields.items():
            flat += (key, value)
        return flat


class ApiBase(_Connected):
    """Base of `PluginAPIClient`."""

    __slots__ = ()

    def _call(self, method: str, args: tuple[object, ...]) -> Any:
        """Makes one call and waits for its answer.

        Args:
            method: Name of the method in Python.
            args: The request's fields in order.

        Raises:
            PluginAPIError: The call failed; see `mattermost_plugin.errors`.
            TypeError: An argument has a wrong type; nothing was sent.
            ValueError: An argument is out of range; nothing was sent.
        """
        path, request, response = METHODS[method]
        try:
            with waiting():
                result = self._client.call(path, request, response, args, timeout_of_call(self._timeout))
        except RpcError as error:
            raise self._explained(failures.from_rpc(error, method)) from None
        except (TypeError, ValueError) as error:
            raise _argument_error(error, method, request) from None
        return no_result(method, response) if result is None else result

    def supports(self, method: str) -> bool:
        """Tells whether the server has a method of the API, so that a plugin can do without it on an older one.

        The server's version decides, for which the server is asked once, the first time; and what calls have told: a method that a call
        has found missing is not supported, whatever the version. In the simulator it tells what is simulated.

        Args:
            method: The method as Mattermost spells it (``SendToastMessage``) or as Python does (``send_toast_message``).

        Raises:
            ValueError: No Mattermost that this SDK knows has such a method.
            PluginAPIError: The server could not be asked for its version.
        """
        name = method_named(method)
        known = self._facts.supports(name)
        if known is None:
            self.server_version()
            known = self._facts.supports(name)
        return bool(known)

    def server_version(self) -> ServerVersion:
        """Returns the version of the server, to compare with: ``self.api.server_version() >= "10.11"``.

        The server is asked once; ``get_server_version`` gives the text as it comes.

        Raises:
            PluginAPIError: The server could not be asked, or does not say a version.
        """
        known = self._facts.version
        return self._facts.learn_version(self._call(VERSION_METHOD, ())) if known is None else known

    def _explained(self, error: PluginAPIError) -> PluginAPIError:
        """Adds to an error of a method that is not there which version this server is; asks for it when nobody has."""
        if isinstance(error, NotSupportedByServer) and self._facts.found_missing(error):
            # Best effort: the error is told in any case.
            with suppress(PluginAPIError):
                if error.method != VERSION_METHOD:
                    self.server_version()
            self._facts.explain(error)
        return error

    def _upload(self, method: str, args: tuple[object, ...], content: object) -> Any:
        """Makes a call that sends bytes; see `_call`."""
        from mattermost_plugin._runtime import api_streams

        path, timeout = METHODS[method], timeout_of_call(self._timeout)
        try:
            result = api_streams.upload(self._client, path, method, args, content, timeout)
        except NotSupportedByServer as error:
            raise self._explained(error) from None
        return no_result(method, path[2]) if result is None else result

    def _http_call(self, method: str, args: tuple[object, ...], request: HttpRequest) -> HttpResponse:
        """Sends an HTTP request to another plugin and reads the whole response; see `_call`."""
        with self.plugin_http_stream(request) as response:
            response.body = response.body
        return response

    def plugin_http_stream(self, request: HttpRequest) -> AbstractContextManager[HttpResponse]:
        """Sends an HTTP request to another plugin, like ``plugin_http``, and gives the response while its body still arrives.

        ::

            with self.api.plugin_http_stream(HttpRequest(url="/com.example.files/archive.zip")) as response:
                for piece in response.iter_body():
                    file.write(piece)

        What has not been read when the block is left is not fetched. The time limit of the client is for all of it.

        Args:
            request: The request; the path of its `url` begins with the other plugin's id.

        Raises:
            PluginAPIError: The call failed.
            ConnectionError: There was no answer, or it ended early.
        """
        from mattermost_plugin._runtime import api_streams

        method = "plugin_http"
        return api_streams.open_http(self._client, METHODS[method], method, request, timeout_of_call(self._timeout))


class AsyncApiBase(_Connected):
    """Base of `AsyncPluginAPIClient`."""

    __slots__ = ()

    async def _call(self, method: str, args: tuple[object, ...]) -> Any:
        """Makes one call; see `ApiBase._call`. Cancelling the task cancels the call."""
        path, request, response = METHODS[method]
        try:
            result = await self._client.call_async(path, request, response, args, timeout_of_call(self._timeout))
        except RpcError as error:
            raise await self._explained(failures.from_rpc(error, method)) from None
        except (TypeError, ValueError) as error:
            raise _argument_error(error, method, request) from None
        return no_result(method, response) if result is None else result

    async def supports(self, method: str) -> bool:
        """Tells whether the server has a method of the API; see `ApiBase.supports`."""
        name = method_named(method)
        known = self._facts.supports(name)
        if known is None:
            await self.server_version()
            known = self._facts.supports(name)
        return bool(known)

    async def server_version(self) -> ServerVersion:
        """Returns the version of the server, to compare with; see `ApiBase.server_version`."""
        known = self._facts.version
        return self._facts.learn_version(await self._call(VERSION_METHOD, ())) if known is None else known

    async def _explained(self, error: PluginAPIError) -> PluginAPIError:
        """Adds to an error of a method that is not there which version this server is; see `ApiBase._explained`."""
        if isinstance(error, NotSupportedByServer) and self._facts.found_missing(error):
            with suppress(PluginAPIError):
                if error.method != VERSION_METHOD:
                    await self.server_version()
            self._facts.explain(error)
        return error

    async def _upload(self, method: str, args: tuple[object, ...], content: object) -> Any:
        """Makes a call that sends bytes; see `ApiBase._upload`."""
        from mattermost_plugin._runtime import api_streams_async

        timeout = timeout_of_call(self._timeout)
        try:
            return await api_streams_async.upload(self._client, METHODS[method], method, args, content, timeout)
        except NotSupportedByServer as error:
            raise await self._explained(error) from None

    async def _http_call(self, method: str, args: tuple[object, ...], request: HttpRequest) -> HttpResponse:
        """Sends an HTTP request to another plugin and reads the whole response; see `ApiBase._http_call`."""
        async with self.plugin_http_stream(request) as response:
            response.body = await response.read()
        return response

    def plugin_http_stream(self, request: HttpRequest) -> AbstractAsyncContextManager[HttpResponse]:
        """Sends an HTTP request to another plugin and gives the response while its body still arrives; see `ApiBase.plugin_http_stream`.

        ::

        async with self.aio.plugin_http_stream(HttpRequest(url="/com.example.files/archive.zip")) as response:
            async for piece in response.stream():
                ...
        """
        from mattermost_plugin._runtime import api_streams_async

        method, timeout = "plugin_http", timeout_of_call(self._timeout)
        return api_streams_async.open_http(self._client, METHODS[method], method, request, timeout)


def _argument_error(error: Exception, method: str, request: str) -> Exception:
    """Returns the codec's complaint about an argument in the words of the method that was called."""
    text = str(error)
    return type(error)(f"{method}(): {text.removeprefix(f'{request}.')}")


def no_result(method: str, response: str) -> None:
    """Accepts that a call gave ``None``, unless its result is a model that Mattermost has to give.

    Go has such results as pointers, which may be nil by mistake: nobody who asks for a user expects ``None`` in place of an
    exception, and its annotation says so.

    Args:
        method: The API method, as Python spells it.
        response: The message of its results.

    Raises:
        PluginAPIError: The result is missing.
    """
    fields = call_fields(response)
    if fields and kinds.base_of(fields[0][2]) == kinds.MESSAGE and method not in NULLABLE:
        raise PluginAPIError(
            f"the server reported success but gave no {fields[0][1]}", id="plugin_api.no_result", method=method
        )
