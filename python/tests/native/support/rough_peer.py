"""An HTTP/2 server of a few lines that answers with whatever bytes a test wants, which no proper library would send."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

DATA, HEADERS, RESET, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
END_STREAM, ACK, END_HEADERS = 1, 1, 4

#: Given the connection and the number of the stream on which a request came.
Answer = Callable[[socket.socket, int], None]


class RoughPeer:
    """Listens on a Unix socket and runs ``answer`` for every request."""

    def __init__(self, path: str, answer: Answer) -> None:
        self.answer = answer
        self.path = path
        self.closing = False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Stops listening, when the thread has: a system call goes by the descriptor's number, which would be the next peer's."""
        self.closing = True
        with socket.socket(socket.AF_UNIX) as waker:
            waker.connect(self.path)
        self.thread.join(20)
        assert not self.thread.is_alive()
        self.listener.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            if self.closing:
                connection.close()
                return
            threading.Thread(target=self._until_closed, args=(connection,), daemon=True).start()

    def _until_closed(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, EOFError):
            self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        exactly(connection, len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
        connection.sendall(frame(SETTINGS, 0, 0))
        while True:
            header = exactly(connection, 9)
            length, kind, flags = int.from_bytes(header[:3], "big"), header[3], header[4]
            exactly(connection, length)
            if kind == SETTINGS and not flags & ACK:
                connection.sendall(frame(SETTINGS, ACK, 0))
            elif kind == HEADERS:
                self.answer(connection, struct.unpack(">I", header[5:])[0])


def exactly(connection: socket.socket, length: int) -> bytes:
    """Reads that many bytes."""
    data = b""
    while len(data) < length:
        more = connection.recv(length - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Returns an HTTP/2 frame."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def headers(**fields: str) -> bytes:
    """Returns a header block in which nothing is indexed; ``_`` in names stands for ``-``, and the status is 200 unless given."""
    status = fields.pop("status", "200")
    pairs = [(":status", status), *((name.replace("_", "-"), value) for name, value in fields.items())]
    block = b""
    for name, value in pairs:
        block += b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
    return block
