"""Handlers of hooks with streams: ``ServeHTTP``, ``ServeMetrics`` and ``FileWillBeUploaded``.

A handler written as ``def`` reads and writes while the stream runs. One written as ``async def`` gets what it reads in memory, and
what it writes is sent when it returns.
"""

from __future__ import annotations

import io
import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from mattermost_plugin import _native
from mattermost_plugin._runtime import parts, signatures
from mattermost_plugin._runtime.current import current_call
from mattermost_plugin._runtime.results import shown
from mattermost_plugin.errors import HookRejected, HookResultError
from mattermost_plugin.http import Headers, HttpRequest, HttpResponse, ResponseWriter
from mattermost_plugin.verdicts import Reject

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mattermost_plugin._runtime.invoke import BoundHandler

__all__ = ["serve_async", "serve_sync"]

_FAILED: Final = HttpResponse(500, body="The plugin could not answer; its log says why.\n")

_log = logging.getLogger("mattermost_plugin.runtime")


class Exchange:
    """What is common to all exchanges: parts in, parts out.

    Args:
        call: The streaming call.
        handler: Who handles it.
        collected: Where parts go that are sent later; ``None`` sends them at once.
    """

    def __init__(self, call: _native.Call, handler: BoundHandler, collected: list[tuple[object, ...]] | None) -> None:
        self.handler = handler
        self._call = call
        self._collected = collected
        self._requests = parts.Parts(handler.spec.request)
        self._responses = parts.Parts(handler.spec.response)
        self._pieces: deque[bytes] = deque()
        self._over = False
        self._broken = ""
        self._flushed = False

    def start(self, first: tuple[Any, ...] | None) -> dict[str, Any]:
        """Returns the fields of the part that every exchange begins with."""
        name, value = ("", None) if first is None else self._requests.which(first)
        if name != "start":
            raise ConnectionError(f"{self.handler.spec.go} began with {name or 'nothing'} in place of its arguments")
        return parts.unpack(self._requests.message_of("start"), value)

    def take(self, values: tuple[Any, ...] | None) -> None:
        """Notes what one message says."""
        if values is None:
            self._over = True
            return
        name, value = self._requests.which(values)
        if name in ("body", "content"):
            self._pieces.append(value)
        elif name in ("body_end", "content_end"):
            self._over = True
            self._broken = parts.unpack(self._requests.message_of(name), value)["error"]
        elif name == "client_gone":
            self._over = True
            self._broken = "the client has gone"
        elif name == "flushed":
            self._flushed = True

    @property
    def over(self) -> bool:
        """Whether nothing more is to be read."""
        return self._over

    def next_piece(self) -> bytes | None:
        """Returns the next piece of the body or file, ``None`` at its end.

        Raises:
            ConnectionError: It ended early.
        """
        while not self._pieces and not self._over:
            try:
                self.take(self._call.read_message())
            except _native.RpcError as error:
                raise ConnectionError(f"the client has gone: {error}") from None
        if self._pieces:
            return self._pieces.popleft()
        if self._broken:
            raise ConnectionError(self._broken)
        return None

    def send(self, part: str, value: object) -> None:
        """Sends a part, or keeps it for later.

        Raises:
            ConnectionError: Nobody waits for it any more.
        """
        message = self._responses.pack(part, value)
        if self._collected is not None:
            self._collected.append(message)
        elif not self._call.write_message(message):
            raise ConnectionError("the client has gone")

    def send_message(self, part: str, **fields: object) -> None:
        """Sends a part that is a message."""
        self.send(part, parts.build(self._responses.message_of(part), **fields))

    def flush(self) -> None:
        """Asks for a flush and waits for its answer, which keeps a fast handler from running ahead of a slow client."""
        if self._collected is not None:
            return
        self._flushed = False
        self.send_message("flush")
        try:
            while not self._flushed:
                values = self._call.read_message()
                if values is None:
                    return
                self.take(values)
        except _native.RpcError:
            raise ConnectionError("the client has gone") from None


class HttpServing:
    """One HTTP exchange: makes the request and the writer, sends what the handler returned."""

    def __init__(self, exchange: Exchange, start: dict[str, Any]) -> None:
        self._exchange = exchange
        self._context = start.get("context")
        self.request = _request(start["request"])
        self.request._next_piece = exchange.next_piece
        self.request._body = None
        self.writer = ResponseWriter(self._send_head, lambda piece: exchange.send("body", piece), exchange.flush)
        # What the server has set already is sent only if the answer says it too.
        self.writer.headers = Headers(start["response_header"])

    def arguments(self) -> tuple[Any, ...]:
        """Returns the handler's arguments, in the form that it has."""
        known = {"context": self._context, "request": self.request, "writer": self.writer}
        form = signatures.accepted_form(self._exchange.handler.function, self._exchange.handler.spec)
        return tuple(known[name] for name in form)

    def answer(self, result: object) -> None:
        """Sends what the handler returned, if it did not write the answer itself."""
        if self.writer.head_sent:
            return
        if result is None:
            self.writer.write_header(self.writer.status_code)
            return
        response = self._response(result)
        for name, values in response.headers.to_dict().items():
            self.writer.headers.pop(name, None)
            for value in values:
                self.writer.headers.add(name, value)
        self.writer.write_header(response.status_code)
        for piece in parts.pieces_of(response.body):
            self._exchange.send("body", piece)

    def refusal(self, error: HookRejected) -> HttpResponse:
        """Returns the answer for a refusal in the plugin's words."""
        if self.writer.head_sent:
            raise error
        return HttpResponse(403, body=f"{error}\n")

    def _response(self, result: object) -> HttpResponse:
        if isinstance(result, HttpResponse):
            return result
        label = self._exchange.handler.label
        if not isinstance(result, dict):
            raise HookResultError(
                f"{label} returned {shown(result)}, but {self._exchange.handler.spec.go} takes: HttpResponse, "
                "a dict with status_code, headers and body, or None"
            )
        unknown = sorted(set(result) - {"status_code", "headers", "body"})
        if unknown:
            raise HookResultError(
                f"{label} returned a dict with {unknown[0]!r}; known are 'status_code', 'headers' and 'body'"
            )
        try:
            return HttpResponse(result.get("status_code", 200), result.get("headers") or {}, result.get("body") or b"")
        except (TypeError, ValueError) as error:
            raise HookResultError(f"{label} returned no valid answer: {error}") from None

    def _send_head(self, status_code: int, headers: Headers) -> None:
        self._exchange.send_message("head", status_code=status_code, header=headers.to_dict())


def _request(head: Any) -> HttpRequest:
    fields = parts.unpack("HttpRequestHead", head)
    return HttpRequest(
        fields["method"],
        fields["url"],
        headers=fields["header"],
        host=fields["host"],
        remote_addr=fields["remote_addr"],
        request_uri=fields["request_uri"],
        proto=fields["proto"],
    )


class _Content(io.RawIOBase):
    """The file of ``FileWillBeUploaded``, as it arrives."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._exchange = exchange
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = self._exchange.next_piece() or b""
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


class _Output(io.RawIOBase):
    """What the server stores in the file's place; nothing written means: the file as it is."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._exchange = exchange

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        content = bytes(data)
        for piece in parts.pieces_of(content):
            self._exchange.send("replacement", piece)
        return len(content)


class FileServing:
    """One upload: makes the file and the output, sends the verdict."""

    def __init__(self, exchange: Exchange, start: dict[str, Any]) -> None:
        self._exchange = exchange
        self._start = start
        self._file = io.BufferedReader(_Content(exchange), parts.PIECE)
        self._output = _Output(exchange)

    def arguments(self) -> tuple[Any, ...]:
        """Returns the handler's arguments, in the form that it has."""
        known = {**self._start, "file": self._file, "output": self._output}
        form = signatures.accepted_form(self._exchange.handler.function, self._exchange.handler.spec)
        return tuple(known[name] for name in form)

    def refusal(self, error: HookRejected) -> Reject:
        """Returns the verdict for a refusal in the plugin's words."""
        return Reject(str(error))

    def answer(self, result: object) -> None:
        """Sends the verdict."""
        spec = self._exchange.handler.spec
        names = [field[1] for field in parts.result_fields(spec)]
        values = self._exchange.handler.convert(result, tuple(self._start.values()))
        self._exchange.send_message("result", **dict(zip(names, values, strict=True)))


def _serving(exchange: Exchange, start: dict[str, Any]) -> HttpServing | FileServing:
    kind = FileServing if exchange.handler.spec.stream == "file_exchange" else HttpServing
    return kind(exchange, start)


def serve_sync(
    call: _native.Call,
    handler: BoundHandler,
    run_awaitable: Callable[[Awaitable[Any]], Any],
    fail: Callable[[_native.Call, BoundHandler, BaseException], None],
) -> None:
    """Serves a streaming call on the calling thread. Never raises.

    Args:
        call: The call.
        handler: Who handles it.
        run_awaitable: Runs what a handler returned that has to be awaited.
        fail: Ends the call with an exception and logs it.
    """
    token = current_call.set(call)
    serving: HttpServing | FileServing | None = None
    try:
        exchange = Exchange(call, handler, None)
        serving = _serving(exchange, exchange.start(call.read_message()))
        try:
            result = handler.function(*serving.arguments())
            if hasattr(result, "__await__"):
                result = run_awaitable(result)
        except HookRejected as error:
            result = serving.refusal(error)
        serving.answer(result)
        call.finish()
    except BaseException as error:
        if _apologize(serving):
            _log_failure(handler, error)
            call.finish()
        else:
            fail(call, handler, error)
    finally:
        current_call.reset(token)


async def serve_async(
    call: _native.Call,
    handler: BoundHandler,
    fail: Callable[[_native.Call, BoundHandler, BaseException], None],
) -> None:
    """Serves a streaming call as a task of the event loop; see `serve_sync`."""
    current_call.set(call)
    collected: list[tuple[object, ...]] = []
    serving: HttpServing | FileServing | None = None
    try:
        exchange = Exchange(call, handler, collected)
        serving = _serving(exchange, exchange.start(await call.read_message_async()))
        while not exchange.over:
            exchange.take(await call.read_message_async())
        try:
            try:
                result = await handler.function(*serving.arguments())
            except HookRejected as error:
                result = serving.refusal(error)
            serving.answer(result)
        except Exception as error:
            if not _apologize(serving):
                raise
            _log_failure(handler, error)
        for message in collected:
            if not await call.write_message_async(message):
                return
        call.finish()
    except Exception as error:
        fail(call, handler, error)


def _apologize(serving: HttpServing | FileServing | None) -> bool:
    """Answers an HTTP request whose handler failed, if its answer has not begun; says whether it could."""
    if not isinstance(serving, HttpServing) or serving.writer.head_sent:
        return False
    try:
        serving.answer(_FAILED)
    except ConnectionError:
        return False
    return True


def _log_failure(handler: BoundHandler, error: BaseException) -> None:
    if isinstance(error, HookResultError):
        _log.error("%s", error)
    else:
        _log.error("%s failed", handler.label, exc_info=error)
