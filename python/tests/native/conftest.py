"""What the tests of the native module share: grpcio's stubs, compiled when a test run starts, and servers of both kinds.

grpcio and protobuf are the peers here and nowhere else: the SDK itself depends on neither.
"""

from __future__ import annotations

import importlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import grpc
import pytest

SUPPORT = Path(__file__).parent / "support"

sys.path.insert(0, str(SUPPORT))

import echo  # noqa: E402 (found by the line above)
import grpc_peer  # noqa: E402

from mattermost_plugin import _native  # noqa: E402
from protos import compile_protos  # noqa: E402

# A program that was started in the background inherits that Ctrl-C is ignored, and so would the processes that the tests press it in.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def pb2(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The official messages of echo.proto."""
    compile_protos(tmp_path_factory.mktemp("echo"), SUPPORT, "echo.proto")
    return importlib.import_module("echo_pb2")


@pytest.fixture(scope="session")
def pb2_grpc(pb2: ModuleType) -> ModuleType:
    """The official stubs of echo.proto."""
    return importlib.import_module("echo_pb2_grpc")


@pytest.fixture
def socket() -> Iterator[str]:
    """A path for a socket, short enough for the system's limit."""
    with TemporaryDirectory(prefix="mm-") as folder:
        yield f"{folder}/s"


@pytest.fixture
def codec() -> _native.Codec:
    """The native codec for echo.proto."""
    return echo.make_codec()


@pytest.fixture
def grpc_server(socket: str, pb2: ModuleType, pb2_grpc: ModuleType) -> Iterator[grpc_peer.Peer]:
    """A grpcio server on the socket."""
    peer = grpc_peer.Peer(pb2, pb2_grpc)
    server = peer.serve(socket)
    yield peer
    peer.release.set()
    server.stop(None).wait()


@pytest.fixture
def client(socket: str, codec: _native.Codec) -> Iterator[_native.Client]:
    """A native client of the socket, with the token ``secret``."""
    client = _native.Client(socket, codec, token="secret")
    yield client
    client.close()


@pytest.fixture
def server(socket: str, codec: _native.Codec) -> Iterator[_native.Server]:
    """A native server on the socket that demands the token ``secret``; nobody answers its calls yet."""
    server = _native.Server(socket, codec, echo.METHODS, token="secret")
    yield server
    server.stop()


@pytest.fixture
def workers(server: _native.Server) -> Iterator[Callable[..., None]]:
    """Starts threads that answer the server's sync calls with a function, ``workers(function, count)``."""
    threads: list[threading.Thread] = []

    def start(handler: Callable[[_native.Call], None], count: int = 1) -> None:
        def work() -> None:
            while (call := server.recv()) is not None:
                handler(call)
                del call  # an unanswered call ends when it is dropped, not when the next one comes

        for _ in range(count):
            threads.append(threading.Thread(target=work))
            threads[-1].start()

    yield start
    server.stop()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def channel(socket: str) -> Iterator[grpc.Channel]:
    """A grpcio channel to the socket, without a token: the tests say which one they send."""
    with grpc_peer.channel(socket) as channel:
        yield channel


@pytest.fixture
def stub(channel: grpc.Channel, pb2_grpc: ModuleType) -> object:
    """Grpcio's stub on the channel."""
    return pb2_grpc.EchoStub(channel)
