"""Requests of real clients, through Go's net/http and go-plugin, to a plugin in Python; on a new server and on one of 9.8."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import random
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from minimost import Minimost, running
from web_client import PATIENCE, Web, wait_until
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

#: What a server of 9.8 does not have.
LACKING = ("Flush", "PluginHTTPStream", "HTTPRequestSubset")


@dataclass(frozen=True)
class Site:
    """A server with the plugin `streams`.

    Attributes:
        server: The server.
        web: The plugin's requests.
        metrics: Those of its metrics.
        old: Whether it is like 9.8.
    """

    server: Minimost
    web: Web
    metrics: Web
    old: bool

    def seen(self) -> list[str]:
        """What happened in the plugin."""
        seen: list[str] = json.loads(self.web.ask("GET", "/seen").body)["seen"]
        return seen

    def made(self) -> int:
        """How many pieces of downloads the plugin has made."""
        return int(json.loads(self.web.ask("GET", "/seen").body)["made"])


def start(server: Minimost, *, old: bool) -> Site:
    """Starts the plugin and opens its addresses."""
    if old:
        for name in LACKING:
            server.do("forget", method=name)
    server.start()
    server.activate()
    web, metrics = (server.do("listen", hook={"name": name}) for name in ("ServeHTTP", "ServeMetrics"))
    return Site(server, Web(web), Web(metrics), old)


@pytest.fixture(scope="module", params=["new", "old"])
def site(request: pytest.FixtureRequest, minimost: Path, streams_folder: Path) -> Iterator[Site]:
    """A server of each kind."""
    old = request.param == "old"
    program = Path(os.environ["MINIMOST_9_8"]) if old else minimost
    with running(program, streams_folder) as server:
        yield start(server, old=old)


@pytest.fixture
def mortal(minimost: Path, streams_folder: Path) -> Iterator[Site]:
    """A server whose plugin may die."""
    with running(minimost, streams_folder) as server:
        yield start(server, old=False)


# What goes as it should.


def test_a_small_answer(site: Site) -> None:
    answer = site.web.ask("GET", "/hello")
    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.header["Content-Length"] == "5"
    assert answer.header["X-Served-By"] == "minimost", "what the server has set stays"


def test_a_path_that_is_not_there(site: Site) -> None:
    assert site.web.ask("GET", "/nothing").status == 404
    assert site.web.ask("DELETE", "/hello").status == 405
    head = site.web.ask("HEAD", "/hello")
    assert (head.status, head.body, head.header["Content-Length"]) == (200, b"", "5")


def test_a_body_goes_there_and_back(site: Site) -> None:
    content = os.urandom(3_000_000)
    assert site.web.ask("POST", "/echo", content).body == content
    digest = hashlib.sha256(content).hexdigest()
    assert site.web.ask("POST", "/digest", content).text == digest
    chunks = [content[at : at + 10_000] for at in range(0, 3_000_000, 10_000)]
    assert site.web.ask("POST", "/digest", iter(chunks)).text == digest
    assert site.web.ask("POST", "/echo", iter(chunks)).body == content, (
        "nothing is lost after the beginning of the answer"
    )
    assert site.web.ask("POST", "/digest", b"").text == hashlib.sha256().hexdigest()


def received_until(connection: socket.socket, expected: bytes) -> bytes:
    """Everything up to this; or to the end."""
    received = b""
    while expected not in received and (piece := connection.recv(65536)):
        received += piece
    return received


@pytest.mark.parametrize("length", ["Content-Length: 100000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n3e8\r\n"])
@pytest.mark.parametrize(("path", "status"), [("/unread", b"200 OK"), ("/fail_unread", b"500 Internal Server Error")])
def test_an_answer_before_the_body_was_read(site: Site, length: str, path: str, status: bytes) -> None:
    """The client sends nothing more before it has the answer, which is the last of the connection."""
    with site.web.connect(f"POST {path} HTTP/1.1\r\nHost: test\r\n{length}".encode() + b"x" * 1000) as connection:
        received = received_until(connection, b"\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 " + status)
    assert b"\r\nConnection: close\r\n" in received


def test_a_small_body_that_nobody_reads_leaves_the_connection(site: Site) -> None:
    request = b"POST /unread HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000
    with site.web.connect() as connection:
        for _ in range(3):
            connection.sendall(request)
            assert b"\r\nConnection: close\r\n" not in received_until(connection, b"no thanks")


def test_a_client_that_waits_for_each_piece_of_the_answer(site: Site) -> None:
    """A server of 9.8 cannot be told to flush: there the client sends on, and the answer comes with its end."""
    head = b"POST /echo?at_once=yes HTTP/1.1\r\nHost: test\r\nContent-Length: 30\r\n\r\n"
    pieces = [b"first one.", b"and a two.", b"last three"]
    with site.web.connect(head) as connection:
        for piece in pieces:
            connection.sendall(piece)
            if not site.old:
                assert piece in received_until(connection, piece)
        if site.old:
            received = received_until(connection, pieces[-1])
            assert all(it in received for it in pieces)


def test_a_large_answer(site: Site) -> None:
    answer = site.web.ask("GET", "/download?size=20000000")
    assert answer.body == b"d" * 20_000_000


def test_many_small_pieces(site: Site) -> None:
    assert site.web.ask("GET", "/crumbs?count=10000").text == "".join(f"{number}," for number in range(10_000))


def test_an_event_arrives_when_it_is_sent(site: Site) -> None:
    # A server of 9.8 cannot be told to flush: there it comes with the end, here before a second one that nobody waits for.
    pause = 1 if site.old else 3600
    begin = time.monotonic()
    request = f"GET /events?count=2&pause={pause} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    with site.web.connect(request.encode()) as connection:
        received = b""
        while b'"number": 0' not in received:
            piece = connection.recv(65536)
            assert piece, received
            received += piece
    if site.old:
        assert time.monotonic() - begin > pause
    else:
        assert b'"number": 1' not in received


def test_events_arrive(site: Site) -> None:
    received = site.web.raw("/events?count=3&pause=0.01")
    assert [b'"number": %d' % number in received for number in range(4)] == [True, True, True, False]


def test_trailers(site: Site) -> None:
    received = site.web.raw("/trailers")
    assert b"4\r\nbody\r\n0\r\n" in received or site.old
    assert received.endswith(b"0\r\nX-Sum: 4\r\n\r\n") or site.old


def test_large_headers(site: Site) -> None:
    large = "v" * 65_536
    fields = [*(f"X-Field-{number}: value" for number in range(2000)), f"X-Large: {large}"]
    received = site.web.raw("/header", fields)
    header, _, body = received.partition(b"\r\n\r\n")
    lines = header.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 200 OK"
    assert set(fields) <= set(lines)
    assert int(body) >= 2001


def test_metrics(site: Site) -> None:
    assert site.metrics.ask("GET", "/some/path").text == "path /some/path\n"


# What goes wrong.


def test_a_failure_before_the_answer_gives_nothing_away(site: Site) -> None:
    for path in ("/fail?after=0", "/smuggle"):
        answer = site.web.ask("GET", path)
        assert answer.status == 500, path
        assert "secret" not in answer.text
        assert "X-B" not in answer.header
    site.server.record("Streams.fail failed")


def test_a_failure_in_the_middle_is_no_end(site: Site) -> None:
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        site.web.ask("GET", "/fail?after=1000000")
    assert site.web.ask("GET", "/hello").status == 200


def test_a_client_that_goes_cancels_the_handler(site: Site) -> None:
    before = site.seen().count("events cancelled")
    with site.web.connect(b"GET /events?count=100000&pause=0.001 HTTP/1.1\r\nHost: test\r\n\r\n") as connection:
        assert connection.recv(1000)
    wait_until(lambda: site.seen().count("events cancelled") > before, "the end of the handler")


def test_a_body_that_ends_early_is_an_error(site: Site) -> None:
    before = len(site.seen())
    with site.web.connect(b"POST /digest HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n" + b"x" * 10):
        pass
    wait_until(lambda: "body broken: unexpected EOF" in site.seen()[before:], "the error")


def test_a_slow_client_holds_the_plugin_up(site: Site) -> None:
    before = site.made()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.settimeout(PATIENCE)
        connection.connect((site.web.host, site.web.port))
        connection.sendall(b"GET /download?size=1000000000 HTTP/1.1\r\nHost: test\r\n\r\n")
        assert connection.recv(1000)
        time.sleep(1)
        # The buffers of the sockets and the windows of both protocols, and no more.
        assert site.made() - before < 400


def test_five_hundred_requests_that_are_broken_off_anywhere(site: Site) -> None:
    numbers = random.Random(2)  # noqa: S311
    for _ in range(250):
        with site.web.connect(b"GET /download?size=500000 HTTP/1.1\r\nHost: test\r\n\r\n") as connection:
            left = numbers.randrange(500_000)
            while left > 0:
                piece = connection.recv(65536)
                assert piece, f"the answer ended {left} bytes early"
                left -= len(piece)
        with site.web.connect(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 500000\r\n\r\n") as connection:
            connection.sendall(b"x" * numbers.randrange(500_000))
    assert site.web.ask("POST", "/echo", b"still there").body == b"still there"


# Connections that the plugin takes over.


def test_a_websocket(site: Site) -> None:
    address = f"ws://{site.web.host}:{site.web.port}/socket/x"
    with connect(address, subprotocols=[Subprotocol("quiet"), Subprotocol("loud")], max_size=None) as client:
        assert client.subprotocol == "loud"
        client.send("hello")
        assert client.recv(PATIENCE) == "HELLO"
        large = os.urandom(2_000_000)
        client.send(large)
        assert client.recv(PATIENCE) == large
        for number in range(100):
            client.send(f"message {number}")
        assert [client.recv(PATIENCE) for _ in range(100)] == [f"MESSAGE {number}" for number in range(100)]
        client.send("close")
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(PATIENCE)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "as you wish")


def test_a_websocket_whose_client_goes(site: Site) -> None:
    before = len(site.seen())
    client = connect(f"ws://{site.web.host}:{site.web.port}/socket/x", subprotocols=[Subprotocol("loud")])
    client.send("hello")
    assert client.recv(PATIENCE) == "HELLO"
    # Closing alone does nothing as long as the client's own thread reads.
    client.socket.shutdown(socket.SHUT_RDWR)
    wait_until(lambda: any(it.startswith("socket closed") for it in site.seen()[before:]), "the end of the socket")


# Python dies.


def test_a_plugin_that_dies_in_the_middle_of_an_answer(mortal: Site) -> None:
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        mortal.web.ask("GET", "/die")


def test_a_plugin_that_dies_in_the_middle_of_a_body(mortal: Site) -> None:
    connection = http.client.HTTPConnection(mortal.web.host, mortal.web.port, timeout=PATIENCE)
    connection.putrequest("POST", "/die")
    connection.putheader("Content-Length", "1000000")
    connection.endheaders(b"x" * 1_000_000)
    assert connection.getresponse().status == 500
    connection.close()


# Methods of the API with streams.


def test_data_is_uploaded_in_pieces(site: Site) -> None:
    site.server.answer("UploadData", {"Id": "f1"}, None)
    before = len(site.server.calls("UploadData"))
    assert site.web.ask("POST", "/api/upload_data?count=300").text == "f1"
    call = site.server.next_call("UploadData", before)
    assert call.args[0]["Id"] == "u1"
    assert len(call.args[1]) == 4_000_000  # 3 MB as base64
    assert site.web.ask("POST", "/api/upload_data?count=3&broken=yes").text == "raised no more"
    site.server.answer("UploadData", None, "no room")
    assert site.web.ask("POST", "/api/upload_data?count=3").status == 500


def test_a_plugin_is_installed(site: Site) -> None:
    site.server.answer("InstallPlugin", {"id": "com.example.new"}, None)
    before = len(site.server.calls("InstallPlugin"))
    assert site.web.ask("POST", "/api/install_plugin", b"bundle" * 100_000).text == "com.example.new"
    call = site.server.next_call("InstallPlugin", before)
    assert (len(call.args[0]), call.args[1]) == (800_000, True)


def test_another_plugin_is_asked(site: Site) -> None:
    site.server.do("answer", method="PluginHTTP", answer={"fill": 5})
    expected = site.server.do("show", place={"method": "PluginHTTP", "fill": 5, "result": 0})
    before = len(site.server.calls("PluginHTTP"))
    answer = site.web.ask("POST", "/api/plugin_http", b"asked" * 100_000)
    assert answer.status == expected["StatusCode"]
    assert answer.body == base64.b64decode(expected["Content"])
    request = site.server.next_call("PluginHTTP", before).args[0]
    assert (request["Method"], request["URL"]["Path"], request["URL"]["RawQuery"]) == ("PUT", "/other/path", "q=1")
    assert request["Header"]["X-A"] == ["1"]
    assert base64.b64decode(request["Content"]) == b"asked" * 100_000


def test_no_answer_of_another_plugin_is_an_error(site: Site) -> None:
    site.server.do("answer", method="PluginHTTP", answer={"results": [None]})
    assert site.web.ask("POST", "/api/plugin_http", b"x").status == 500
    site.server.record("Streams.plugin_http failed")
