"""A host made of grpcio: starts a plugin process by the process contract (`docs/internals/process.md`) and calls its hooks."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import grpc
from width_peer import Peer
from width_protocol import HOOKS, HOST, SOURCE, Protocol

PROGRAM = Path(__file__).parent / "width_plugin.py"
TIMEOUT = 20.0


class Host:
    """The host's end of one plugin process.

    Args:
        protocol: The messages.
        folder: A private folder, with a short path.
        flavour: ``sync`` or ``async``: how the plugin's handlers are written.

    Attributes:
        hello: What the plugin said of itself.
        records: The log records that arrived.
    """

    def __init__(self, protocol: Protocol, folder: Path, flavour: str) -> None:
        self.protocol = protocol
        self._folder = folder
        self.peer = Peer(protocol, f"{folder}/host.sock")
        self.hello: Any = None
        self.records: list[Any] = []
        self._greeted = threading.Event()
        self._serve()
        self._process = self._start(flavour)
        deadline = time.monotonic() + TIMEOUT
        while not self._greeted.wait(0.02):
            assert self._process.poll() is None, "the plugin ended before its hello"
            assert time.monotonic() < deadline, "no hello"
        options = [
            ("grpc.default_authority", "localhost"),
            ("grpc.max_receive_message_length", -1),
            # What mm-host accepts; grpcio by itself begins to refuse at half of it.
            ("grpc.max_metadata_size", 16 * 1024),
            ("grpc.absolute_max_metadata_size", 16 * 1024),
        ]
        self._channel = grpc.insecure_channel(f"unix:{folder}/plugin.sock", options=options)

    def _serve(self) -> None:
        answer = self.protocol.message(f"{HOST}.HelloResponse")(
            host_version="0.1.0",
            protocol_version=1,
            plugin_id="com.example.width",
            plugin_version="1.0.0",
            bundle_path=str(self._folder),
            log_level=1,
            max_sync_handlers=4,
            api_timeout_ms=10_000,
        )

        def hello(request: Any, _: Any) -> Any:
            self.hello = request
            self._greeted.set()
            return answer

        def write_logs(request: Any, _: Any) -> Any:
            self.records.extend(request.records)
            return self.protocol.message(f"{HOST}.WriteLogsResponse")()

        self.peer.answers[f"/{HOST}.PluginHost/Hello"] = hello
        self.peer.answers[f"/{HOST}.PluginHost/WriteLogs"] = write_logs

    def _start(self, flavour: str) -> subprocess.Popen[bytes]:
        read, write = os.pipe()
        os.write(write, self.peer.token.encode())
        os.close(write)
        variables = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(SOURCE),
            "MM_PLUGIN_HOST_SOCKET": f"{self._folder}/host.sock",
            "MM_PLUGIN_SOCKET": f"{self._folder}/plugin.sock",
            "MM_PLUGIN_TOKEN_FD": str(read),
            "MM_PLUGIN_ID": "com.example.width",
            "MM_WIDTH_FOLDER": str(self._folder),
        }
        command = [sys.executable, "-u", str(PROGRAM), flavour]
        process = subprocess.Popen(command, env=variables, pass_fds=[read], stdin=subprocess.PIPE)
        os.close(read)
        return process

    def will(self, how: str, value: object) -> None:
        """Says what the next handlers do: ``return`` or ``raise`` this. What was taken before is forgotten."""
        self.taken()
        (self._folder / "answer").write_bytes(pickle.dumps((how, value)))

    def taken(self) -> list[tuple[str, tuple[Any, ...]]]:
        """Returns the calls that handlers got since this was last asked: hook and arguments."""
        file = self._folder / "taken"
        found: list[tuple[str, tuple[Any, ...]]] = []
        if file.exists():
            with file.open("rb") as data:
                while data.peek(1):
                    found.append(pickle.load(data))  # noqa: S301 (our own plugin wrote it)
            file.unlink()
        return found

    def stub(self, path: str) -> Any:
        """Returns the callable of a method that the plugin serves."""
        method = self.protocol.method(path)
        request, response = self.protocol.types(path)
        make = self._channel.stream_stream if method.client_streaming else self._channel.unary_unary
        return make(path, request.SerializeToString, response.FromString)

    def call(self, hook: str, request: Any) -> Any:
        """Calls a hook with its request (an iterable of them for a stream); returns its answer, or the list of them."""
        metadata = [("x-mm-token", self.peer.token)]
        path = f"/{HOOKS}/{hook}"
        called = self.stub(path)(request, timeout=TIMEOUT, metadata=metadata)
        return list(called) if self.protocol.method(path).server_streaming else called

    def close(self) -> int:
        """Ends the plugin in order; returns its exit status."""
        path = f"/{HOST}.PluginProcess/Shutdown"
        request = self.protocol.types(path)[0](grace_ms=1000, reason="test")
        self.stub(path)(request, timeout=5, metadata=[("x-mm-token", self.peer.token)])
        try:
            return self._process.wait(TIMEOUT)
        finally:
            self._process.kill()
            self._process.communicate()
            self._channel.close()
            self.peer.close()
