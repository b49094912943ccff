"""Clients of HTTP that see every byte."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

PATIENCE = 30.0


@dataclass(frozen=True)
class Answer:
    """What came back: status, header, body."""

    status: int
    header: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


class Web:
    """Asks at an address.

    Args:
        address: Host and port.
    """

    def __init__(self, address: str) -> None:
        self.host, _, port = address.partition(":")
        self.port = int(port)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Sends a request, in chunks when the body is an iterable; reads the whole answer.

        Raises:
            http.client.HTTPException: The answer broke off.
        """
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)
        try:
            chunked = body is not None and not isinstance(body, bytes)
            connection.request(method, path, body, headers or {}, encode_chunked=chunked)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def connect(self, request: bytes = b"") -> socket.socket:
        """Opens a connection and sends bytes."""
        connection = socket.create_connection((self.host, self.port), PATIENCE)
        connection.sendall(request)
        return connection

    def raw(self, path: str, fields: Iterable[str] = ()) -> bytes:
        """Asks with GET; returns every byte until the end of the connection."""
        lines = [f"GET {path} HTTP/1.1", "Host: test", "Connection: close", *fields, "", ""]
        with self.connect("\r\n".join(lines).encode()) as connection:
            return b"".join(iter(lambda: connection.recv(65536), b""))


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Waits for something that takes a moment."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"{what} has not happened"
        time.sleep(0.02)
