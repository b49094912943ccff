"""The native core of the SDK: a table-driven protobuf codec, a gRPC client and a gRPC server, written in Rust (crate mm-pyrt).

Real gRPC over a Unix socket: any gRPC implementation can be the peer. Nothing outside this package imports it.

Rules that hold for everything here:

- Every blocking function releases the GIL while it waits, and when called on the main thread lets signal handlers run at
  least every 50 ms, so Ctrl-C works. Times are seconds, as floats; ``None`` is "no limit".
- After ``os.fork()`` every entry point but ``version`` and the codec raises ``RuntimeError`` in the child: the core's threads
  do not exist there. ``subprocess`` is not affected; with ``multiprocessing`` use the ``spawn`` method.
- All objects may be used by several threads at once, unless it says otherwise.

**Tables.** A message's table is ``(cls, ((number, attr, kind, ref), ...))``. ``cls`` is the class whose instances carry the
fields as attributes, or ``None`` for a message that is a plain tuple of its fields in table order. ``kind`` is a base plus flags:

==  ==================================================================================================================
1   bool
2   int32
3   int64
4   uint32
5   uint64
6   float
7   double
8   string: ``str``
9   bytes: ``bytes`` (encoding takes ``bytearray`` and ``memoryview`` too)
10  message, ``ref`` = its name
11  Value: plain Python (see below), ``ref`` = ``None``
12  google.protobuf.Timestamp: an aware ``datetime`` in UTC, ``None`` when absent; what is finer than microseconds is dropped
13  string enum, ``ref`` = name of the enum class; unknown values are plain ``str``
14  int enum (int64 on the wire), ``ref`` = name of the enum class; unknown values are plain ``int``
15  ErrorValue: an exception object (see ``make_error``), ``None`` when absent
16  map, ``ref`` = ``(key_kind, value_kind, value_ref)``: ``dict``
17  wrapper message, ``ref`` = ``(kind, ref)`` of its field number 1; Python sees the bare list or dict
==  ==================================================================================================================

Flags: ``0x20`` optional (``None`` when absent), ``0x40`` repeated (``list``), ``0x80`` the fields of the message are attributes of
its owner. A message without the optional flag is there by value: absent on the wire it is a default instance.

``Value`` itself has a table too, given by ``resolve("Value")``: ``(None, oneof members)``, where the member that stands for null is
called ``null`` or ``null_value``, the members of kind 10 named ``ValueList`` and ``ValueMap`` hold lists and maps, and one of kind 15
exceptions; other members of kind 10 are registered model classes and of kind 17 lists of them.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

def version() -> str:
    """The version of the native core, such as ``"0.1.0"``: the same as the SDK's, when both come from one build."""

class RpcError(Exception):
    """A call ended with a gRPC status other than OK. ``str()`` of it is ``"NOT_FOUND: text"``."""

    code: int
    """The gRPC status code: 1 CANCELLED, 2 UNKNOWN, 3 INVALID_ARGUMENT, 4 DEADLINE_EXCEEDED, 5 NOT_FOUND, … 14 UNAVAILABLE."""
    message: str
    """The text of the status."""
    details: Any
    """The decoded first detail: an ``AppError`` model, the exception that ``make_error`` made of an ``ErrorValue``, or ``None``."""

    def __init__(self, code: int, message: str, details: object = None) -> None: ...
    @property
    def code_name(self) -> str:
        """The name of ``code``, such as ``"NOT_FOUND"``; ``"CODE_99"`` for one that gRPC does not know."""

class Codec:
    """Protobuf bytes ↔ dataclass instances and tuples, by tables. Tables are read when first needed and then kept."""

    def __init__(
        self,
        resolve: Callable[[str], tuple[type | None, tuple[tuple[int, str, int, Any], ...]]],
        resolve_enum: Callable[[str], type] | None = None,
        *,
        make_error: Callable[[int, str, Any], BaseException] | None = None,
        split_error: Callable[[BaseException], tuple[int, str, Any]] | None = None,
    ) -> None:
        """
        Args:
            resolve: Message name → table. A ``KeyError`` from it surfaces where the message is first used.
            resolve_enum: Enum name → enum class; asked when a table first names it.
            make_error: ``(code, message, detail)`` → exception object; by default ``RuntimeError(message)``. ``detail`` is an ``AppError``
                model, a ``PostgresError`` model, or ``None``.
            split_error: The way back; by default ``(0, str(error), None)``. Encoding takes a plain ``str`` as an error too.
        """

    def encode(self, message: str, value: object) -> bytes:
        """Encodes an instance of the message's class, or a tuple when it has none.

        Raises:
            TypeError: A field has a value of a wrong type; the text names message and field (``Post.create_at: expected int, got str``).
            ValueError: A number out of range, text that is not Unicode, nesting deeper than 100 messages.
        """

    def decode(self, message: str, data: bytes) -> Any:
        """Decodes to a new instance of the message's class (made without ``__init__``), or to a tuple. Unknown fields are skipped.

        Raises:
            ValueError: The bytes are no such message; the text names message and field.
        """

class Client:
    """A gRPC channel over a Unix socket. Connects at the first call, and again when the connection was lost."""

    def __init__(
        self,
        socket: str,
        codec: Codec,
        *,
        token: str | None = None,
        user_agent: str | None = None,
        peer_pid: int | None = None,
    ) -> None:
        """
        Args:
            socket: Path of the Unix socket.
            codec: What turns arguments and results into bytes and back.
            token: Sent with every call as metadata ``x-mm-token``.
            user_agent: Put before the core's own name in ``user-agent``.
            peer_pid: When given, the process that serves the socket must have this id. It must be of this user in any case.
        """

    def call(
        self, path: str, request: str, response: str, args: tuple[object, ...], timeout: float | None = None
    ) -> Any:
        """Makes one unary call and waits for its answer.

        Args:
            path: Such as ``"/mattermost.plugin.v1.PluginApi/GetUser"``.
            request: Name of the request message, a tuple message.
            response: Name of the response message. A tuple message of no field gives ``None``, of one that value, of more a tuple;
                a message with a class gives its instance.
            args: The request's fields in order.
            timeout: Seconds until the call fails with DEADLINE_EXCEEDED; sent to the peer as ``grpc-timeout``.

        Raises:
            RpcError: The call failed. UNAVAILABLE when the peer cannot be reached or went away.
            TypeError, ValueError: ``args`` cannot be encoded. Nothing was sent.
            KeyboardInterrupt: Or what else a signal handler raises; the call was cancelled.
        """

    def call_async(
        self, path: str, request: str, response: str, args: tuple[object, ...], timeout: float | None = None
    ) -> asyncio.Future[Any]:
        """Like ``call``, for the running event loop: the future has the result or the ``RpcError``. Cancelling it cancels the call."""

    def stream(self, path: str, request: str, response: str, timeout: float | None = None) -> ClientStream:
        """Opens a streaming call of any kind (client, server or both ways streaming). Does not wait."""

    def close(self) -> None:
        """Closes the connection. Running calls end with UNAVAILABLE or CANCELLED, later ones raise ``RuntimeError``. Idempotent."""

class ClientStream:
    """The calling side of a streaming rpc. One thread (or task) may write while another reads. Dropping it cancels the call."""

    def write(self, values: tuple[object, ...]) -> bool:
        """Sends one request message; waits while the peer is slow. ``False``: the call has ended, ``read`` tells how."""
    def write_async(self, values: tuple[object, ...]) -> asyncio.Future[bool]: ...
    def done_writing(self) -> None:
        """No more request messages. Idempotent."""
    def read(self) -> tuple[Any, ...] | None:
        """The next response message as a tuple (never unwrapped), or ``None`` after the last one. Raises ``RpcError``."""
    def read_async(self) -> asyncio.Future[tuple[Any, ...] | None]: ...
    def cancel(self) -> None:
        """Ends the call; the peer sees it cancelled. Idempotent."""

class Server:
    """A gRPC server on a Unix socket, whose calls are answered by Python threads that wait in ``recv`` and by an event loop.

    Served by the core itself: ``grpc.health.v1.Health`` and ``mattermost.host.v1.PluginProcess/Shutdown``. A path that is not in
    ``methods`` answers UNIMPLEMENTED. At the end of the main thread the server is stopped without grace, so that waiting
    non-daemon threads do not keep the process alive.
    """

    def __init__(
        self,
        socket: str,
        codec: Codec,
        methods: Mapping[str, tuple[str, str, bool] | tuple[str, str, bool, bool]],
        *,
        token: str | None = None,
        peer_pid: int | None = None,
    ) -> None:
        """Binds the socket (mode 0600) and starts to accept. Calls wait in their queue until somebody takes them.

        Args:
            socket: Path of the Unix socket to make; must not exist.
            codec: What turns arguments and results into bytes and back.
            methods: Path → ``(request, response, is_async)`` or ``(request, response, is_async, is_stream)``. ``is_async`` chooses the queue:
                ``drain_async`` instead of ``recv``. ``is_stream``: messages are read and written one by one, in both directions.
            token: What a caller must send as ``x-mm-token``; others get UNAUTHENTICATED.
            peer_pid: When given, only connections from this process are accepted. They must be of this user in any case.

        Raises:
            OSError: The socket cannot be made.
        """

    def recv(self, timeout: float | None = None) -> Call | None:
        """Waits for the next call of a sync method. ``None``: the server is stopping, or the time is over (see ``stopping``)."""

    def fileno(self) -> int:
        """For ``loop.add_reader``: readable when ``drain_async``, ``drain_cancelled`` or ``shutdown_requested`` have news."""

    def drain_async(self) -> list[Call]:
        """All waiting calls of async methods; never blocks. Makes ``fileno`` unreadable again."""

    def drain_cancelled(self) -> list[int]:
        """``Call.id`` of calls of async methods that were handed out and then cancelled by their caller or by their deadline."""

    def pending(self) -> int:
        """How many calls of sync methods wait for a thread."""

    def idle(self) -> int:
        """How many threads wait in ``recv``. 0 with ``pending() > 0`` means: start another worker, or nested calls may deadlock."""

    def active(self) -> int:
        """How many calls, sync and async, were handed out and have no answer yet."""

    @property
    def shutdown_requested(self) -> bool:
        """Whether the host called ``PluginProcess.Shutdown``. From then on new calls are answered UNAVAILABLE."""
    @property
    def shutdown_grace(self) -> float:
        """How long running hooks may still take, in seconds, as ``Shutdown`` said; 0.0 before."""
    @property
    def shutdown_reason(self) -> str:
        """Why, as ``Shutdown`` said; ``""`` before."""
    def wait_shutdown(self, timeout: float | None = None) -> bool:
        """Waits until shutdown is requested or ``stop`` is called. ``False``: the time is over, or a thread serves a call whose time is
        over, which should be looked at. To be called by the main thread again and again: from that the host knows that Python runs.
        """
    @property
    def stopping(self) -> bool:
        """Whether ``stop`` was called."""
    def stop(self, grace: float = 0.0) -> None:
        """Stops: accepts nothing more, wakes all threads in ``recv``, answers queued calls with UNAVAILABLE, waits up to ``grace`` seconds
        for the calls that were handed out, cancels the rest, closes the connections and removes the socket. Idempotent.
        """

class Call:
    """One call of a hook, from ``recv`` or ``drain_async``. One that is dropped without an answer ends with INTERNAL."""

    id: Final[int]
    """Unique in the server."""
    path: Final[str]
    """The full method, such as ``"/mattermost.plugin.v1.PluginHooks/MessageWillBePosted"``."""
    is_stream: Final[bool]

    @property
    def args(self) -> tuple[Any, ...]:
        """The request's fields, decoded at the first access. Raises ``ValueError`` for bytes that are no such message; ``()`` for a stream."""
    @property
    def metadata(self) -> dict[str, str]:
        """Text metadata by lower-case key, without the token."""
    def remaining(self) -> float | None:
        """Seconds until the caller's deadline, not below 0.0; ``None`` when it gave none."""
    @property
    def cancelled(self) -> bool:
        """Whether the caller does not wait any more (cancelled, gone, deadline over, server stopped). An answer is then dropped."""

    def adopt(self) -> bool:
        """The event loop takes over a call that came from ``recv``: from here on ``drain_cancelled`` says when it is cancelled. To be called on
        the loop's thread, before the next ``drain_cancelled``. ``False``: it is cancelled already.
        """

    @property
    def active(self) -> bool:
        """Whether the call has no answer yet: none of ``reply``, ``fail`` and ``finish`` was called."""

    def reply(self, values: tuple[object, ...] = ()) -> bool:
        """Answers with the response's fields. ``False``: nobody waits any more.

        Raises:
            TypeError, ValueError: The values cannot be encoded; the call stays open, so ``fail`` can tell the caller.
            RuntimeError: The call was answered before, or is a stream.
        """

    def fail(self, code: int, message: str, details: object = None) -> bool:
        """Ends the call with a gRPC status other than 0, streams too. ``False``: nobody waits any more.

        Args:
            code: 1 to 16.
            message: Text of the status; beyond 1 KiB it is cut.
            details: An ``AppError`` model, an exception (travels as ``ErrorValue``) or ``None``; texts are cut so that it fits a header.
        """

    def read_message(self) -> tuple[Any, ...] | None:
        """Stream only: waits for the caller's next message; ``None`` after its last. Raises ``RpcError`` when it is gone."""
    def read_message_async(self) -> asyncio.Future[tuple[Any, ...] | None]: ...
    def write_message(self, values: tuple[object, ...]) -> bool:
        """Stream only: sends one message; waits while the caller is slow. ``False``: nobody waits any more."""
    def write_now(self, values: tuple[object, ...], *, more: bool = False) -> bool | None:
        """Stream only: like ``write_message`` when that need not wait; otherwise ``None``, and nothing was sent. With `more` it goes out
        together with what is sent next, which has to follow at once.
        """
    def write_message_async(self, values: tuple[object, ...]) -> asyncio.Future[bool]: ...
    def finish(self) -> bool:
        """Stream only: ends the call with OK. ``False``: nobody waits any more."""

class WebSocket:
    """The server's side of one WebSocket (RFC 6455), after its handshake, without any socket: bytes and messages in, bytes and events out.

    Answers pings by itself. Not for several threads at once.
    """

    def __init__(self, max_message: int = 16777216) -> None:
        """
        Args:
            max_message: Bytes of the largest message that is taken; a larger one closes the connection with 1009.
        """

    def feed(self, data: bytes) -> list[tuple[int, str | bytes]]:
        """Takes what came from the client, and gives what it means, in order: ``(0, bytes)`` a binary message, ``(1, str)`` a text,
        ``(code, reason)`` from 1000 on the end: the client's close frame (1005 when it named no code), or 1002, 1007, 1009 when the client broke
        the protocol, and a close frame that says so waits in `take`.
        """

    def send(self, message: str | bytes) -> None:
        """Queues a message. Raises ``RuntimeError`` when the connection is closed."""

    def ping(self, payload: bytes = b"") -> None:
        """Queues a ping of at most 125 bytes."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Queues a close frame; later messages cannot be sent. Idempotent."""

    def take(self) -> bytes:
        """What is to be sent to the client: all that was queued since the last call, answers to its pings and its close frame."""
