"""A host for the tests: grpcio and protobuf in the place of mm-host, so that both ends of the wire are other people's code.

`Protocol` compiles the repository's proto files; `Host` serves the plugin API, starts a plugin process by the process contract
and calls its hooks.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "python" / "src"

HOST = "mattermost.host.v1"
PLUGIN = "mattermost.plugin.v1"


class Protocol:
    """The messages and services of the proto files, by name."""

    def __init__(self, folder: Path) -> None:
        out = folder / "all.binpb"
        files = sorted(str(path) for path in (ROOT / "proto").rglob("*.proto"))
        includes = [f"-I{ROOT / 'proto'}", f"-I{Path(protoc.__file__).parent / '_proto'}"]
        code = protoc.main(["protoc", *includes, "--include_imports", f"--descriptor_set_out={out}", *files])
        assert code == 0, "the proto files do not compile"
        self.pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file:
            self.pool.Add(file)

    def message(self, name: str) -> Any:
        """Returns the class of a message, by its full name or by that in the plugin's package."""
        full = name if name.startswith("mattermost.") else f"{PLUGIN}.{name}"
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(full))

    def method(self, path: str) -> Any:
        """Returns the descriptor of a method by its path."""
        service, _, name = path.removeprefix("/").partition("/")
        return self.pool.FindServiceByName(service).FindMethodByName(name)

    def types(self, path: str) -> tuple[Any, Any]:
        """Returns the classes of a method's request and response."""
        method = self.method(path)
        return self.message(method.input_type.full_name), self.message(method.output_type.full_name)


@pytest.fixture(scope="session")
def protocol(tmp_path_factory: pytest.TempPathFactory) -> Protocol:
    return Protocol(tmp_path_factory.mktemp("proto"))


Answer = Callable[[Any, grpc.ServicerContext], Any]


class Host(grpc.GenericRpcHandler):
    """The host's end: serves what the plugin calls, and calls the plugin.

    Attributes:
        hello: The plugin's hello.
        records: The log records that arrived.
        calls: Names of the API methods that were called, in order.
    """

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.folder = tempfile.TemporaryDirectory(prefix="mm")
        self.token = secrets.token_hex(32)
        self.hello: Any = None
        self.hello_answer: dict[str, Any] = {
            "host_version": "0.1.0",
            "protocol_version": 1,
            "plugin_id": "com.example.test",
            "plugin_version": "1.2.3",
            "bundle_path": "/bundle",
            "log_level": 1,
            "max_sync_handlers": 4,
            "api_timeout_ms": 5000,
        }
        self.records: list[Any] = []
        self.calls: list[str] = []
        self.config: dict[str, Any] = {}
        self.answers: dict[str, Answer] = {}
        self.process: subprocess.Popen[str] | None = None
        self._said_hello = threading.Event()
        self._server = grpc.server(futures.ThreadPoolExecutor(32))
        self._server.add_generic_rpc_handlers((self,))
        self._server.add_insecure_port(f"unix:{self.socket('host')}")
        self._server.start()
        self._channel: grpc.Channel | None = None

    def socket(self, name: str) -> str:
        return f"{self.folder.name}/{name}.sock"

    def on(self, method: str, answer: Answer) -> None:
        """Answers an API method by a function of the request; it may return a dict for the response."""
        self.answers[method] = answer

    def fail(self, method: str, detail: str, **fields: Any) -> None:
        """Fails an API method as the host does: with an `AppError` or an `ErrorValue` in the status's details."""
        message = self.protocol.message(detail)(**fields)
        self.answers[method] = lambda _, context: _abort(context, message, fields.get("message", ""))

    # The server's side.

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        path = details.method
        if ("x-mm-token", self.token) not in tuple(details.invocation_metadata):
            return _refuse(grpc.StatusCode.UNAUTHENTICATED, "wrong token")
        request, response = self.protocol.types(path)
        name = path.rpartition("/")[2]
        answer = {"Hello": self._hello, "WriteLogs": self._write_logs}.get(name, self.answers.get(name))
        if name == "LoadPluginConfiguration" and answer is None:
            answer = self._configuration
        if answer is None:
            return _refuse(grpc.StatusCode.UNIMPLEMENTED, f"{name} is not served here")

        def handle(message: Any, context: grpc.ServicerContext) -> Any:
            if not path.startswith(f"/{HOST}"):
                self.calls.append(name)
            result = answer(message, context)
            return response(**result) if isinstance(result, dict) else result or response()

        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[_streaming(self.protocol.method(path))]
        handler = handle if make is not grpc.stream_stream_rpc_method_handler else answer
        return make(handler, request.FromString, response.SerializeToString)

    def _hello(self, message: Any, _: grpc.ServicerContext) -> Any:
        self.hello = message
        self._said_hello.set()
        return self.hello_answer

    def _write_logs(self, message: Any, _: grpc.ServicerContext) -> Any:
        self.records.extend(message.records)

    def _configuration(self, _: Any, __: grpc.ServicerContext) -> Any:
        return {self._configuration_field(): json.dumps(self.config).encode()}

    def _configuration_field(self) -> str:
        return self.protocol.message("LoadPluginConfigurationResponse").DESCRIPTOR.fields[0].name

    # The caller's side.

    def start(self, program: str, *, wait: bool = True, **environment: str) -> None:
        """Starts a plugin process with this program and waits for its hello."""
        path = Path(self.folder.name) / "plugin.py"
        path.write_text(textwrap.dedent(program))
        read, write = os.pipe()
        os.write(write, self.token.encode())
        os.close(write)
        variables = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(SOURCE),
            "PYTHONUNBUFFERED": "1",
            "PYTHONFAULTHANDLER": "1",
            "MM_PLUGIN_HOST_SOCKET": self.socket("host"),
            "MM_PLUGIN_SOCKET": self.socket("plugin"),
            "MM_PLUGIN_TOKEN_FD": str(read),
            "MM_PLUGIN_ID": "com.example.test",
            **environment,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-u", str(path)],
            env=variables,
            pass_fds=[read],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        os.close(read)
        if not wait:
            return
        deadline = time.monotonic() + 20
        while not self._said_hello.wait(0.05):
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < deadline, "no hello"
        options = [("grpc.default_authority", "localhost"), ("grpc.max_receive_message_length", -1)]
        self._channel = grpc.insecure_channel(f"unix:{self.socket('plugin')}", options=options)

    def stub(self, path: str) -> Any:
        """Returns the callable of a method that the plugin serves."""
        assert self._channel is not None
        request, response = self.protocol.types(path)
        make = {
            (False, False): self._channel.unary_unary,
            (True, True): self._channel.stream_stream,
        }[_streaming(self.protocol.method(path))]
        return make(path, request.SerializeToString, response.FromString)

    def hook(self, name: str, *, timeout: float = 10.0, **fields: Any) -> Any:
        """Calls a hook with the request's fields; returns its response."""
        path = f"/{PLUGIN}.PluginHooks/{name}"
        request = self.protocol.types(path)[0](**fields)
        return self.stub(path)(request, timeout=timeout, metadata=self.metadata)

    def hook_future(self, name: str, *, timeout: float = 10.0, **fields: Any) -> Any:
        """Like `hook`, without waiting."""
        path = f"/{PLUGIN}.PluginHooks/{name}"
        request = self.protocol.types(path)[0](**fields)
        return self.stub(path).future(request, timeout=timeout, metadata=self.metadata)

    @property
    def metadata(self) -> list[tuple[str, str]]:
        return [("x-mm-token", self.token)]

    def shutdown(self, grace_ms: int = 2000) -> None:
        path = f"/{HOST}.PluginProcess/Shutdown"
        request = self.protocol.types(path)[0](grace_ms=grace_ms, reason="test")
        self.stub(path)(request, timeout=5, metadata=self.metadata)

    def wait(self, timeout: float = 20.0) -> tuple[int, str, str]:
        """Waits for the process's end; returns its status, output and errors."""
        assert self.process is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        # Not communicate(): it would close standard input, which is the plugin's lifeline.
        status = self.process.wait(timeout)
        return status, self.process.stdout.read(), self.process.stderr.read()

    def stop(self) -> tuple[int, str, str]:
        """Ends the plugin in order."""
        self.shutdown()
        return self.wait()

    def log(self, text: str, timeout: float = 20.0) -> Any:
        """Returns the first log record that has this in its message, waiting for it."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for record in list(self.records):
                if text in record.message:
                    return record
            time.sleep(0.01)
        raise AssertionError(f"no record with {text!r}, only {[record.message for record in self.records]}")

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()
        self._server.stop(0)
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self.folder.cleanup()


def _streaming(method: Any) -> tuple[bool, bool]:
    return bool(method.client_streaming), bool(method.server_streaming)


def _refuse(code: grpc.StatusCode, text: str) -> grpc.RpcMethodHandler:
    def refuse(_: Any, context: grpc.ServicerContext) -> None:
        context.abort(code, text)

    return grpc.unary_unary_rpc_method_handler(refuse)


@pytest.fixture
def host(protocol: Protocol) -> Iterator[Host]:
    host = Host(protocol)
    yield host
    host.close()


def _abort(context: grpc.ServicerContext, detail: Any, text: str) -> None:
    type_url = f"type.googleapis.com/{detail.DESCRIPTOR.full_name}"
    packed = any_pb2.Any(type_url=type_url, value=detail.SerializeToString()).SerializeToString()
    # google.rpc.Status, written out to need no package for it: code = 1, message = 2, details = 3.
    status = b"\x08\x02" + _length_delimited(2, text.encode()) + _length_delimited(3, packed)
    context.set_trailing_metadata([("grpc-status-details-bin", status)])
    context.abort(grpc.StatusCode.UNKNOWN, text)


def _length_delimited(number: int, data: bytes) -> bytes:
    length, varint = len(data), b""
    while length > 0x7F:
        varint += bytes([length & 0x7F | 0x80])
        length >>= 7
    return bytes([number << 3 | 2]) + varint + bytes([length]) + data
