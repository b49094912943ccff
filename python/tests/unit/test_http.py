"""Requests, responses, headers and the writer, without a server."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Mapping
from typing import Any

import pytest

from mattermost_plugin._http.body import PieceReader
from mattermost_plugin._http.events import encode
from mattermost_plugin.http import (
    Headers,
    HttpError,
    HttpRequest,
    HttpResponse,
    ResponseWriter,
    ServerSentEvent,
    WebhookSignature,
)


def test_header_names_are_compared_without_case() -> None:
    headers = Headers({"content-type": "text/plain", "Set-Cookie": ["a=1", "b=2"]})
    assert headers["CONTENT-TYPE"] == "text/plain"
    assert headers["set-cookie"] == "a=1"
    assert headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert "accept" not in headers
    assert headers.to_dict() == {"Content-Type": ["text/plain"], "Set-Cookie": ["a=1", "b=2"]}


def test_headers_can_be_changed() -> None:
    headers = Headers()
    headers.add("x-a", "1")
    headers.add("X-A", "2")
    headers["X-B"] = "3"
    assert headers.to_dict() == {"X-A": ["1", "2"], "X-B": ["3"]}
    headers["x-a"] = "4"
    del headers["x-b"]
    assert headers.to_dict() == {"X-A": ["4"]}
    assert len(headers) == 1
    assert list(headers) == ["X-A"]


def test_header_values_stay_out_of_logs() -> None:
    assert repr(Headers({"Authorization": "Bearer x"})) == "Headers(Authorization)"


def test_a_request_takes_its_url_apart() -> None:
    request = HttpRequest("POST", "/a/b?x=1&x=2&y=", headers={"Mattermost-User-Id": "u1"}, body='{"k": 1}')
    assert request.path == "/a/b"
    assert request.query == {"x": ["1", "2"], "y": [""]}
    assert request.user_id == "u1"
    assert request.json() == {"k": 1}
    assert request.text() == '{"k": 1}'
    assert request.get_header("mattermost-user-id") == "u1"
    assert request.get_header("nope", "-") == "-"
    assert request.get_all_headers("nope") == []
    assert repr(request) == "HttpRequest('POST', '/a/b')"
    assert HttpRequest().user_id == ""


def test_a_field_without_values_is_not_there() -> None:
    # Go's servers have such ones.
    headers = Headers({"Date": [], "X-A": "1"})
    assert "Date" not in headers
    assert (headers.get("date"), headers.get_all("Date"), list(headers)) == (None, [], ["X-A"])
    with pytest.raises(KeyError):
        _ = headers["Date"]
    assert HttpRequest(headers={"Cookie": []}).get_header("Cookie", "none") == "none"
    assert HttpResponse(headers={"Content-Type": []}, body={}).headers["Content-Type"] == "application/json"


def test_an_empty_piece_is_not_the_end() -> None:
    reader = io.BufferedReader(PieceReader(Pieces(b"", b"one ", b"", b"two").next_piece), 3)
    assert reader.read() == b"one two"


class Pieces:
    """A body that arrives in pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    def next_piece(self) -> bytes | None:
        return self.pieces.pop(0) if self.pieces else None

    async def next_piece_async(self) -> bytes | None:
        return self.next_piece()


def arriving(*pieces: bytes, on_loop: bool = False) -> HttpRequest:
    request = HttpRequest()
    request._arrives(Pieces(*pieces), on_loop=on_loop)
    return request


def test_a_body_is_kept_when_it_is_read_whole() -> None:
    request = arriving(b"one ", b"two")
    assert request.body == b"one two"
    assert request.body == b"one two"
    assert list(request.iter_body()) == [b"one two"]


def test_a_body_is_read_once_in_pieces() -> None:
    request = arriving(b"one ", b"two")
    assert list(request.iter_body()) == [b"one ", b"two"]
    with pytest.raises(RuntimeError, match="the body was read before, piece by piece"):
        _ = request.body


def test_the_event_loop_never_waits_for_a_body() -> None:
    request = arriving(b"one ", b"two", on_loop=True)
    with pytest.raises(RuntimeError, match=r"use `await ….read\(\)`"):
        _ = request.body
    with pytest.raises(RuntimeError, match=r"in an `async def` handler read with"):
        list(request.iter_body())
    assert asyncio.run(request.read()) == b"one two"
    assert request.text() == "one two"


@pytest.mark.parametrize(
    ("body", "data", "content_type"),
    [
        (b"\x00", b"\x00", None),
        ("é", "é".encode(), "text/plain; charset=utf-8"),
        ({"a": 1}, b'{"a": 1}', "application/json"),
        ([1], b"[1]", "application/json"),
    ],
)
def test_a_body_may_be_bytes_text_or_json(body: object, data: bytes, content_type: str | None) -> None:
    response = HttpResponse(200, {}, body)  # type: ignore[arg-type]
    assert response.body == data
    assert response.headers.get("Content-Type") == content_type


def test_a_content_type_that_was_given_stays() -> None:
    assert HttpResponse(200, {"content-type": "text/html"}, "<b>").headers["Content-Type"] == "text/html"


def test_wrong_responses_are_refused() -> None:
    with pytest.raises(ValueError, match="status_code=9 is no HTTP status"):
        HttpResponse(9)
    with pytest.raises(TypeError, match="body is a float; it must be bytes, str, a dict or list"):
        HttpResponse(200, {}, 1.5)  # type: ignore[arg-type]


def test_a_response_reads_back() -> None:
    response = HttpResponse(404, {}, '{"a": 1}')
    assert not response.ok
    assert response.json() == {"a": 1}
    assert response.text() == '{"a": 1}'
    assert repr(response) == "HttpResponse(404, 8 bytes)"


class Sink:
    """Where a writer sends."""

    def __init__(self) -> None:
        self.sent: list[object] = []

    def send_head(self, status_code: int, fields: Mapping[str, list[str]], *, more: bool = False) -> None:
        self.sent.append((status_code, dict(fields)))

    def send_body(self, piece: bytes) -> None:
        self.sent.append(piece)

    def send_flush(self) -> None:
        self.sent.append("flush")

    def send_trailers(self, fields: Mapping[str, list[str]]) -> None:
        self.sent.append(("trailers", dict(fields)))

    async def drained(self) -> None:
        self.sent.append("drained")


def writer(method: str = "GET", **headers: str) -> tuple[ResponseWriter, list[object]]:
    sink = Sink()
    made = ResponseWriter(sink, method, {name.replace("_", "-"): value for name, value in headers.items()})
    return made, sink.sent


def test_a_writer_sends_the_head_before_the_first_piece() -> None:
    made, sent = writer()
    made.set_header("X-A", "1")
    made.add_header("X-A", "2")
    made.write_header(201)
    assert made.write("né") == 3
    assert made.write(b"") == 0
    made.flush()
    made.end({"X-Sum": "7"})
    made.end()
    assert sent == [(201, {"X-A": ["1", "2"]}), "né".encode(), "flush", ("trailers", {"X-Sum": ["7"]})]
    assert made.head_sent


def test_a_writer_without_anything_to_say_sends_a_head() -> None:
    made, sent = writer()
    made.end()
    assert sent == [(200, {})]


def test_early_hints_come_before_the_head() -> None:
    made, sent = writer(Link="</style.css>")
    made.write_header(103)
    made.write("x")
    assert sent == [(103, {"Link": ["</style.css>"]}), (200, {"Link": ["</style.css>"]}), b"x"]


@pytest.mark.parametrize("status", [42, 99, 1000, 101, "200"])
def test_what_is_no_status_is_refused(status: Any) -> None:
    made, sent = writer()
    with pytest.raises(ValueError, match=r"is no HTTP status|status 101 is for another protocol"):
        made.write_header(status)
    assert sent == []


@pytest.mark.parametrize("status", [100, 103, 999])
def test_the_ends_of_the_range_are_statuses(status: int) -> None:
    made, sent = writer()
    made.write_header(status)
    assert sent == [(status, {})]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "1\r\nSet-Cookie: a=b"),
        ("X-A", "1\nX-B: 2"),
        ("X-A", "\0"),
        ("X-A", "\x7f"),
        ("X-A", "\ud800"),
        ("X A", "1"),
        ("X-A:", "1"),
        ("X-A\r\nX-B", "1"),
        ("", "1"),
        ("Xé", "1"),
    ],
)
def test_header_fields_cannot_smuggle_others(name: str, value: str) -> None:
    made, sent = writer()
    made.headers[name] = value
    with pytest.raises(ValueError, match=r"is no name of a header field|which no header field may hold"):
        made.write("x")
    assert sent == []


def test_what_the_server_has_set_is_its_own_affair() -> None:
    """Not even such fields keep a plugin from answering; what it sets itself is judged among them too."""
    given = {"Key 1 é": ["a\nb"], "X-A": ["a\x00"], "Set-Cookie": ["a=1"]}
    sink = Sink()
    made = ResponseWriter(sink, "GET", given)
    made.add_header("Set-Cookie", "b=2")
    made.write_header(103)
    made.end()
    fields = {**given, "Set-Cookie": ["a=1", "b=2"]}
    assert sink.sent == [(103, fields), (200, fields)]


@pytest.mark.parametrize(
    ("name", "value"), [("X-A", "b\nX-C: d"), ("x-a", "b\n"), ("Key 2", "1"), ("Key 1 é", "a\x00b")]
)
def test_a_field_that_the_server_had_set_is_no_way_around(name: str, value: str) -> None:
    given = {"Key 1 é": ["a\nb"], "X-A": ["a\x00"]}
    for change in (ResponseWriter.add_header, ResponseWriter.set_header):
        sink = Sink()
        made = ResponseWriter(sink, "GET", given)
        change(made, name, value)
        with pytest.raises(ValueError, match=r"is no name of a header field|which no header field may hold"):
            made.end()
        assert sink.sent == []


def test_what_is_no_name_is_not_spelled_anew() -> None:
    assert Headers({"key 1": "a", "x-ké": "b"}).to_dict() == {"key 1": ["a"], "x-ké": ["b"]}


def test_tabs_and_other_languages_are_allowed_in_header_fields() -> None:
    made, sent = writer(X_A="a\tb é 日本")
    made.write_header(200)
    assert sent == [(200, {"X-A": ["a\tb é 日本"]})]


def test_a_second_head_is_refused() -> None:
    made, sent = writer()
    made.write_header(201)
    with pytest.raises(RuntimeError, match="status 201 and headers were sent before; 500 comes too late"):
        made.write_header(500)
    assert sent == [(201, {})]


def test_nothing_is_written_after_the_end() -> None:
    made, _ = writer()
    made.end()
    with pytest.raises(RuntimeError, match="the response has ended"):
        made.write("x")
    with pytest.raises(RuntimeError, match="the response has ended"):
        made.flush()


def test_the_declared_length_is_kept() -> None:
    made, sent = writer(Content_Length="3")
    made.write("ab")
    with pytest.raises(ValueError, match="Content-Length says 3 bytes, but 4 are being written"):
        made.write("cd")
    with pytest.raises(ValueError, match="Content-Length says 3 bytes, but 2 were written"):
        made.end()
    made.write("c")
    made.end()
    assert sent[1:] == [b"ab", b"c"]
    made, _ = writer(Content_Length="+3")
    with pytest.raises(ValueError, match="is no number"):
        made.write("abc")


def test_an_answer_to_head_has_no_body() -> None:
    made, sent = writer("HEAD", Content_Length="3")
    assert made.write("abc") == 3
    made.end()
    assert sent == [(200, {"Content-Length": ["3"]})]


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body(status: int) -> None:
    made, _ = writer()
    made.write_header(status)
    with pytest.raises(ValueError, match=f"status {status} has no body"):
        made.write("x")
    made.end()


def test_large_pieces_are_cut() -> None:
    made, sent = writer()
    made.write(b"x" * 150_000)
    assert [len(piece) for piece in sent[1:] if isinstance(piece, bytes)] == [65536, 65536, 18928]


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ("hello", "data: hello\n\n"),
        ("one\ntwo\r\nthree", "data: one\ndata: two\ndata: three\n\n"),
        ({"a": 1}, 'data: {"a": 1}\n\n'),
        (None, "data: null\n\n"),
        (
            ServerSentEvent([1], event="tick", id="7", retry=500),
            "event: tick\nid: 7\nretry: 500\ndata: [1]\n\n",
        ),
    ],
)
def test_events(event: object, text: str) -> None:
    assert encode(event) == text.encode()


def test_what_is_no_event_is_refused() -> None:
    with pytest.raises(TypeError, match="a generator yields events"):
        encode(b"x")
    with pytest.raises(ValueError, match="event of an event is one line"):
        ServerSentEvent("x", event="a\ndata: b")


def test_a_signature_is_known_from_its_scheme() -> None:
    # The example of GitHub's documentation.
    secret, body = "It's a Secret to Everybody", b"Hello, World!"
    signed = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert WebhookSignature().header == "X-Hub-Signature-256"
    assert WebhookSignature().sign(body, secret) == signed
    assert WebhookSignature().matches(HttpRequest(headers={"X-Hub-Signature-256": signed}, body=body), secret)
    assert not WebhookSignature().matches(
        HttpRequest(headers={"X-Hub-Signature-256": signed}, body=body + b"!"), secret
    )
    assert not WebhookSignature().matches(HttpRequest(headers={"X-Hub-Signature-256": signed}, body=body), "")
    with pytest.raises(HttpError, match="401: the signature is missing or wrong"):
        WebhookSignature().check(HttpRequest(body=body), secret)


def test_a_signature_with_a_time_cannot_be_used_again_later() -> None:
    scheme = WebhookSignature("X-Sig", prefix="", encoding="base64", timestamp="X-Time", max_age=60)
    for age, fits in [(0, True), (50, True), (70, False), (-70, False)]:
        sent = str(int(time.time()) - age)
        request = HttpRequest(headers={"X-Sig": scheme.sign(b"x", "s", sent), "X-Time": sent}, body=b"x")
        assert scheme.matches(request, "s") is fits
    assert not scheme.matches(HttpRequest(headers={"X-Sig": "x", "X-Time": "soon"}), "s")
    with pytest.raises(ValueError, match="encoding='hexa'"):
        WebhookSignature(encoding="hexa")


def test_an_error_is_an_answer() -> None:
    response = HttpError(405, headers={"Allow": "GET"}).response()
    assert (response.status_code, response.json()) == (405, {"error": "Method Not Allowed"})
    assert response.headers["Allow"] == "GET"
