"""Bodies and files that are much larger than the host may be: 1 GiB, or as many MiB as `LARGE_MIB` says.

The host's peak is what Linux says (`VmHWM`): everything that it ever held, from its start on.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from minimost import Minimost, running
from web_client import Web

LOG = logging.getLogger(__name__)
MIB = 1 << 20
SIZE = int(os.environ.get("LARGE_MIB", "1024")) * MIB
MOST = 64 * MIB
PIECE = b"0123456789abcde\n" * 65_536
PATIENCE = 600.0


@pytest.fixture
def server(minimost: Path, streams_folder: Path) -> Iterator[Minimost]:
    """A server of its own for every test, since the peak is that of the whole life of the host."""
    with running(minimost, streams_folder) as server:
        server.start()
        server.activate()
        yield server
        peak = peak_of(server.pid)
        LOG.info("peak of the host: %.1f MiB", peak / MIB)
        assert peak < MOST


def peak_of(pid: int) -> int:
    """The most memory that a process ever had resident, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def report(what: str, begin: float) -> None:
    """Says how fast it was, for those who run it with --log-cli-level=INFO."""
    took = time.monotonic() - begin
    LOG.info("%s: %d MiB in %.1f s, %.0f MiB/s", what, SIZE // MIB, took, SIZE / MIB / took)


def test_a_large_file_is_replaced(server: Minimost) -> None:
    begin = time.monotonic()
    info = {"Id": "f1", "Name": "swap"}
    hook = {"name": "FileWillBeUploaded", "args": [{}, info], "length": SIZE}
    result = server.do("hook", hook=hook, patience=PATIENCE)
    report("file, there and back", begin)
    assert (result["results"][1], result.get("failure", "")) == ("", "")
    large = result["large"]
    assert (large["lent"], large["taken"]) == (SIZE, SIZE)
    # Digits, small letters up to e, and line ends; the plugin swaps the case.
    expected = hashlib.sha256()
    for _ in range(SIZE // len(PIECE)):
        expected.update(PIECE.upper())
    assert large["taken_hash"] == expected.hexdigest()


def test_a_large_file_is_only_looked_at(server: Minimost) -> None:
    begin = time.monotonic()
    hook = {"name": "FileWillBeUploaded", "args": [{}, {"Id": "f1", "Name": "look"}], "length": SIZE}
    large = server.do("hook", hook=hook, patience=PATIENCE)["large"]
    report("file, there only", begin)
    assert (large["lent"], large["taken"]) == (SIZE, 0)


def test_a_large_body_up(server: Minimost) -> None:
    web = Web(server.do("listen", hook={"name": "ServeHTTP"}))
    begin = time.monotonic()
    expected = hashlib.sha256()

    def pieces() -> Iterator[bytes]:
        for _ in range(SIZE // len(PIECE)):
            expected.update(PIECE)
            yield PIECE

    answer = web.ask("POST", "/digest", pieces())
    report("HTTP, up", begin)
    assert answer.text == expected.hexdigest()


def test_a_large_body_down(server: Minimost) -> None:
    web = Web(server.do("listen", hook={"name": "ServeHTTP"}))
    begin = time.monotonic()
    with web.connect(f"GET /download?size={SIZE} HTTP/1.0\r\nHost: test\r\n\r\n".encode()) as connection:
        buffer, received, head = bytearray(MIB), 0, b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1000)
        received = len(head.partition(b"\r\n\r\n")[2])
        while read := connection.recv_into(buffer):
            received += read
    report("HTTP, down", begin)
    assert received == SIZE
