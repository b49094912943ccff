"""Peers that do not speak gRPC properly: the worst they may cause is an error."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket as sockets
import time
from collections.abc import Callable, Iterator

import echo
import pytest
from rough_peer import DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RESET, Answer, RoughPeer, frame, headers

from mattermost_plugin import _native

SAY = (echo.SERVICE + "Say", "SayRequest", "SayResponse")

GRPC = {"content_type": "application/grpc"}


def trailers_only(**fields: str) -> Answer:
    """Answers with headers that end the stream."""
    return lambda connection, stream: connection.sendall(
        frame(HEADERS, END_HEADERS | END_STREAM, stream, headers(**GRPC, **fields))
    )


def body(data: bytes, **trailers: str) -> Answer:
    """Answers with bytes where a message should be, and trailers."""

    def answer(connection: sockets.socket, stream: int) -> None:
        connection.sendall(frame(HEADERS, END_HEADERS, stream, headers(**GRPC)))
        connection.sendall(frame(DATA, 0, stream, data))
        connection.sendall(frame(HEADERS, END_HEADERS | END_STREAM, stream, _trailers(**trailers)))

    return answer


def _trailers(**fields: str) -> bytes:
    return headers(**fields)[len(headers()) :]


def sending(data: bytes) -> Answer:
    """Answers with bytes that may be no frames."""
    return lambda connection, _: connection.sendall(data)


def closing(connection: sockets.socket, stream: int) -> None:
    """Answers half and closes the connection."""
    connection.sendall(frame(HEADERS, END_HEADERS, stream, headers(**GRPC)))
    connection.sendall(frame(DATA, 0, stream, b"\x00\x00\x00\x00\x05ab"))
    connection.shutdown(sockets.SHUT_RDWR)
    connection.close()


def resetting(reason: int) -> Answer:
    """Resets the stream."""
    return lambda connection, stream: connection.sendall(frame(RESET, 0, stream, reason.to_bytes(4, "big")))


ANSWERS: dict[str, tuple[Answer, set[str]]] = {
    "details are no base64": (trailers_only(grpc_status="5", grpc_status_details_bin="!"), {"INTERNAL"}),
    "the status is no number": (trailers_only(grpc_status="x"), {"UNKNOWN"}),
    "the status is unknown": (trailers_only(grpc_status="77"), {"UNKNOWN"}),
    "the text is badly escaped": (trailers_only(grpc_status="5", grpc_message="%ff%"), {"NOT_FOUND", "UNKNOWN"}),
    "it is no gRPC at all": (trailers_only(status="404"), {"UNIMPLEMENTED", "UNKNOWN", "INTERNAL"}),
    "a proxy has an error": (trailers_only(status="503"), {"UNAVAILABLE"}),
    "success without a message": (trailers_only(grpc_status="0"), {"INTERNAL"}),
    "success with an empty body": (body(b"", grpc_status="0"), {"INTERNAL"}),
    "half a message": (body(b"\x00\x00\x00\x00\x05ab", grpc_status="0"), {"INTERNAL"}),
    "a length of two gigabytes": (body(b"\x00\x80\x00\x00\x00ab", grpc_status="0"), {"OUT_OF_RANGE", "INTERNAL"}),
    "an unknown compression": (body(b"\x01\x00\x00\x00\x00", grpc_status="0"), {"INTERNAL", "UNIMPLEMENTED"}),
    "a strange flag": (body(b"\x09\x00\x00\x00\x00", grpc_status="0"), {"INTERNAL", "UNIMPLEMENTED"}),
    "the connection ends": (closing, {"UNAVAILABLE"}),
    "garbage": (sending(b"\xff" * 100), {"UNAVAILABLE", "INTERNAL"}),
    "going away": (sending(frame(GOAWAY, 0, 0, bytes(8))), {"UNAVAILABLE", "INTERNAL"}),
    "refused": (resetting(7), {"UNAVAILABLE"}),
    "cancelled": (resetting(8), {"CANCELLED"}),
    "an internal error": (resetting(2), {"INTERNAL"}),
}


@pytest.fixture
def rough(socket: str) -> Iterator[Callable[[Answer], None]]:
    """Serves the socket with an answer."""
    peers: list[RoughPeer] = []
    yield lambda answer: peers.append(RoughPeer(socket, answer))
    for peer in peers:
        peer.close()


@pytest.mark.parametrize("name", ANSWERS)
def test_a_bad_answer_is_an_error(rough: Callable[[Answer], None], client: _native.Client, name: str) -> None:
    answer, codes = ANSWERS[name]
    rough(answer)
    with pytest.raises(_native.RpcError) as raised:
        client.call(*SAY, ("x", b""), 5)
    assert raised.value.code_name in codes, str(raised.value)

    async def again() -> None:
        with pytest.raises(_native.RpcError) as raised:
            await client.call_async(*SAY, ("x", b""), 5)
        assert raised.value.code_name in codes, str(raised.value)
        stream = client.stream(*SAY, 5)
        stream.done_writing()
        # A stream may end without a message, where a call may not.
        with contextlib.suppress(_native.RpcError):
            while await stream.read_async() is not None:
                pass

    asyncio.run(again())


def test_garbage_does_not_harm_the_server(server: _native.Server, client: _native.Client, socket: str) -> None:
    chance = random.Random(1)  # noqa: S311 (a seeded test)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)
    for number in range(60):
        with sockets.socket(sockets.AF_UNIX) as stranger:
            stranger.connect(socket)
            data = chance.randbytes(chance.randint(1, 200))
            if number % 3:
                data = preface + frame(chance.randrange(10), chance.randrange(256), chance.randrange(4), data)
            try:
                stranger.sendall(data)
            except OSError:
                continue
    assert server.pending() == 0
    with pytest.raises(_native.RpcError) as raised:
        client.call(*SAY, ("x", b""), 0.2)
    assert raised.value.code_name == "DEADLINE_EXCEEDED"


def test_many_connections_leave_nothing_behind(server: _native.Server, socket: str) -> None:
    before = len(os.listdir("/dev/fd"))
    for _ in range(300):
        with sockets.socket(sockets.AF_UNIX) as stranger:
            stranger.connect(socket)
    client = _native.Client(socket, echo.make_codec(), token="secret")
    with pytest.raises(_native.RpcError):
        client.call(*SAY, ("x", b""), 0.3)
    client.close()
    end = time.monotonic() + 20
    while (now := len(os.listdir("/dev/fd"))) >= before + 20:
        assert time.monotonic() < end, f"{now - before} more than before"
        time.sleep(0.01)
