"""Streams under pressure on a server: many small pieces, a side that does not take any more, and how soon an event is there."""

from __future__ import annotations

import hashlib
import json
import re
import statistics
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from minimost import Minimost, running
from web_client import Web, wait_until

MIB = 1 << 20


@pytest.fixture(scope="module")
def server(minimost: Path, streams_folder: Path) -> Iterator[Minimost]:
    """A server with the plugin that streams."""
    with running(minimost, streams_folder) as server:
        server.start()
        server.activate()
        yield server


@pytest.fixture(scope="module")
def web(server: Minimost) -> Web:
    """Its requests."""
    return Web(server.do("listen", hook={"name": "ServeHTTP"}))


def resident(pid: int) -> int:
    """The memory of a process, in bytes."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def test_ten_thousand_small_chunks_up(web: Web) -> None:
    chunks = [b"%d," % number for number in range(10_000)]
    assert web.ask("POST", "/digest", iter(chunks)).text == hashlib.sha256(b"".join(chunks)).hexdigest()


def test_a_handler_that_does_not_read_holds_the_client_up(server: Minimost, web: Web) -> None:
    assert web.ask("POST", "/digest", b"x" * 4 * MIB).status == 200
    before = resident(server.pid)
    with web.connect(b"POST /stall HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000000\r\n\r\n") as connection:
        sent, piece = 0, b"x" * 65_536
        # As far as it goes: a send that waits for so long waits for the handler.
        connection.settimeout(2)
        with suppress(TimeoutError):
            while sent < 256 * MIB:
                sent += connection.send(piece)
        # The buffers of the sockets and the windows of both protocols, and no more.
        assert 65_536 < sent < 64 * MIB
        assert resident(server.pid) - before < 24 * MIB
        assert web.ask("GET", "/hello").text == "hello", "others are not held up"
        assert web.ask("POST", "/go", b"").text == "go"
    wait_until(lambda: web.ask("GET", "/hello").status == 200, "an answer")


def test_an_event_is_there_within_fifty_milliseconds(web: Web) -> None:
    with web.connect(b"GET /stamps?count=150 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n") as connection:
        data = (line[5:] for line in connection.makefile("rb") if line.startswith(b"data:"))
        late = [time.time() - json.loads(it)["at"] for it in data]
    assert len(late) == 150
    # Some that a busy machine holds up are not the rule: in these three seconds one of the programs may stand still for more than one.
    assert statistics.median(late) < 0.05
