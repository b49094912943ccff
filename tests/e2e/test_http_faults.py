"""HTTP when something goes wrong: bodies that end early, clients that go away, slow ones, a process that dies, headers meant to harm."""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from http_site import PATIENCE, Answer, Site

PLUGIN = """
class FaultyPlugin(Plugin):
    def tell(self, request, read):
        # For tests that wait until the body is being read.
        if not read and "X-Tell" in request.headers:
            self.logger.warning("reading for %s", request.headers["X-Tell"])

    @route.get("/hello")
    def hello(self):
        return "hello"

    @route.post("/count")
    def count(self, request: HttpRequest):
        pieces = total = 0
        try:
            for piece in request.iter_body():
                self.tell(request, total)
                pieces += 1
                total += len(piece)
        except ConnectionError as error:
            self.logger.warning("early end after %d bytes: %s", total, error)
            raise
        return [pieces, total]

    @route.post("/count/async")
    async def count_async(self, request: HttpRequest):
        pieces = total = 0
        try:
            async for piece in request.stream():
                self.tell(request, total)
                pieces += 1
                total += len(piece)
        except ConnectionError as error:
            self.logger.warning("early end after %d bytes: %s", total, error)
            raise
        return [pieces, total]

    @route.post("/slow")
    def slow(self, request: HttpRequest):
        total = 0
        for piece in request.iter_body():
            self.tell(request, total)
            total += len(piece)
            time.sleep(0.001)
        return total

    @route.get("/down")
    def down(self, size: int, piece: int = 65536):
        return HttpResponse(body=(b"x" * piece for _ in range(size // piece)))

    @route.get("/pause")
    def pause(self, seconds: float):
        def pieces():
            yield b"begin"
            time.sleep(seconds)
            yield b"end"

        return HttpResponse(body=pieces())

    @route.get("/down/async")
    async def down_async(self, size: int, piece: int = 65536):
        async def pieces():
            for _ in range(size // piece):
                yield b"x" * piece
        return HttpResponse(body=pieces())

    @route.get("/headers")
    def headers(self, request: HttpRequest):
        fields = request.headers.to_dict()
        return HttpResponse(200, {name: values for name, values in fields.items() if name.startswith("X-")},
                            str(sum(len(value) for values in fields.values() for value in values)))

    @route.get("/smuggle")
    def smuggle(self, value: str):
        return HttpResponse(200, {"X-Value": value}, "smuggled")

    @route.get("/half")
    def half(self, writer: ResponseWriter, mode: str):
        if mode == "length":
            writer.headers["Content-Length"] = "10"
        writer.write("half")
        if mode == "raise":
            raise ValueError("secret")

    @route.get("/half/async")
    async def half_async(self, writer: ResponseWriter, mode: str):
        if mode == "length":
            writer.headers["Content-Length"] = "10"
        writer.write("half")
        await writer.drain()
        if mode == "raise":
            raise ValueError("secret")

    @route.get("/twice")
    def twice(self, writer: ResponseWriter):
        writer.write_header(201)
        writer.write_header(202)

    @route.get("/forever")
    async def forever(self):
        try:
            await asyncio.sleep(3600)
        finally:
            self.logger.warning("forever is over")

    @route.get("/sleep")
    async def sleep(self, seconds: float):
        await asyncio.sleep(seconds)
        return "awake"

run_plugin(FaultyPlugin)
"""


@pytest.fixture(scope="module")
def site(mm_host: Path) -> Iterator[Site]:
    running = Site(mm_host, PLUGIN)
    yield running
    running.close()


@pytest.mark.parametrize("path", ["/count", "/count/async"])
def test_a_body_that_ends_before_its_length(site: Site, path: str) -> None:
    before = len(site.log_lines)
    with site.connect() as connection:
        head = site.head("POST", path, {"Content-Length": "1000", "X-Tell": f"the early end of {path}"})
        connection.sendall(head + b"x" * 400)
        # A request whose client is gone before it begins is not begun.
        site.logged(f"reading for the early end of {path}$")
        connection.shutdown(socket.SHUT_WR)
        Answer(connection)

    def told() -> bool:
        site.say(":wait 1ms")
        return any("early end after 400 bytes" in line for line in site.log_lines[before:])

    site.until(told, "the handler was not told")
    assert site.ask("GET", "/hello").body == b"hello"


@pytest.mark.parametrize("path", ["/count", "/count/async"])
def test_ten_thousand_small_chunks(site: Site, path: str) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (size, b"y" * size) for size in range(1, 10) for _ in range(1112))
    wanted = sum(size * 1112 for size in range(1, 10))
    with site.connect() as connection:
        connection.sendall(site.head("POST", path, {"Transfer-Encoding": "chunked", "Connection": "close"}))
        connection.sendall(chunks + b"0\r\n\r\n")
        assert Answer(connection).json()[1] == wanted
    for down in ("/down", "/down/async"):
        assert site.ask("GET", f"{down}?size=20000&piece=2").body == b"x" * 20_000


@pytest.mark.parametrize("path", ["/down", "/down/async"])
def test_memory_stays_flat_before_a_slow_reader(site: Site, path: str) -> None:
    site.ask("GET", f"{path}?size=3000000")
    before = site.memory()
    with site.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(site.head("GET", f"{path}?size={1 << 28}", {"Connection": "close"}))
        grown = [0, 0]
        for _ in range(20):
            connection.recv(65536)
            time.sleep(0.05)
            grown = [max(most, now - old) for most, now, old in zip(grown, site.memory(), before, strict=True)]
    assert max(grown) < 24 << 20, grown
    assert site.ask("GET", "/hello").body == b"hello"


def test_memory_stays_flat_before_a_slow_handler(site: Site) -> None:
    site.ask("POST", "/slow", b"x" * 1_000_000)
    before = site.memory()
    size, piece = 1 << 26, b"x" * (1 << 20)
    with site.connect() as connection:
        connection.sendall(site.head("POST", "/slow", {"Content-Length": str(size), "Connection": "close"}))
        grown = [0, 0]
        for _ in range(size // len(piece)):
            connection.sendall(piece)
            grown = [max(most, now - old) for most, now, old in zip(grown, site.memory(), before, strict=True)]
        assert Answer(connection).body == str(size).encode()
    assert max(grown) < 24 << 20, grown


def test_five_hundred_clients_that_break_off(site: Site) -> None:
    choose = random.Random(7)  # noqa: S311 (chooses offsets, no secrets)
    requests = [
        site.head("GET", "/down?size=2000000"),
        site.head("GET", "/down/async?size=2000000"),
        site.head("POST", "/count", {"Content-Length": "300000"}) + b"x" * 300_000,
        site.head("POST", "/count/async", {"Content-Length": "300000"}) + b"x" * 300_000,
        site.head("GET", "/forever"),
    ]
    site.ask("GET", "/down?size=2000000")
    before = site.memory()
    for number in range(500):
        request = requests[number % len(requests)]
        with site.connect() as connection:
            # Without waiting for what is still to be sent or read.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            connection.sendall(request[: choose.randrange(1, len(request) + 1)])
            if choose.random() < 0.5:
                connection.settimeout(0.02)
                try:
                    connection.recv(choose.randrange(1, 100_000))
                except TimeoutError:
                    pass
                except ConnectionError:
                    pass
    assert site.ask("GET", "/hello").body == b"hello"
    site.logged("forever is over")
    grown = [now - old for now, old in zip(site.memory(), before, strict=True)]
    assert max(grown) < 32 << 20, grown
    # Clients that go away are nobody's fault.
    assert not [line for line in site.log_lines if "failed" in line and "ERROR" in line.upper()[:8]], site.log_lines[
        -5:
    ]


@pytest.mark.parametrize(
    "value",
    ["a%0d%0aX-Smuggled:%20yes", "a%0aX-Smuggled:%20yes", "a%0d%0a%0d%0aHTTP/1.1%20200%20OK", "a%00b", "a%7f"],
)
def test_a_value_cannot_begin_another_header_field(site: Site, value: str) -> None:
    got = site.ask("GET", f"/smuggle?value={value}")
    assert (got.status, got.body) == (500, b"The plugin could not answer; its log says why.\n")
    assert not {"x-value", "x-smuggled"} & set(got.headers)
    assert site.ask("GET", "/smuggle?value=fine%09%C3%A9").body == b"smuggled"


@pytest.mark.parametrize("path", ["/half", "/half/async"])
@pytest.mark.parametrize("mode", ["raise", "length"])
def test_an_answer_that_breaks_off_does_not_look_whole(site: Site, path: str, mode: str) -> None:
    got = site.ask("GET", f"{path}?mode={mode}")
    # What had not reached the client when the connection was broken does not reach it any more.
    assert got.status in (0, 200)
    assert not got.complete
    assert b"secret" not in got.body
    assert site.ask("GET", f"{path}?mode=whole").complete


def test_a_second_head_is_an_error_of_the_plugin(site: Site) -> None:
    got = site.ask("GET", "/twice")
    assert got.status in (0, 201)
    assert not got.complete
    site.logged("status 201 and headers were sent before; 202 comes too late")


def test_large_and_many_header_fields(site: Site) -> None:
    large = {"X-Large": "y" * 65_536}
    got = site.ask("GET", "/headers", headers=large)
    assert (got.status, got.headers["x-large"]) == (200, "y" * 65_536)
    many = {f"X-Field-{number}": "z" * 20 for number in range(2000)}
    got = site.ask("GET", "/headers", headers=many)
    assert (got.status, len([name for name in got.headers if name.startswith("x-field-")])) == (200, 2000)


def test_a_slow_answer_is_waited_for(site: Site) -> None:
    assert site.ask("GET", "/sleep?seconds=1.5").body == b"awake"


def test_only_the_beginning_of_an_answer_has_a_deadline(mm_host: Path) -> None:
    site = Site(mm_host, PLUGIN, python={"deadlines": {"ServeHTTP": 1}})
    try:
        began = time.monotonic()
        # By itself it would answer with 200.
        assert site.ask("GET", "/sleep?seconds=15").status == 500
        assert time.monotonic() - began > 0.9
        site.logged("ServeHTTP")
        # Others are served meanwhile, and an answer that has begun may take its time.
        assert site.ask("GET", "/hello").body == b"hello"
        assert site.ask("GET", "/pause?seconds=2").body == b"beginend"
    finally:
        site.close()


@pytest.mark.parametrize("path", ["/down?size=1000000000", "/down/async?size=1000000000"])
def test_the_process_dies_in_the_middle_of_an_answer(mm_host: Path, path: str) -> None:
    site = Site(mm_host, PLUGIN)
    try:
        with site.connect() as connection:
            connection.sendall(site.head("GET", path, {"Connection": "close"}))
            connection.recv(100_000)
            os.kill(site.pids()[1], signal.SIGKILL)
            got = _read_to_the_end(connection)
        assert got < 1_000_000_000
        # Another one takes its place.
        deadline = time.monotonic() + PATIENCE
        while (status := site.ask("GET", "/hello").status) != 200:
            assert status in (404, 500, 503), status
            assert time.monotonic() < deadline
    finally:
        site.close()


def test_the_process_dies_in_the_middle_of_a_request(mm_host: Path) -> None:
    site = Site(mm_host, PLUGIN)
    try:
        with site.connect() as connection:
            fields = {"Content-Length": "100000000", "Connection": "close", "X-Tell": "the death"}
            connection.sendall(site.head("POST", "/slow", fields))
            sender = threading.Thread(target=_send, args=(connection, 100_000_000), daemon=True)
            sender.start()
            site.logged("reading for the death$")
            os.kill(site.pids()[1], signal.SIGKILL)
            assert Answer(connection).status == 500
        sender.join(10)
        assert not sender.is_alive()
    finally:
        site.close()


def _read_to_the_end(connection: socket.socket) -> int:
    total = 0
    try:
        while piece := connection.recv(1 << 20):
            total += len(piece)
    except ConnectionError:
        pass
    return total


def _send(connection: socket.socket, size: int) -> None:
    piece = b"x" * 100_000
    try:
        for _ in range(size // len(piece)):
            connection.sendall(piece)
    except OSError:
        pass
