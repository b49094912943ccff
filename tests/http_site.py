"""A plugin behind `mm-host dev --http`, for tests that are its clients: raw sockets, so that they can misbehave."""

from __future__ import annotations

import json
import os
import queue
import re
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

from conftest import SDK

PLUGIN_ID = "org.example.http"
#: Seconds after which what has not happened is a failure.
PATIENCE = 60.0
PREAMBLE = """
import asyncio, json, os, threading, time
from mattermost_plugin import *
from mattermost_plugin.files import *
from mattermost_plugin.http import *
from mattermost_plugin.models import *
"""


class Site:
    """A running plugin, and the address that it is at."""

    def __init__(self, mm_host: Path, plugin: str, *options: str, python: dict[str, Any] | None = None) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="mm")
        root = Path(self.folder.name)
        (root / "plugin").mkdir()
        (root / "plugin" / "plugin.py").write_text(PREAMBLE + textwrap.dedent(plugin), encoding="utf-8")
        manifest = {
            "id": PLUGIN_ID,
            "name": "HTTP",
            "version": "0.1.0",
            "server": {"executable": "plugin.py", "runtime": "python", "python": python or {}},
        }
        (root / "plugin" / "plugin.json").write_text(json.dumps(manifest), encoding="utf-8")
        self.root = root
        environment = {**os.environ, "XDG_CACHE_HOME": str(root / "cache"), "NO_COLOR": "1"}
        environment.pop("PYTHONPATH", None)
        command = [mm_host, "dev", root / "plugin", "--sdk", SDK, "--python", sys.executable]
        command += ["--http", "127.0.0.1:0", "--metrics", "127.0.0.1:0", *options]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        self.token = ""
        self.lines: list[str] = []
        self.log_lines: list[str] = []
        self._said: queue.SimpleQueue[str] = queue.SimpleQueue()
        for stream, keep in ((self.process.stdout, self.lines), (self.process.stderr, self.log_lines)):
            threading.Thread(target=self._read, args=(stream, keep), daemon=True).start()
        self.port = int(self.logged(r"serving HTTP at http://127\.0\.0\.1:(\d+)/")[1])
        self.metrics_port = int(self.logged(r"serving metrics at http://127\.0\.0\.1:(\d+)/")[1])
        self.token = self.say(":token")

    def _read(self, stream: Any, keep: list[str]) -> None:
        # One by one: others look at the list meanwhile.
        for line in stream:
            keep.append(line.rstrip("\n"))  # noqa: PERF401

    def say(self, line: str) -> str:
        """Types a line, and returns the first line of the answer."""
        known = len(self.lines)
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        # The line is repeated, then comes what it gives.
        wanted = known + (1 if line.startswith(":wait") else 2)
        self.until(lambda: len(self.lines) >= wanted and self.lines[known].endswith(line), f"no answer to {line}")
        return self.lines[wanted - 1]

    def logged(self, pattern: str, timeout: float = PATIENCE) -> re.Match[str]:
        """Returns what a line of the log matches, waiting for it."""

        def look() -> re.Match[str] | None:
            if self.token:
                # What is logged is shown before and after an action.
                self.say(":wait 1ms")
            return next((found for line in list(self.log_lines) if (found := re.search(pattern, line))), None)

        return self.until(look, f"no {pattern!r} in the log", timeout)

    def until(self, look: Any, why: str, timeout: float = PATIENCE) -> Any:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            found = look()
            if found:
                return found
            time.sleep(0.01)
        log = "\n".join(self.log_lines[-30:])
        raise AssertionError(f"{why}; the log:\n{log}")

    def connect(self, port: int = 0) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port or self.port), timeout=PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def head(self, method: str, path: str, headers: dict[str, str] | None = None, *, user: bool = True) -> bytes:
        """Returns the bytes that a request begins with."""
        fields = {"Host": "localhost", **({"Authorization": f"Bearer {self.token}"} if user else {}), **(headers or {})}
        lines = [
            f"{method} /plugins/{PLUGIN_ID}{path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in fields.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: dict[str, str] | None = None,
        user: bool = True,
        port: int = 0,
    ) -> Answer:
        """Makes a whole request on a connection of its own and returns the whole answer."""
        fields = {"Connection": "close", **(headers or {})}
        if body is not None:
            fields["Content-Length"] = str(len(body))
        with self.connect(port) as connection:
            connection.sendall(self.head(method, path, fields, user=user) + (body or b""))
            return Answer(connection, method)

    def pids(self) -> tuple[int, int]:
        """Returns the ids of the host and of the Python process."""
        host = self.process.pid

        def look() -> list[int] | None:
            try:
                names = {child: Path(f"/proc/{child}/comm").read_text().strip() for child in children(host)}
            except OSError:
                # A thread or a process that has ended since it was listed.
                return None
            found = [child for child, name in names.items() if name != "mm-host-janitor"]
            return found if len(found) == 1 else None

        return host, self.until(look, "there is no process, or more than one")[0]

    def memory(self) -> tuple[int, int]:
        """Returns the resident memory of host and Python in bytes."""
        host, python = self.pids()
        return resident(host), resident(python)

    def close(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.folder.cleanup()


def children(pid: int) -> list[int]:
    """Returns the ids of the processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


class Answer:
    """An answer, read to its end or to where the connection broke."""

    def __init__(self, connection: socket.socket, method: str = "GET") -> None:
        self.file = connection.makefile("rb")
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.complete = False
        line = self.file.readline()
        if not line:
            return
        self.status = int(line.split()[1])
        while line := self.file.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            self.headers[name.lower()] = value.strip()
        if method == "HEAD" or self.status in (204, 304):
            self.complete = True
        elif "content-length" in self.headers:
            wanted = int(self.headers["content-length"])
            self.body = self._read(wanted)
            self.complete = len(self.body) == wanted
        elif self.headers.get("transfer-encoding") == "chunked":
            self.complete = self._read_chunks()
        else:
            self.body = self._read(-1)

    def _read(self, size: int) -> bytes:
        try:
            return self.file.read(size)
        except ConnectionError:
            return b""

    def _read_chunks(self) -> bool:
        pieces: list[bytes] = []
        try:
            while True:
                line = self.file.readline()
                if not line.endswith(b"\n"):
                    return False
                size = int(line.split(b";")[0], 16)
                piece = self.file.read(size)
                pieces.append(piece)
                if len(piece) < size:
                    return False
                self.file.readline()
                if not size:
                    return True
        except ConnectionError:
            return False
        finally:
            self.body = b"".join(pieces)

    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"Answer({self.status}, {self.headers}, {self.body[:200]!r}, complete={self.complete})"
