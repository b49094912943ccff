"""grpcio as the other side: a server with a behaviour per text, and channels for Unix sockets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import grpc

TOKEN = (("x-mm-token", "secret"),)
TYPE_PREFIX = "type.googleapis.com/mattermost.plugin.v1."
LIMIT = 1 << 30
OPTIONS = [
    ("grpc.default_authority", "localhost"),
    ("grpc.max_receive_message_length", LIMIT),
    ("grpc.max_send_message_length", LIMIT),
    ("grpc.max_metadata_size", 1 << 20),
    ("grpc.absolute_max_metadata_size", 1 << 20),
]


def channel(socket: str) -> grpc.Channel:
    """Returns a channel to a Unix socket."""
    return grpc.insecure_channel(f"unix:{socket}", options=OPTIONS)


class Peer:
    """The service of echo.proto. What it does with ``Say`` is said by the text.

    ``sleep``: waits until the caller is gone or ``release`` is set; ``error`` and ``details``: fail; anything else is sent back.
    """

    def __init__(self, pb2: ModuleType, pb2_grpc: ModuleType) -> None:
        self.pb2 = pb2
        self.pb2_grpc = pb2_grpc
        self.release = threading.Event()
        self.cancelled = threading.Event()
        self.entered = threading.Event()
        self.metadata: dict[str, Any] = {}
        self.remaining: float | None = None

    def serve(self, socket: str) -> grpc.Server:
        """Starts a server on a Unix socket."""
        server = grpc.server(ThreadPoolExecutor(16), options=OPTIONS)
        self.pb2_grpc.add_EchoServicer_to_server(self, server)
        server.add_insecure_port(f"unix:{socket}")
        server.start()
        return server

    def Say(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 (the rpc's name)
        self.metadata = dict(context.invocation_metadata())
        self.remaining = context.time_remaining()
        if request.text == "sleep":
            over = threading.Event()
            if not context.add_callback(over.set):
                # The caller was gone before this began.
                over.set()
            self.entered.set()
            end = time.monotonic() + 30
            while not (over.wait(0.01) or self.release.is_set() or time.monotonic() > end):
                pass
            if not context.is_active():
                self.cancelled.set()
        elif request.text == "error":
            context.abort(grpc.StatusCode.NOT_FOUND, "nothing here: ö")
        elif request.text == "details":
            self.fail(context, "AppError", self.pb2.AppError(id="app.x", message="Über", status_code=404, where="GetX"))
        elif request.text == "plain":
            self.fail(context, "ErrorValue", self.pb2.ErrorValue(code=2, message="no rows"))
        elif request.text == "huge":
            self.fail(context, "AppError", self.pb2.AppError(detailed_error="x" * 200_000))
        elif request.text == "strange":
            self.fail(context, "Unheard", self.pb2.Inner(name="x"))
        elif request.text == "broken":
            self.fail(context, "AppError", b"\xff\xff\xff")
        return self.pb2.SayResponse(text=request.text or str(len(request.data)))

    def Everything(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 (the rpc's name)
        return self.pb2.EverythingResponse(value=request.value)

    def Nothing(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 (the rpc's name)
        return self.pb2.NothingResponse()

    def Pair(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 (the rpc's name)
        return self.pb2.PairResponse(first=request.first, second=str(request.first))

    def Chat(self, requests: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 (the rpc's name)
        for request in requests:
            if request.text == "error":
                context.abort(grpc.StatusCode.ABORTED, "enough")
            if request.text == "sleep":
                context.add_callback(self.cancelled.set)
                self.entered.set()
                self.release.wait(30)
            yield self.pb2.SayResponse(text=request.text)

    def Collect(self, requests: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 (the rpc's name)
        return self.pb2.SayResponse(text=",".join(request.text for request in requests))

    def heard(self) -> Iterator[float]:
        """Gives times after which a call is to be given up, until one was long enough for the call to be served first.

        On a machine that stands still for a moment the time of a call may be over before it is sent.
        """
        yield from until(self.entered.is_set)

    @staticmethod
    def fail(context: grpc.ServicerContext, name: str, detail: Any) -> None:
        """Ends a call the way the host does: with a detail in ``grpc-status-details-bin``."""
        value = detail if isinstance(detail, bytes) else detail.SerializeToString()
        context.set_trailing_metadata((("grpc-status-details-bin", rpc_status(5, "not found", name, value)),))
        context.abort(grpc.StatusCode.NOT_FOUND, "not found")


def until(heard: Callable[[], bool]) -> Iterator[float]:
    """Gives longer and longer times, until one was enough for this."""
    for seconds in (0.2, 2.0, 20.0):
        yield seconds
        if heard():
            return
    raise AssertionError("the call was not served")


def rpc_status(code: int, message: str, name: str, value: bytes) -> bytes:
    """Returns an encoded ``google.rpc.Status`` with one detail. By hand: the package that has it is not needed otherwise."""
    url = (TYPE_PREFIX + name).encode()
    detail = field(1, url) + field(2, value)
    return b"\x08" + varint(code) + field(2, message.encode()) + field(3, detail)


def first_detail(status: bytes) -> tuple[str, bytes]:
    """Returns name and value of the first detail of an encoded ``google.rpc.Status``."""
    from google.protobuf import any_pb2, unknown_fields

    # The fields of the status, read as unknown fields of a message that has none of these types.
    message = any_pb2.Any()
    fields = {it.field_number: it.data for it in unknown_fields.UnknownFieldSet(_parsed_empty(status))}
    message.ParseFromString(fields[3])
    return message.type_url.removeprefix(TYPE_PREFIX), message.value


def _parsed_empty(data: bytes) -> Any:
    from google.protobuf import empty_pb2

    message = empty_pb2.Empty()
    message.ParseFromString(data)
    return message


def field(number: int, value: bytes) -> bytes:
    """Returns a length-delimited field."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    """Returns a number as protobuf writes it."""
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)
