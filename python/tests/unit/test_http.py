"""Requests, responses, headers and the writer, without a server."""

from __future__ import annotations

import pytest

from mattermost_plugin.http import Headers, HttpRequest, HttpResponse, ResponseWriter


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


def test_a_body_is_read_once() -> None:
    pieces = [b"one ", b"two", None]
    request = HttpRequest()
    request._body = None
    request._next_piece = lambda: pieces.pop(0)
    assert request.body == b"one two"
    assert request.body == b"one two"
    assert list(request.iter_body()) == [b"one two"]


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
    with pytest.raises(TypeError, match="body is a float; it must be bytes, str, or a dict or list"):
        HttpResponse(200, {}, 1.5)  # type: ignore[arg-type]


def test_a_response_reads_back() -> None:
    response = HttpResponse(404, {}, '{"a": 1}')
    assert not response.ok
    assert response.json() == {"a": 1}
    assert response.text() == '{"a": 1}'
    assert repr(response) == "HttpResponse(404, 8 bytes)"


def test_a_writer_sends_the_head_before_the_first_piece() -> None:
    sent: list[object] = []
    writer = ResponseWriter(lambda status, headers: sent.append((status, headers.to_dict())), sent.append, lambda: None)
    writer.set_header("X-A", "1")
    writer.add_header("X-A", "2")
    writer.write_header(201)
    writer.write_header(500)
    assert writer.write("né") == 3
    assert writer.write(b"") == 0
    assert sent == [(201, {"X-A": ["1", "2"]}), "né".encode()]
    assert writer.head_sent
    with pytest.raises(ValueError, match="is no HTTP status"):
        ResponseWriter(lambda *_: None, lambda _: None, lambda: None).write_header(42)
