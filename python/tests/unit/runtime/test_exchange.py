"""Hooks with streams, with grpcio on the server's side: HTTP in both simple forms, files that are uploaded."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

HEAD = """
    import asyncio, time
    from mattermost_plugin import *
    from mattermost_plugin.http import HttpResponse
    from mattermost_plugin.models import *
    class MyPlugin(Plugin):
"""

TAIL = """
    run_plugin(MyPlugin)
"""


def program(body: str) -> str:
    lines = "".join(f"        {line}\n" for line in body.strip("\n").splitlines())
    return f"{HEAD}{lines}{TAIL}"


class Exchange:
    """The server's side of one exchange."""

    def __init__(self, host: Any, hook: str) -> None:
        self.host = host
        path = f"/mattermost.plugin.v1.PluginHooks/{hook}"
        self.request, _ = host.protocol.types(path)
        self.outgoing: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.call = host.stub(path)(iter(self.outgoing.get, None), timeout=10, metadata=host.metadata)

    def send(self, **part: Any) -> None:
        self.outgoing.put(self.request(**part))

    def done(self) -> None:
        self.outgoing.put(None)

    def parts(self) -> Iterator[tuple[str, Any]]:
        for message in self.call:
            name = message.WhichOneof("part")
            yield name, getattr(message, name)

    def response(self) -> tuple[int, dict[str, list[str]], bytes]:
        status, headers, body = 0, {}, b""
        for name, value in self.parts():
            if name == "head":
                status = value.status_code
                headers = {key: list(values.values) for key, values in value.header.items()}
            elif name == "body":
                body += value
        return status, headers, body


def ask(host: Any, *pieces: bytes, hook: str = "ServeHTTP", **head: Any) -> tuple[int, dict[str, list[str]], bytes]:
    """Makes a whole request and returns the whole answer."""
    exchange = Exchange(host, hook)
    request = {"method": "POST", "url": "/a/b?c=d", "header": {"X-One": {"values": ["1", "2"]}}, **head}
    start = {"context": {"session_id": "s1"}, "request": request, "response_header": {"X-Server": {"values": ["mm"]}}}
    exchange.send(start=start)
    for piece in pieces:
        exchange.send(body=piece)
    exchange.send(body_end={})
    exchange.done()
    return exchange.response()


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_a_handler_may_return_a_dict(host: Any, keyword: str) -> None:
    host.start(
        program(f"""
@hook(HookName.ServeHTTP)
{keyword} serve_http(self, context, request):
    text = f"{{request.method}} {{request.path}} {{request.query}} {{request.headers['x-one']}} {{request.body}} {{context.session_id}}"
    return {{"status_code": 201, "headers": {{"X-Two": ["a", "b"]}}, "body": text}}
""")
    )
    status, headers, body = ask(host, b"one ", b"two")
    assert status == 201
    assert headers == {
        "X-Server": ["mm"],
        "X-Two": ["a", "b"],
        "Content-Type": ["text/plain; charset=utf-8"],
        "Content-Length": ["38"],
    }
    assert body == b"POST /a/b {'c': ['d']} 1 b'one two' s1"
    assert host.stop()[0] == 0


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_a_handler_may_write(host: Any, keyword: str) -> None:
    host.start(
        program(f"""
@hook(HookName.ServeHTTP)
{keyword} serve_http(self, context, writer, request):
    writer.set_header("Content-Type", "text/csv")
    del writer.headers["X-Server"]
    writer.write_header(202)
    writer.write("a,b")
    writer.write(b"c,d")
""")
    )
    assert ask(host) == (202, {"Content-Type": ["text/csv"]}, b"a,bc,d")
    host.stop()


@pytest.mark.parametrize(
    ("result", "answer"),
    [
        ("HttpResponse(404, body={'a': 1})", (404, b'{"a": 1}')),
        ("HttpResponse(body=b'x' * 200000)", (200, b"x" * 200000)),
        ("{'body': b'plain'}", (200, b"plain")),
        ("{'status_code': 204, 'body': None}", (204, b"")),
        ("None", (200, b"")),
    ],
)
def test_other_answers(host: Any, result: str, answer: tuple[int, bytes]) -> None:
    host.start(program(f"@hook(HookName.ServeHTTP)\ndef serve_http(self, context, request):\n    return {result}\n"))
    status, _, body = ask(host)
    assert (status, body) == answer
    host.stop()


def test_metrics_are_served_the_same_way(host: Any) -> None:
    host.start(
        program(
            "@hook(HookName.ServeMetrics)\ndef metrics(self, context, request):\n    return HttpResponse(body='up 1')\n"
        )
    )
    assert ask(host, hook="ServeMetrics")[2] == b"up 1"
    host.stop()


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_a_failing_handler_is_an_answer_without_its_secrets(host: Any, keyword: str) -> None:
    host.start(
        program(
            f"@hook(HookName.ServeHTTP)\n{keyword} serve_http(self, context, request):\n    raise ValueError('secret')\n"
        )
    )
    status, _, body = ask(host)
    assert status == 500
    assert body == b"The plugin could not answer; its log says why.\n"
    assert "ValueError: secret" in host.log("MyPlugin.serve_http failed").traceback
    host.stop()


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_a_refusal_is_an_answer(host: Any, keyword: str) -> None:
    host.start(
        program(f"""
@hook(HookName.ServeHTTP)
{keyword} serve_http(self, context, request):
    raise HookRejected("Members only.")
@hook(HookName.FileWillBeUploaded)
{keyword} upload(self, context, info, file):
    raise HookRejected("No files.")
""")
    )
    status, _, body = ask(host)
    assert (status, body) == (403, b"Members only.\n")
    assert upload(host, b"x")[1].reason == "No files."
    host.stop()
    assert [record.message for record in host.records] == []


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("3", "MyPlugin.serve_http returned 3, but ServeHTTP takes: HttpResponse, a dict with status_code"),
        (
            "{'status': 200}",
            "MyPlugin.serve_http returned a dict with 'status'; known are 'status_code', 'headers' and 'body'",
        ),
        ("{'status_code': 'x'}", "MyPlugin.serve_http returned no valid answer: status_code='x' is no HTTP status"),
    ],
)
def test_a_wrong_answer_is_explained(host: Any, result: str, text: str) -> None:
    host.start(program(f"@hook(HookName.ServeHTTP)\ndef serve_http(self, context, request):\n    return {result}\n"))
    assert ask(host)[0] == 500
    host.log(text)
    host.stop()


def test_pieces_travel_while_the_handler_runs(host: Any) -> None:
    host.start(
        program("""
@hook(HookName.ServeHTTP)
def serve_http(self, context, writer, request):
    for piece in request.iter_body():
        writer.write(b"<" + piece + b">")
        writer.flush()
""")
    )
    exchange = Exchange(host, "ServeHTTP")
    exchange.send(start={"request": {"method": "POST", "url": "/"}})
    parts = exchange.parts()
    for number, piece in enumerate([b"one", b"two", b"three"]):
        exchange.send(body=piece)
        if number == 0:
            assert next(parts)[0] == "head"
        assert next(parts) == ("body", b"<" + piece + b">")
        assert next(parts)[0] == "flush"
        exchange.send(flushed={})
    exchange.send(body_end={})
    assert list(parts) == []
    exchange.done()
    host.stop()


def test_a_body_that_ends_early_is_the_clients_doing(host: Any) -> None:
    host.start(
        program("""
@hook(HookName.ServeHTTP)
def serve_http(self, context, request):
    try:
        return request.text()
    except ConnectionError as error:
        self.logger.info("early: %s", error)
        raise
""")
    )
    exchange = Exchange(host, "ServeHTTP")
    exchange.send(start={"request": {"method": "POST", "url": "/"}})
    exchange.send(body=b"half")
    exchange.send(body_end={"error": "unexpected EOF"})
    exchange.done()
    assert exchange.response()[::2] == (400, b'{"error": "the request ended early"}')
    host.log("early: unexpected EOF")
    host.stop()
    # Nobody's fault, so it is no failure.
    assert len(host.records) == 1


def test_writing_to_a_client_that_has_gone(host: Any) -> None:
    host.start(
        program("""
@hook(HookName.ServeHTTP)
def serve_http(self, context, writer, request):
    try:
        while True:
            writer.write(b"x" * 1000)
            time.sleep(0.01)
    except ConnectionError as error:
        self.logger.info("gone: %s", error)
""")
    )
    exchange = Exchange(host, "ServeHTTP")
    exchange.send(start={"request": {"method": "GET", "url": "/"}})
    exchange.send(body_end={})
    parts = exchange.parts()
    next(parts)
    next(parts)
    exchange.call.cancel()
    host.log("gone: the client has gone")
    exchange.done()
    host.stop()


def upload(host: Any, *pieces: bytes) -> tuple[bytes, Any]:
    """Uploads a file; returns what replaces it and the verdict."""
    exchange = Exchange(host, "FileWillBeUploaded")
    exchange.send(start={"context": {}, "info": {"name": "a.txt"}})
    for piece in pieces:
        exchange.send(content=piece)
    exchange.send(content_end={})
    exchange.done()
    replacement, result = b"", None
    for name, value in exchange.parts():
        if name == "replacement":
            replacement += value
        else:
            result = value
    return replacement, result


@pytest.mark.parametrize("keyword", ["def", "async def"])
def test_a_file_can_be_read_and_replaced(host: Any, keyword: str) -> None:
    host.start(
        program(f"""
@hook(HookName.FileWillBeUploaded)
{keyword} upload(self, context, info, file, output):
    content = file.read()
    if b"virus" in content:
        return Reject("No viruses, please.")
    output.write(content.upper())
    info.name = "b.txt"
    return Replace(info)
""")
    )
    replacement, result = upload(host, b"one ", b"two")
    field = result.DESCRIPTOR.fields[0].name
    assert replacement == b"ONE TWO"
    assert (getattr(result, field).name, result.reason) == ("b.txt", "")
    replacement, result = upload(host, b"vir", b"us")
    assert (replacement, result.HasField(field), result.reason) == (b"", False, "No viruses, please.")
    host.stop()


def test_a_file_can_be_looked_at_only(host: Any) -> None:
    host.start(
        program("""
@hook(HookName.FileWillBeUploaded)
def upload(self, context, info, file):
    self.logger.info("lines: %s", [line for line in file])
""")
    )
    replacement, result = upload(host, b"one\ntw", b"o\n")
    assert (replacement, result.reason) == (b"", "")
    host.log("lines: [b'one\\n', b'two\\n']")
    host.stop()


def test_a_piece_of_nothing_is_not_the_end(host: Any) -> None:
    host.start(
        program("""
@hook(HookName.ServeHTTP)
def serve_http(self, context, writer, request):
    for piece in request.iter_body():
        writer.write(b"<" + piece + b">")
@hook(HookName.ServeMetrics)
async def metrics(self, context, writer, request):
    async for piece in request.stream():
        writer.write(b"<" + piece + b">")
@hook(HookName.FileWillBeUploaded)
def upload(self, context, info, file, output):
    while piece := file.read(3):
        output.write(b"<" + piece + b">")
""")
    )
    pieces = (b"", b"one", b"", b"", b"two", b"")
    for hook in ("ServeHTTP", "ServeMetrics"):
        assert ask(host, *pieces, hook=hook)[2] == b"<one><two>"
    assert upload(host, *pieces)[0] == b"<one><two>"
    host.stop()


def test_a_failing_upload_handler_fails_the_call(host: Any) -> None:
    host.start(
        program(
            "@hook(HookName.FileWillBeUploaded)\ndef upload(self, context, info, file):\n    raise ValueError('x')\n"
        )
    )
    with pytest.raises(grpc.RpcError) as caught:
        upload(host, b"x")
    assert caught.value.details() == "ValueError: x"
    host.stop()
