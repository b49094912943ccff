"""API calls with streams: ``upload_data``, ``install_plugin`` and ``plugin_http``, in pieces, so that size is no matter of memory."""

from __future__ import annotations

from typing import Any

from mattermost_plugin import _native
from mattermost_plugin._runtime import failures, parts
from mattermost_plugin._runtime.codec import call_fields
from mattermost_plugin._runtime.pool import waiting
from mattermost_plugin.http import HttpRequest, HttpResponse

__all__ = ["http_call", "upload"]

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
        content: Bytes, or a file opened in binary mode.
        timeout: Seconds for all of it.

    Raises:
        PluginAPIError: The call failed.
        TypeError: `content` is neither bytes nor a binary file.
    """
    requests = parts.Parts(path[1])
    stream = client.stream(*path, timeout=timeout)
    try:
        with waiting():
            names = [field[1] for field in parts.fields_of(requests.message_of("start"))]
            start = parts.build(requests.message_of("start"), **dict(zip(names, args, strict=True)))
            going = stream.write(requests.pack("start", start))
            for piece in parts.pieces_of(content):
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
    return _unwrapped(answer, path[2])


def http_call(
    client: _native.Client, path: Method, method: str, request: HttpRequest, timeout: float | None
) -> HttpResponse:
    """Sends an HTTP request and reads the whole response.

    Raises:
        PluginAPIError: The call failed.
        ConnectionError: The response ended early.
    """
    requests, responses = parts.Parts(path[1]), parts.Parts(path[2])
    stream = client.stream(*path, timeout=timeout)
    try:
        with waiting():
            going = stream.write(requests.pack("head", _head(requests, request)))
            for piece in parts.pieces_of(request.body):
                going = going and stream.write(requests.pack("body", piece))
            if going:
                end = parts.build(requests.message_of("body_end"), trailers={}, error="")
                stream.write(requests.pack("body_end", end))
            stream.done_writing()
            return _response(stream, responses)
    except _native.RpcError as error:
        raise failures.from_rpc(error, method) from None
    except BaseException:
        stream.cancel()
        raise


def _head(requests: parts.Parts, request: HttpRequest) -> object:
    major, _, minor = request.proto.rpartition("/")[2].partition(".")
    return parts.build(
        requests.message_of("head"),
        method=request.method,
        url=request.url,
        proto=request.proto,
        proto_major=int(major) if major.isdecimal() else 1,
        proto_minor=int(minor) if minor.isdecimal() else 0,
        header=request.headers.to_dict(),
        host=request.host,
        remote_addr=request.remote_addr,
        request_uri=request.request_uri or request.url,
    )


def _response(stream: _native.ClientStream, responses: parts.Parts) -> HttpResponse:
    head: dict[str, Any] = {"status_code": 200, "header": {}}
    body: list[bytes] = []
    while (values := stream.read()) is not None:
        name, value = responses.which(values)
        if name == "head":
            head = parts.unpack(responses.message_of("head"), value)
        elif name == "body":
            body.append(value)
        elif name == "body_end":
            error = parts.unpack(responses.message_of("body_end"), value)["error"]
            if error:
                raise ConnectionError(f"the other plugin's answer ended early: {error}")
    return HttpResponse(head["status_code"], head["header"], b"".join(body))


def _unwrapped(answer: tuple[Any, ...] | None, response: str) -> Any:
    """Returns an answer as `Client.call` would: nothing, one value, or a tuple."""
    if answer is None:
        raise ConnectionError("the call ended without an answer")
    count = len(call_fields(response))
    if count == 0:
        return None
    return answer[0] if count == 1 else answer
