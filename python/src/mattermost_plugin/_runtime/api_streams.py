"""API calls with streams: ``upload_data``, ``install_plugin`` and ``plugin_http``, in pieces, so that size is no matter of memory."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mattermost_plugin import _native
from mattermost_plugin._http.messages import HttpResponse
from mattermost_plugin._runtime import failures, parts
from mattermost_plugin._runtime.codec import call_fields
from mattermost_plugin._runtime.pool import waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mattermost_plugin._http.messages import HttpRequest

__all__ = ["HttpCall", "Method", "body_of", "check_end", "head_of", "open_http", "start_of", "unwrapped", "upload"]

#: Path, request and response of a method, as in the generated table.
Method = tuple[str, str, str]


def upload(
    client: _native.Client, path: Method, method: str, args: tuple[object, ...], content: object, timeout: float | None
) -> Any:
    """Sends the arguments, then the content piece by piece; returns what the server answers.

    Args:
        client: The connection.
        path: The method.
        method: Its name in Python, for errors.
        args: The arguments without the content.
        content: Bytes, a file opened in binary mode, or an iterator of bytes.
        timeout: Seconds for all of it.

    Raises:
        PluginAPIError: The call failed.
        TypeError: `content` is nothing of the kind.
        Exception: What reading the content raised; the server stores nothing then.
    """
    pieces = parts.pieces_of(content)
    requests = parts.parts_of(path[1])
    stream = client.stream(*path, timeout=timeout)
    try:
        with waiting():
            going = stream.write(start_of(requests, args))
            for piece in pieces:
                if not going:
                    break
                going = stream.write(requests.pack("content", piece))
            stream.done_writing()
            answer = stream.read()
    except _native.RpcError as error:
        raise failures.from_rpc(error, method) from None
    except BaseException:
        stream.cancel()
        raise
    return unwrapped(answer, path[2])


class HttpCall:
    """An HTTP call under way.

    Sends the request's body on a thread of its own when it is more than a piece, so that the other side may answer before it has read
    everything; gives the response's body as it arrives.

    Args:
        stream: The call.
        path: The method.
        method: Its name in Python, for errors.
    """

    def __init__(self, stream: _native.ClientStream, path: Method, method: str) -> None:
        self._stream = stream
        self._requests, self._responses = parts.parts_of(path[1]), parts.parts_of(path[2])
        self._method = method
        self._failure: BaseException | None = None

    def send(self, request: HttpRequest) -> None:
        """Begins to send the request."""
        body = body_of(request)
        self._stream.write(self._requests.pack("head", head_of(self._requests, request)))
        if isinstance(body, bytes) and len(body) <= parts.PIECE:
            self._send_body(body)
        else:
            threading.Thread(target=self._send_body, args=(body,), name="mattermost-upload", daemon=True).start()

    def response(self) -> HttpResponse:
        """Waits for status and header; the body is still to come."""
        head: dict[str, Any] = {"status_code": 0}
        # Informational ones come before.
        while head["status_code"] < 200:
            values = self._read()
            name, value = ("", None) if values is None else self._responses.which(values)
            if name != "head":
                raise ConnectionError("the other plugin gave no answer")
            head = parts.unpack(self._responses.message_of("head"), value)
        return HttpResponse._arriving(head["status_code"], head["header"], self, on_loop=False)

    def next_piece(self) -> bytes | None:
        """Waits for the next piece of the response's body; ``None`` after the last.

        Raises:
            ConnectionError: It ended early.
        """
        while (values := self._read()) is not None:
            name, value = self._responses.which(values)
            if name == "body":
                return bytes(value)
            if name == "body_end":
                check_end(parts.unpack(self._responses.message_of("body_end"), value))
                return None
        return None

    async def next_piece_async(self) -> bytes | None:
        """The same, on a thread."""
        from asyncio import to_thread

        return await to_thread(self.next_piece)

    def close(self) -> None:
        """Ends the call; what has not been read is not wanted."""
        self._stream.cancel()

    def _send_body(self, body: Any) -> None:
        try:
            for piece in parts.pieces_of(body):
                if not self._stream.write(self._requests.pack("body", piece)):
                    return
            end = parts.build(self._requests.message_of("body_end"), trailers={}, error="")
            self._stream.write(self._requests.pack("body_end", end))
            self._stream.done_writing()
        except BaseException as error:
            # Told to the thread that waits for the response.
            self._failure = error
            self._stream.cancel()

    def _read(self) -> tuple[Any, ...] | None:
        try:
            with waiting():
                return self._stream.read()
        except _native.RpcError as error:
            if self._failure is not None:
                raise self._failure from None
            raise failures.from_rpc(error, self._method) from None


@contextmanager
def open_http(
    client: _native.Client, path: Method, method: str, request: HttpRequest, timeout: float | None
) -> Iterator[HttpResponse]:
    """Sends an HTTP request; gives the response as soon as status and header are there.

    Raises:
        PluginAPIError: The call failed.
        ConnectionError: There was no answer, or it ended early.
    """
    call = HttpCall(client.stream(*path, timeout=timeout), path, method)
    try:
        call.send(request)
        yield call.response()
    finally:
        call.close()


def start_of(requests: parts.Parts, args: tuple[object, ...]) -> tuple[object, ...]:
    """Returns the message that an upload begins with."""
    message = requests.message_of("start")
    names = [field[1] for field in parts.fields_of(message)]
    return requests.pack("start", parts.build(message, **dict(zip(names, args, strict=True))))


def body_of(request: HttpRequest) -> Any:
    """Returns the body to send: bytes, or what gives pieces of it."""
    return request._content if request._content is not None else request.body


def head_of(requests: parts.Parts, request: HttpRequest) -> object:
    """Returns the part that an HTTP request begins with.

    Raises:
        ValueError: A header field cannot be sent.
    """
    from mattermost_plugin._http.headers import check_fields

    fields = request.headers.to_dict()
    check_fields(fields)
    major, _, minor = request.proto.rpartition("/")[2].partition(".")
    return parts.build(
        requests.message_of("head"),
        method=request.method,
        url=request.url,
        proto=request.proto,
        proto_major=int(major) if major.isdecimal() else 1,
        proto_minor=int(minor) if minor.isdecimal() else 0,
        header=fields,
        host=request.host,
        remote_addr=request.remote_addr,
        request_uri=request.request_uri or request.url,
    )


def check_end(end: dict[str, Any]) -> None:
    """Raises `ConnectionError` when a response's body ended early."""
    if end["error"]:
        raise ConnectionError(f"the other plugin's answer ended early: {end['error']}")


def unwrapped(answer: tuple[Any, ...] | None, response: str) -> Any:
    """Returns an answer as `Client.call` would: nothing, one value, or a tuple."""
    if answer is None:
        raise ConnectionError("the call ended without an answer")
    count = len(call_fields(response))
    if count == 0:
        return None
    return answer[0] if count == 1 else answer
