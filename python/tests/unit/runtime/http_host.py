"""The server's side of one HTTP exchange, for the tests of HTTP: grpcio in the place of mm-host."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

PREAMBLE = """
import asyncio, datetime, enum, logging, time, uuid
from dataclasses import dataclass
from typing import Any, Literal
from mattermost_plugin import *
from mattermost_plugin.http import *
from mattermost_plugin.models import *
"""


class Exchange:
    """One exchange, part by part."""

    def __init__(self, host: Any, hook: str = "ServeHTTP") -> None:
        path = f"/mattermost.plugin.v1.PluginHooks/{hook}"
        self.request, _ = host.protocol.types(path)
        self.outgoing: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.call = host.stub(path)(iter(self.outgoing.get, None), timeout=20, metadata=host.metadata)

    def start(
        self, method: str = "GET", url: str = "/", *, user: str = "u1", headers: dict[str, Any] | None = None
    ) -> None:
        fields = {name: [value] if isinstance(value, str) else value for name, value in (headers or {}).items()}
        if user:
            fields["Mattermost-User-Id"] = [user]
        request = {
            "method": method,
            "url": url,
            "proto": "HTTP/1.1",
            "host": "chat.example.com",
            "remote_addr": "10.0.0.1:4711",
            "request_uri": f"/sub/plugins/com.example.test{url}",
            "header": {name: {"values": values} for name, values in fields.items()},
        }
        self.send(start={"context": {"session_id": "s1"}, "request": request, "response_header": {}})

    def send(self, **part: Any) -> None:
        self.outgoing.put(self.request(**part))

    def end_body(self) -> None:
        self.send(body_end={})

    def done(self) -> None:
        self.outgoing.put(None)

    def parts(self) -> Iterator[tuple[str, Any]]:
        for message in self.call:
            name = message.WhichOneof("part")
            yield name, getattr(message, name)

    def answer(self) -> Answer:
        return Answer(list(self.parts()))


class Answer:
    """A whole answer."""

    def __init__(self, parts: list[tuple[str, Any]]) -> None:
        self.parts = [name for name, _ in parts]
        heads = [value for name, value in parts if name == "head"]
        self.status = heads[-1].status_code if heads else 0
        self.headers = {name: list(values.values) for name, values in heads[-1].header.items()} if heads else {}
        self.body = b"".join(value for name, value in parts if name == "body")

    def __repr__(self) -> str:
        return f"Answer({self.status}, {self.body!r})"


def ask(
    host: Any, method: str = "GET", url: str = "/", body: bytes = b"", *, hook: str = "ServeHTTP", **start: Any
) -> Answer:
    """Makes a whole request and returns the whole answer."""
    exchange = Exchange(host, hook)
    exchange.start(method, url, **start)
    for at in range(0, len(body), 65536):
        exchange.send(body=body[at : at + 65536])
    exchange.end_body()
    try:
        return exchange.answer()
    finally:
        exchange.done()
