"""FileWillBeUploaded: the file to Python and its replacement back to Go, whatever becomes of the handler."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fair_clock import CLOCK
from minimost import Minimost, running


@pytest.fixture(scope="module")
def server(minimost: Path, streams_folder: Path) -> Iterator[Minimost]:
    """A server with the plugin, activated."""
    with running(minimost, streams_folder) as server:
        server.start()
        server.activate()
        yield server


def upload(server: Minimost, name: str) -> tuple[dict[str, Any], str, bytes]:
    """Uploads a file of this name; returns what the server goes on with: its description, the refusal, the replacement."""
    begin = CLOCK.now
    info = {"Id": "f1", "Name": name, "MimeType": "text/plain"}
    result = server.do("hook", hook={"name": "FileWillBeUploaded", "args": [{}, info]})
    # A replacement that nobody dials costs 5 s, and one that nobody closes is waited for for ever.
    assert CLOCK.now - begin < 4.5
    described, refusal = result["results"]
    return described, refusal, base64.b64decode(result["streams"][1])


@pytest.fixture(scope="module")
def content(server: Minimost) -> bytes:
    """What is in the file that the server lends."""
    place = {"method": "FileWillBeUploaded", "fill": 0, "mode": "zeros", "arg": 2}
    content = base64.b64decode(server.do("show", place=place))
    assert len(content) > 200_000
    return content


def test_a_file_that_is_only_looked_at(server: Minimost) -> None:
    described, refusal, replacement = upload(server, "look")
    assert (described["Name"], refusal, replacement) == ("look", "", b"")


def test_a_file_that_is_replaced(server: Minimost, content: bytes) -> None:
    described, refusal, replacement = upload(server, "swap")
    assert (described["Name"], described["MimeType"], refusal) == ("swap", "text/plain", "")
    assert replacement == content.swapcase()


def test_a_file_that_is_described_anew(server: Minimost, content: bytes) -> None:
    described, _, replacement = upload(server, "rename")
    assert replacement == content.swapcase()
    # A field that is cleared, which Go's plugins cannot do.
    assert (described["Name"], described["MimeType"], described["Id"]) == ("renamed", "", "f1")


def test_a_file_that_is_refused_unread(server: Minimost) -> None:
    _, refusal, replacement = upload(server, "refuse")
    assert (refusal, replacement) == ("not this one", b"")


def test_a_handler_that_fails_changes_nothing(server: Minimost) -> None:
    described, refusal, replacement = upload(server, "fail")
    assert (described["Name"], refusal, replacement) == ("fail", "", b"")
    server.record("Streams.file failed")


@pytest.mark.parametrize("name", ["half", "die late"])
def test_half_a_replacement_is_not_stored(minimost: Path, streams_folder: Path, name: str) -> None:
    with running(minimost, streams_folder) as server:
        server.start()
        server.activate()
        _, refusal, replacement = upload(server, name)
    assert replacement
    assert refusal.startswith("The plugin that changes this file failed.")


def test_a_plugin_that_dies_with_a_replacement_in_its_hands(minimost: Path, streams_folder: Path) -> None:
    """Its first piece has left the process or not: then nothing has changed, which is no refusal."""
    with running(minimost, streams_folder) as server:
        server.start()
        server.activate()
        described, refusal, replacement = upload(server, "die")
    assert described["Name"] == "die"
    assert refusal.startswith("The plugin that changes this file failed.") == bool(replacement)
    assert bool(refusal) == bool(replacement)
