"""Frames of WebSockets, by the byte: what a well-behaved client sends, and what any other may."""

from __future__ import annotations

import struct

import pytest

from mattermost_plugin import _native

TEXT, BINARY, CLOSE, PING, PONG, CONTINUE = 0x1, 0x2, 0x8, 0x9, 0xA, 0x0
MASK = b"\x12\x34\x56\x78"


def frame(kind: int, payload: bytes = b"", *, last: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    """A frame as a client sends it."""
    first = (0x80 if last else 0) | reserved | kind
    bit = 0x80 if masked else 0
    if len(payload) < 126:
        head = bytes([first, bit | len(payload)])
    elif len(payload) < 1 << 16:
        head = bytes([first, bit | 126]) + struct.pack(">H", len(payload))
    else:
        head = bytes([first, bit | 127]) + struct.pack(">Q", len(payload))
    if not masked:
        return head + payload
    return head + MASK + bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))


def closing(code: int, reason: str = "") -> bytes:
    return struct.pack(">H", code) + reason.encode()


def server_frame(kind: int, payload: bytes) -> bytes:
    return frame(kind, payload, masked=False)


def test_messages_are_read_however_they_are_cut() -> None:
    data = frame(TEXT, "ü".encode() * 100) + frame(BINARY, b"\x00" * 70_000) + frame(TEXT)
    wanted = [(1, "ü" * 100), (0, b"\x00" * 70_000), (1, "")]
    assert _native.WebSocket().feed(data) == wanted
    socket = _native.WebSocket()
    assert [event for at in range(0, len(data), 7) for event in socket.feed(data[at : at + 7])] == wanted
    assert socket.take() == b""


def test_fragments_become_one_message_with_pings_between() -> None:
    socket = _native.WebSocket()
    # The two halves of one character.
    assert socket.feed(frame(TEXT, b"a\xc3", last=False)) == []
    assert socket.feed(frame(PING, b"there?")) == []
    assert socket.take() == server_frame(PONG, b"there?")
    assert socket.feed(frame(CONTINUE, b"\xbcb") + frame(PONG)) == [(1, "aüb")]


def test_messages_are_sent_unmasked() -> None:
    socket = _native.WebSocket()
    socket.send("ü")
    socket.send(b"\x01" * 200)
    socket.ping(b"x")
    assert socket.take() == (
        server_frame(TEXT, "ü".encode()) + server_frame(BINARY, b"\x01" * 200) + server_frame(PING, b"x")
    )
    assert socket.take() == b""
    with pytest.raises(TypeError, match="a WebSocket message is str or bytes"):
        socket.send(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a ping carries 125 bytes at most"):
        socket.ping(b"x" * 126)


@pytest.mark.parametrize(
    ("payload", "event"),
    [(b"", (1005, "")), (closing(1000), (1000, "")), (closing(4321, "bye"), (4321, "bye"))],
)
def test_a_close_is_answered(payload: bytes, event: tuple[int, str]) -> None:
    socket = _native.WebSocket()
    assert socket.feed(frame(CLOSE, payload)) == [event]
    assert socket.take() == server_frame(CLOSE, payload)
    with pytest.raises(RuntimeError, match="the WebSocket is closed"):
        socket.send("too late")


def test_the_server_closes_once() -> None:
    socket = _native.WebSocket()
    socket.close(4000, "x" * 200)
    socket.close(1000)
    assert socket.take() == server_frame(CLOSE, closing(4000, "x" * 123))
    assert socket.feed(frame(CLOSE, closing(4000))) == [(4000, "")]
    for code in (0, 999, 1005, 1006, 1015, 5000):
        with pytest.raises(ValueError, match="is no code that a WebSocket may be closed with"):
            _native.WebSocket().close(code)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, b"x", masked=False), 1002),
        (frame(TEXT, b"x", reserved=0x40), 1002),
        (frame(0x3, b"x"), 1002),
        (frame(CONTINUE, b"x"), 1002),
        (frame(TEXT, b"x", last=False) + frame(TEXT, b"x"), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PING, b"x", last=False), 1002),
        (frame(TEXT, b"\xff"), 1007),
        (frame(BINARY, b"x" * 1001), 1009),
        (frame(BINARY, b"x" * 600, last=False) + frame(CONTINUE, b"x" * 600), 1009),
    ],
)
def test_what_breaks_the_protocol_closes_with_a_code(data: bytes, code: int) -> None:
    socket = _native.WebSocket(1000)
    events = socket.feed(data + frame(TEXT, b"ignored"))
    assert [event[0] for event in events] == [code]
    assert socket.take()[:4][2:] == struct.pack(">H", code)
    assert socket.feed(frame(TEXT, b"ignored")) == []
