"""grpcio in the place of mm-host: one generic handler for every rpc, and the status of a failed call."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
from google.protobuf import any_pb2
from width_protocol import Protocol

Answer = Callable[[Any, grpc.ServicerContext], Any]

#: Codes of failed API calls by HTTP status, as the design has them; others are INTERNAL.
CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ALREADY_EXISTS,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
}


class Peer(grpc.GenericRpcHandler):
    """Serves every method of every service, by their descriptors.

    Attributes:
        answers: What answers a path: a function of the request (of the iterator of requests, for a stream).
        requests: What arrived, by path; for a stream the list of its messages.
        token: What every call has to carry.
    """

    def __init__(self, protocol: Protocol, socket: str) -> None:
        self.protocol = protocol
        self.token = secrets.token_hex(32)
        self.answers: dict[str, Answer] = {}
        self.requests: dict[str, Any] = {}
        self._server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", -1)])
        self._server.add_generic_rpc_handlers((self,))
        self._server.add_insecure_port(f"unix:{socket}")
        self._server.start()

    def close(self) -> None:
        """Stops serving."""
        self._server.stop(0).wait()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """Returns what handles a call; called by grpcio."""
        path = details.method
        if ("x-mm-token", self.token) not in tuple(details.invocation_metadata):
            return grpc.unary_unary_rpc_method_handler(
                lambda _, context: context.abort(grpc.StatusCode.UNAUTHENTICATED, "wrong token")
            )
        method = self.protocol.method(path)
        request, response = self.protocol.types(path)

        def unary(message: Any, context: grpc.ServicerContext) -> Any:
            self.requests[path] = message
            return self._answer(path, message, context)

        def client_stream(messages: Any, context: grpc.ServicerContext) -> Any:
            self.requests[path] = list(messages)
            return self._answer(path, self.requests[path], context)

        def both_streams(messages: Any, context: grpc.ServicerContext) -> Any:
            self.requests[path] = list(messages)
            yield from self._answer(path, self.requests[path], context)

        make, handle = {
            (False, False): (grpc.unary_unary_rpc_method_handler, unary),
            (True, False): (grpc.stream_unary_rpc_method_handler, client_stream),
            (True, True): (grpc.stream_stream_rpc_method_handler, both_streams),
        }[bool(method.client_streaming), bool(method.server_streaming)]
        return make(handle, request.FromString, response.SerializeToString)

    def _answer(self, path: str, message: Any, context: grpc.ServicerContext) -> Any:
        answer = self.answers.get(path)
        if answer is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{path} is not served here")
        return answer(message, context)

    def fail(self, path: str, code: grpc.StatusCode, detail: Any = None, text: str = "") -> None:
        """Makes a method fail with a status, and with a message in its details."""

        def answer(_: Any, context: grpc.ServicerContext) -> None:
            if detail is not None:
                context.set_trailing_metadata([("grpc-status-details-bin", rpc_status(code, text, detail))])
            context.abort(code, text)

        self.answers[path] = answer


def rpc_status(code: grpc.StatusCode, text: str, detail: Any) -> bytes:
    """Returns an encoded ``google.rpc.Status`` with one detail. By hand: the package that has it is not needed otherwise."""
    packed = any_pb2.Any()
    packed.Pack(detail)
    number: int = code.value[0]
    return b"\x08" + bytes([number]) + _delimited(2, text.encode()) + _delimited(3, packed.SerializeToString())


def _delimited(number: int, data: bytes) -> bytes:
    length, varint = len(data), b""
    while length > 0x7F:
        varint += bytes([length & 0x7F | 0x80])
        length >>= 7
    return bytes([number << 3 | 2]) + varint + bytes([length]) + data


def detail_of(error: grpc.RpcError, protocol: Protocol) -> Any:
    """Returns the official message in the details of a failed call, ``None`` without one."""
    from google.protobuf import empty_pb2, unknown_fields

    metadata = dict(error.trailing_metadata() or ())
    status = metadata.get("grpc-status-details-bin")
    if status is None:
        return None
    # The status's fields, read as unknown fields of a message that has none.
    fields = {it.field_number: it.data for it in unknown_fields.UnknownFieldSet(empty_pb2.Empty.FromString(status))}
    packed = any_pb2.Any.FromString(fields[3])
    return protocol.message(packed.type_url.rpartition("/")[2]).FromString(packed.value)
