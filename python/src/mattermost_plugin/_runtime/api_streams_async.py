"""The same as `api_streams`, for the event loop."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mattermost_plugin import _native
from mattermost_plugin._http.messages import HttpResponse
from mattermost_plugin._runtime import failures, parts
from mattermost_plugin._runtime.api_streams import Method, body_of, check_end, head_of, start_of, unwrapped

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from mattermost_plugin._http.messages import HttpRequest

__all__ = ["open_http", "upload"]


async def upload(
    client: _native.Client, path: Method, method: str, args: tuple[object, ...], content: object, timeout: float | None
) -> Any:
    """Sends the arguments, then the content piece by piece; see `api_streams.upload`. Cancelling the task ends the call.

    Args:
        client: The connection.
        path: The method.
        method: Its name in Python, for errors.
        args: The arguments without the content.
        content: Bytes, a file opened in binary mode (read on a thread, since files block), or an iterator of bytes, async or not.
        timeout: Seconds for all of it.
    """
    pieces = _pieces_of(content)
    requests = parts.parts_of(path[1])
    stream = client.stream(*path, timeout=timeout)
    try:
        going = await stream.write_async(start_of(requests, args))
        async for piece in pieces:
            if not going:
                break
            going = await stream.write_async(requests.pack("content", piece))
        stream.done_writing()
        answer = await stream.read_async()
    except _native.RpcError as error:
        raise failures.from_rpc(error, method) from None
    except BaseException:
        stream.cancel()
        raise
    finally:
        await pieces.aclose()
    return unwrapped(answer, path[2])


class HttpCall:
    """An HTTP call under way; see `api_streams.HttpCall`."""

    def __init__(self, stream: _native.ClientStream, path: Method, method: str) -> None:
        self._stream = stream
        self._requests, self._responses = parts.parts_of(path[1]), parts.parts_of(path[2])
        self._method = method
        self._sending: asyncio.Task[None] | None = None

    def send(self, request: HttpRequest) -> None:
        """Begins to send the request."""
        head = self._requests.pack("head", head_of(self._requests, request))
        self._sending = asyncio.get_running_loop().create_task(self._send(head, body_of(request)))

    async def response(self) -> HttpResponse:
        """Waits for status and header; the body is still to come."""
        head: dict[str, Any] = {"status_code": 0}
        while head["status_code"] < 200:
            values = await self._read()
            name, value = ("", None) if values is None else self._responses.which(values)
            if name != "head":
                raise ConnectionError("the other plugin gave no answer")
            head = parts.unpack(self._responses.message_of("head"), value)
        return HttpResponse._arriving(head["status_code"], head["header"], self, on_loop=True)

    def next_piece(self) -> bytes | None:
        """Never called: such a response is read on the loop."""
        raise RuntimeError("use `await response.read()` or `async for piece in response.stream()`")

    async def next_piece_async(self) -> bytes | None:
        """Waits for the next piece of the response's body; ``None`` after the last.

        Raises:
            ConnectionError: It ended early.
        """
        while (values := await self._read()) is not None:
            name, value = self._responses.which(values)
            if name == "body":
                return bytes(value)
            if name == "body_end":
                check_end(parts.unpack(self._responses.message_of("body_end"), value))
                return None
        return None

    async def close(self) -> None:
        """Ends the call; what has not been read is not wanted."""
        self._stream.cancel()
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])

    async def _send(self, head: tuple[object, ...], body: Any) -> None:
        pieces = _pieces_of(body)
        try:
            going = await self._stream.write_async(head)
            async for piece in pieces:
                if not going:
                    return
                going = await self._stream.write_async(self._requests.pack("body", piece))
            end = parts.build(self._requests.message_of("body_end"), trailers={}, error="")
            await self._stream.write_async(self._requests.pack("body_end", end))
            self._stream.done_writing()
        except BaseException:
            self._stream.cancel()
            raise
        finally:
            await pieces.aclose()

    async def _read(self) -> tuple[Any, ...] | None:
        try:
            return await self._stream.read_async()
        except _native.RpcError as error:
            sending = self._sending
            if sending is not None and sending.done() and not sending.cancelled() and sending.exception() is not None:
                # What reading the body raised is why the call was ended.
                sending.result()
            raise failures.from_rpc(error, self._method) from None


@asynccontextmanager
async def open_http(
    client: _native.Client, path: Method, method: str, request: HttpRequest, timeout: float | None
) -> AsyncIterator[HttpResponse]:
    """Sends an HTTP request; gives the response as soon as status and header are there; see `api_streams.open_http`."""
    call = HttpCall(client.stream(*path, timeout=timeout), path, method)
    try:
        call.send(request)
        yield await call.response()
    finally:
        await call.close()


async def _pieces_of(content: Any) -> AsyncGenerator[bytes, None]:
    """Yields content in pieces that fit a message."""
    if hasattr(content, "__aiter__"):
        async for piece in content:
            for part in parts.pieces_of(piece):
                yield part
    elif hasattr(content, "read"):
        while piece := await asyncio.to_thread(content.read, parts.PIECE):
            parts.check_binary(piece)
            for part in parts.pieces_of(piece):
                yield part
    else:
        for part in parts.pieces_of(content):
            yield part
