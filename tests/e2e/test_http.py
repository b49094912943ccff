"""HTTP from a client to a Python handler and back, through the simulator's address.

What the server does to a request, every kind of answer, events, WebSockets, and what plugins ask each other.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websockets
from http_site import PLUGIN_ID, Answer, Site

PLUGIN = """
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

async def echo(socket):
    if socket.query_params.get("refuse"):
        await socket.close()
        return
    user = socket.headers["mattermost-user-id"].encode()
    await socket.accept(subprotocol=(socket.scope["subprotocols"] or [None])[0], headers=[(b"x-user", user)])
    async for message in iterate(socket):
        if message == "bye":
            await socket.close(4001, "as you wish")
            return
        if message == "fail":
            raise ValueError("secret")
        if message == "burst":
            for number in range(100):
                await socket.send_text(str(number))
            continue
        await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_text(message))

async def iterate(socket):
    while True:
        event = await socket.receive()
        if event["type"] == "websocket.disconnect":
            print("disconnected", event["code"])
            return
        yield event.get("text") if event.get("text") is not None else event["bytes"]

class HttpPlugin(Plugin):
    def __init__(self):
        self.mount("/ws", Starlette(routes=[WebSocketRoute("/echo", echo)]))

    @route("/seen", methods=["GET", "POST"], public=True)
    def seen(self, request: HttpRequest, context: Context):
        return {"url": request.url, "headers": request.headers.to_dict(), "host": request.host, "uri": request.request_uri,
                "user": request.user_id, "session": bool(context.session_id), "ip": context.ip_address,
                "agent": context.user_agent, "remote": request.remote_addr}

    @route.get("/hello")
    def hello(self):
        return "hello"

    @route.post("/count")
    async def count(self, request: HttpRequest):
        total = 0
        async for piece in request.stream():
            total += len(piece)
        return str(total)

    @route.post("/early")
    def early(self):
        return 202, "not needed"

    @route.post("/shout")
    def shout(self, request: HttpRequest, writer: ResponseWriter):
        for piece in request.iter_body():
            writer.write(piece.upper())

    @route.get("/events", public=True)
    async def events(self):
        self.acknowledged = 0
        for number in range(1, 6):
            yield {"number": number}
            while self.acknowledged < number:
                await asyncio.sleep(0.005)

    @route.get("/events/sync", public=True)
    def events_sync(self):
        self.acknowledged = 0
        for number in range(1, 6):
            yield {"number": number}
            while self.acknowledged < number:
                time.sleep(0.005)

    @route.get("/events/acknowledge", public=True)
    def events_acknowledge(self, number: int):
        self.acknowledged = number

    @route.get("/quiet")
    def quiet(self):
        yield "first"
        time.sleep(3)
        yield "second"

    @route.get("/trailers")
    def trailers(self, writer: ResponseWriter):
        writer.headers["Trailer"] = "X-Sum"
        writer.write("body")
        writer.end({"X-Sum": "7"})

    @route.get("/other")
    def other(self, path: str, method: str = "GET", size: int = 0):
        request = HttpRequest(method, f"/org.example.http{path}", body=(b"x" * 1000 for _ in range(size)))
        with self.api.plugin_http_stream(request) as response:
            return {"status": response.status_code, "body": b"".join(response.iter_body()).decode()}

    @route.get("/other/async")
    async def other_async(self, path: str, method: str = "GET", size: int = 0):
        async def pieces():
            for _ in range(size):
                yield b"x" * 1000
        response = await self.aio.plugin_http(HttpRequest(method, f"/org.example.http{path}", body=pieces()))
        return {"status": response.status_code, "body": response.text()}

    @route.get("/who", public=True)
    def who(self, request: HttpRequest):
        return f"{request.plugin_id}|{request.user_id}"

    @route.get("/upload")
    def upload(self, user: User, size: int):
        channel = self.api.get_public_channels_for_team(self.api.get_teams()[0].id, 0, 1)[0]
        session = self.api.create_upload_session(UploadSession(
            id="a" * 26, type="attachment", user_id=user.id, channel_id=channel.id, filename="big.bin", file_size=size))
        info = self.api.upload_data(session, (b"x" * 1000 for _ in range(size // 1000)))
        content = self.api.get_file(info.id)
        return {"size": info.size, "shouted": content == b"X" * size}

    @hook(HookName.FileWillBeUploaded)
    async def on_upload(self, context: Context, info: FileInfo, file: UploadedFile, output: ReplacementFile) -> None:
        async for piece in file:
            output.write(piece.upper())
            await output.drain()

    @hook(HookName.ServeMetrics)
    def metrics(self, context: Context, request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, {"Content-Type": "text/plain; version=0.0.4"}, f"up{request.url.replace('/', ':')} 1\\n")

run_plugin(HttpPlugin)
"""


@pytest.fixture(scope="module")
def site(mm_host: Path) -> Iterator[Site]:
    running = Site(mm_host, PLUGIN)
    yield running
    running.close()


def test_the_plugin_sees_what_the_server_lets_through(site: Site) -> None:
    headers = {
        "Mattermost-User-Id": "spoofed",
        "mattermost-plugin-id": "spoofed",
        "Referer": "http://elsewhere",
        "Cookie": "MMAUTHTOKEN=stale; theme=dark",
        "X-Own": "1",
        "User-Agent": "tests",
    }
    seen = site.ask("GET", f"/seen?a=1&access_token={site.token}&b=%20", headers=headers).json()
    assert seen["url"] == "/seen?a=1&b=%20"
    assert seen["uri"].startswith(f"/plugins/{PLUGIN_ID}/seen?a=1&access_token=")
    assert seen["host"] == "localhost"
    assert (len(seen["user"]), seen["session"], seen["ip"], seen["agent"]) == (26, True, "127.0.0.1", "tests")
    assert seen["headers"]["Mattermost-User-Id"] == [seen["user"]]
    assert seen["headers"]["Cookie"] == ["theme=dark"]
    assert seen["headers"]["X-Own"] == ["1"]
    assert not {"Authorization", "Referer", "Mattermost-Plugin-Id", "Host"} & set(seen["headers"])


def test_whose_session_it_is(site: Site) -> None:
    def user(method: str = "GET", query: str = "", **headers: str) -> bool:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        body = b"" if method == "POST" else None
        return bool(site.ask(method, f"/seen{query}", body, headers=fields, user=False).json()["user"])

    cookie = f"MMAUTHTOKEN={site.token}; MMCSRF=c"
    assert not user()
    assert user(Authorization=f"BEARER {site.token}")
    assert user(query=f"?access_token={site.token}")
    assert user(Cookie=cookie)
    # A form of another site sends the cookie too.
    assert not user("POST", Cookie=cookie)
    assert user("POST", Cookie=cookie, X_Requested_With="XMLHttpRequest")
    assert user("POST", Cookie=cookie, X_CSRF_Token="c")
    assert not user("POST", Cookie=cookie, X_CSRF_Token="d")
    foreign = site.ask("GET", "/seen", headers={"Authorization": "Bearer of-something-else"}, user=False).json()
    assert (foreign["user"], foreign["headers"]["Authorization"]) == ("", ["Bearer of-something-else"])


def test_paths_that_are_nobodys(site: Site) -> None:
    assert site.ask("GET", "/hello").body == b"hello"
    assert site.ask("GET", "/hello", user=False).status == 401
    with site.connect() as connection:
        connection.sendall(b"GET /plugins/org.example.none/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 404 Not Found\r\n")


def test_public_files_come_from_the_bundle(site: Site) -> None:
    public = site.root / "plugin" / "public"
    public.mkdir()
    (public / "a b.svg").write_bytes(b"<svg/>" * 30_000)
    got = site.ask("GET", "/public/a%20b.svg", user=False)
    assert (got.status, got.headers["content-type"], len(got.body)) == (200, "image/svg+xml", 180_000)
    assert site.ask("HEAD", "/public/a%20b.svg", user=False).headers["content-length"] == "180000"
    for path in ("/public/none", "/public/../plugin.json", "/public/%2e%2e/plugin.json", "/public"):
        assert site.ask("GET", path, user=False).status == 404
    assert site.ask("POST", "/public/a%20b.svg", b"", user=False).status == 405


def test_metrics_have_an_address_of_their_own(site: Site) -> None:
    got = site.ask("GET", "/metrics", user=False, port=site.metrics_port)
    host, own = got.body[: -len(b"up 1\n")], got.body[-len(b"up 1\n") :]
    assert (got.status, own) == (200, b"up 1\n")
    # The host's come first, and with them nothing else.
    assert host.startswith(b"# HELP mm_host_")
    assert host.endswith(b"\n")
    names = [line.removeprefix(b"# HELP ").removeprefix(b"# TYPE ") for line in host.splitlines()]
    assert [it for it in names if not it.startswith(b"mm_host_")] == []
    assert site.ask("GET", "/metrics/x", user=False, port=site.metrics_port).body == b"up:x 1\n"
    assert site.ask("GET", "/hello", user=False, port=site.metrics_port).status == 404


def test_bodies_travel_while_they_are_made(site: Site) -> None:
    with site.connect() as connection:
        connection.sendall(site.head("POST", "/shout", {"Transfer-Encoding": "chunked"}))
        received = b""
        for piece in (b"one", b"two", b"three"):
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            while piece.upper() not in received:
                received += connection.recv(1000)
        connection.sendall(b"0\r\n\r\n")
        while not received.endswith(b"0\r\n\r\n"):
            received += connection.recv(1000)
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")


def test_an_answer_may_come_before_the_body_was_read(site: Site) -> None:
    with site.connect() as connection:
        connection.sendall(site.head("POST", "/early", {"Content-Length": "1000000"}))
        assert connection.recv(1000).startswith(b"HTTP/1.1 202 Accepted\r\n")


def test_large_bodies(site: Site) -> None:
    assert site.ask("POST", "/count", b"x" * 20_000_000).body == b"20000000"
    assert site.ask("POST", "/shout", b"x" * 5_000_000).body == b"X" * 5_000_000


def test_connections_are_kept(site: Site) -> None:
    with site.connect() as connection:
        for _ in range(3):
            connection.sendall(site.head("GET", "/hello"))
            assert Answer(connection).body == b"hello"


def test_trailers_follow_the_body(site: Site) -> None:
    with site.connect() as connection:
        connection.sendall(site.head("GET", "/trailers", {"TE": "trailers", "Connection": "close"}))
        received = b""
        while piece := connection.recv(1000):
            received += piece
    assert b"0\r\nx-sum: 7\r\n\r\n" in received


@pytest.mark.parametrize("path", ["/events", "/events/sync"])
def test_events_arrive_when_they_are_made(site: Site, path: str) -> None:
    numbers = []
    with site.connect() as connection:
        connection.sendall(site.head("GET", path, {"Connection": "close"}))
        for line in connection.makefile("rb"):
            if line.startswith(b"data: "):
                numbers.append(json.loads(line.removeprefix(b"data: "))["number"])
                # The next one is not made before.
                assert site.ask("GET", f"/events/acknowledge?number={numbers[-1]}").status == 204
    assert numbers == [1, 2, 3, 4, 5]


def test_plugins_ask_each_other(site: Site) -> None:
    for path in ("/other", "/other/async"):
        assert site.ask("GET", f"{path}?path=/who").json() == {"status": 200, "body": f"{PLUGIN_ID}|"}
        assert site.ask("GET", f"{path}?path=/hello").json()["status"] == 401
        got = site.ask("GET", f"{path}?path=/seen&method=POST&size=2000").json()
        assert got["status"] == 200
        assert site.ask("GET", f"{path}?path=/none").json()["status"] == 404


def test_uploads_go_through_the_hook_piece_by_piece(site: Site) -> None:
    assert site.ask("GET", "/upload?size=3000000").json() == {"size": 3_000_000, "shouted": True}


class TestWebSockets:
    def connect(self, site: Site, query: str = "", **options: Any) -> Any:
        return websockets.connect(
            f"ws://127.0.0.1:{site.port}/plugins/{PLUGIN_ID}/ws/echo{query}",
            additional_headers={"Authorization": f"Bearer {site.token}"},
            max_size=None,
            **options,
        )

    def test_messages_go_both_ways(self, site: Site) -> None:
        async def talk() -> None:
            async with self.connect(site, subprotocols=["chat", "other"]) as socket:
                assert socket.subprotocol == "chat"
                assert len(socket.response.headers["X-User"]) == 26
                for message in ("hello", "", "ü" * 1000, b"\x00\xff", b"x" * 3_000_000):
                    await socket.send(message)
                    assert await socket.recv() == message
                # In fragments, with a ping between them.
                await socket.send(["one ", "two ", "three"])
                assert await socket.recv() == "one two three"
                await (await socket.ping(b"still there?"))
                await socket.send("burst")
                assert [await socket.recv() for _ in range(100)] == [str(number) for number in range(100)]

        asyncio.run(talk())
        site.logged("disconnected 1000")

    def test_either_side_may_close(self, site: Site) -> None:
        async def talk() -> None:
            async with self.connect(site) as socket:
                await socket.send("bye")
                with pytest.raises(websockets.ConnectionClosed):
                    await socket.recv()
                assert (socket.close_code, socket.close_reason) == (4001, "as you wish")
            async with self.connect(site) as socket:
                await socket.close(4002, "enough")
            site.logged("disconnected 4002")
            async with self.connect(site) as socket:
                socket.transport.abort()
            site.logged("disconnected 1006")

        asyncio.run(talk())

    def test_a_refusal_is_an_answer(self, site: Site) -> None:
        async def talk() -> None:
            with pytest.raises(websockets.InvalidStatus) as caught:
                async with self.connect(site, "?refuse=1"):
                    pass
            assert caught.value.response.status_code == 403

        asyncio.run(talk())

    def test_who_is_not_logged_in_is_refused(self, site: Site) -> None:
        async def talk() -> None:
            with pytest.raises(websockets.InvalidStatus) as caught:
                async with websockets.connect(f"ws://127.0.0.1:{site.port}/plugins/{PLUGIN_ID}/ws/echo"):
                    pass
            assert caught.value.response.status_code == 401

        asyncio.run(talk())

    def test_a_failing_application_closes_with_1011(self, site: Site) -> None:
        async def talk() -> None:
            async with self.connect(site) as socket:
                await socket.send("fail")
                with pytest.raises(websockets.ConnectionClosed):
                    await socket.recv()
                assert (socket.close_code, socket.close_reason) == (1011, "")

        asyncio.run(talk())
        site.logged("Starlette at /ws failed")

    def test_who_breaks_the_protocol_is_told(self, site: Site) -> None:
        async def talk() -> None:
            async with self.connect(site) as socket:
                # A client must mask what it sends.
                socket.transport.write(b"\x81\x01x")
                with pytest.raises(websockets.ConnectionClosed):
                    await socket.recv()
                assert socket.close_code == 1002

        asyncio.run(talk())

    def test_many_at_once(self, site: Site) -> None:
        async def one(number: int) -> None:
            async with self.connect(site) as socket:
                for _ in range(5):
                    await socket.send(f"message {number}")
                    assert await socket.recv() == f"message {number}"

        async def talk() -> None:
            await asyncio.gather(*(one(number) for number in range(50)))

        asyncio.run(talk())


def test_open_streams_take_no_handlers_place(site: Site) -> None:
    connections = [site.connect() for _ in range(30)]
    for connection in connections:
        connection.sendall(site.head("GET", "/quiet"))
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
    assert site.ask("GET", "/hello").body == b"hello"
    for connection in connections:
        connection.close()


def test_other_hooks_run_while_many_read_slowly(site: Site) -> None:
    """Bodies that nobody reads must not stop calls on the same connection."""
    connections = []
    for _ in range(12):
        connection = site.connect()
        connection.sendall(site.head("POST", "/shout", {"Content-Length": "50000000"}))
        thread = threading.Thread(target=_send_until_closed, args=(connection,), daemon=True)
        thread.start()
        connections.append(connection)
    time.sleep(0.5)
    for _ in range(10):
        # Nobody reads, so a call that waits for the bodies would wait for ever.
        assert site.ask("GET", "/hello").body == b"hello"
    for connection in connections:
        connection.close()


def _send_until_closed(connection: Any) -> None:
    try:
        for _ in range(50):
            connection.sendall(b"x" * 1_000_000)
    except OSError:
        pass
