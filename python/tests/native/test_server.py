"""A grpcio client against the native server."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

import echo
import grpc
import grpc_peer
import pytest
from echo import AppError, PlainError, PostgresError
from grpc_peer import TOKEN
from samples import FULL

from mattermost_plugin import _native

HEALTH = "/grpc.health.v1.Health/Check"
SHUTDOWN = "/mattermost.host.v1.PluginProcess/Shutdown"


def answer(call: _native.Call) -> None:
    """Answers like grpc_peer.Peer."""
    match call.path.removeprefix(echo.SERVICE):
        case "Say":
            text, data = call.args
            call.reply((text or str(len(data)),))
        case "Everything":
            call.reply(call.args)
        case _:
            call.reply()


def unary(channel: grpc.Channel, path: str, data: bytes = b"", **options: Any) -> bytes:
    """Calls a method with bytes."""
    return channel.unary_unary(path)(data, **{"metadata": TOKEN, "timeout": 5, **options})


class TestAnswers:
    def test_a_thread_answers(self, workers: Callable[..., None], stub: Any, pb2: ModuleType) -> None:
        workers(answer)
        assert stub.Say(pb2.SayRequest(text="hello"), metadata=TOKEN).text == "hello"
        assert stub.Nothing(pb2.NothingRequest(), metadata=TOKEN) == pb2.NothingResponse()

    def test_objects_travel_both_ways(
        self, workers: Callable[..., None], stub: Any, pb2: ModuleType, codec: _native.Codec
    ) -> None:
        workers(answer)
        request = pb2.EverythingRequest.FromString(codec.encode("EverythingRequest", (FULL,)))
        response = stub.Everything(request, metadata=TOKEN)
        assert codec.decode("EverythingResponse", response.SerializeToString()) == (FULL,)

    def test_large_messages_travel(self, workers: Callable[..., None], stub: Any, pb2: ModuleType) -> None:
        workers(answer)
        assert stub.Say(pb2.SayRequest(data=bytes(30 << 20)), metadata=TOKEN).text == str(30 << 20)
        assert len(stub.Say(pb2.SayRequest(text="x" * (20 << 20)), metadata=TOKEN).text) == 20 << 20

    def test_many_calls_at_once(self, workers: Callable[..., None], stub: Any, pb2: ModuleType) -> None:
        workers(answer, 4)
        futures = [stub.Say.future(pb2.SayRequest(text=str(n)), metadata=TOKEN) for n in range(200)]
        assert [it.result().text for it in futures] == [str(n) for n in range(200)]

    def test_what_a_call_knows(self, workers: Callable[..., None], stub: Any, pb2: ModuleType) -> None:
        seen: dict[str, Any] = {}

        def look(call: _native.Call) -> None:
            seen.update(id=call.id, metadata=call.metadata, remaining=call.remaining(), stream=call.is_stream)
            seen.update(cancelled=call.cancelled, text=repr(call), same=call.args is call.args)
            call.reply(("",))

        workers(look)
        stub.Say(pb2.SayRequest(), metadata=(*TOKEN, ("x-trace", "7")), timeout=20)
        assert seen["metadata"]["x-trace"] == "7"
        assert "x-mm-token" not in seen["metadata"]
        # grpcio rounds timeouts up.
        assert 15 < seen["remaining"] < 21
        assert (seen["stream"], seen["cancelled"], seen["same"]) == (False, False, True)
        assert seen["text"] == f"<Call {seen['id']} {echo.SERVICE}Say>"
        stub.Say(pb2.SayRequest(), metadata=TOKEN)
        assert seen["remaining"] is None


class TestFailures:
    def test_a_failure_is_a_status(self, workers: Callable[..., None], stub: Any, pb2: ModuleType) -> None:
        workers(lambda call: call.fail(7, "not you: ö"))
        with pytest.raises(grpc.RpcError) as raised:
            stub.Say(pb2.SayRequest(), metadata=TOKEN)
        assert (raised.value.code(), raised.value.details()) == (grpc.StatusCode.PERMISSION_DENIED, "not you: ö")

    @pytest.mark.parametrize(
        ("details", "name", "official"),
        [
            (AppError(id="app.x", status_code=404), "AppError", {"id": "app.x", "status_code": 404}),
            (echo.PlainError(2, "no rows"), "ErrorValue", {"code": 2, "message": "no rows"}),
            (ValueError("bad"), "ErrorValue", {"message": "bad"}),
        ],
    )
    def test_details_travel(
        self,
        workers: Callable[..., None],
        stub: Any,
        pb2: ModuleType,
        details: object,
        name: str,
        official: dict[str, Any],
    ) -> None:
        workers(lambda call: call.fail(5, "gone", details))
        with pytest.raises(grpc.RpcError) as raised:
            stub.Say(pb2.SayRequest(), metadata=TOKEN)
        trailers = dict(raised.value.trailing_metadata())
        kind, value = grpc_peer.first_detail(trailers["grpc-status-details-bin"])
        assert kind == name
        assert getattr(pb2, name).FromString(value) == getattr(pb2, name)(**official)

    @pytest.mark.parametrize(
        ("details", "kept"),
        [
            (
                AppError(id="a.b", status_code=404, message="short", detailed_error="d" * 100_000),
                {"id": "a.b", "status_code": 404, "message": "short"},
            ),
            (AppError(id="a.b", message="m" * 100_000, detailed_error="d" * 100_000), {"id": "a.b"}),
            (PlainError(1, "ö" * 100_000), {"code": 1}),
            (PlainError(2, "m" * 9_000, AppError(id="a.b", message="m" * 9_000)), {"code": 2, "app_error.id": "a.b"}),
            (PlainError(3, "short", PostgresError(code="1", severity="s" * 9_000)), {"code": 3, "message": "short"}),
        ],
        ids=["details of an app error", "app error", "plain", "app error in plain", "postgres"],
    )
    def test_long_texts_are_cut_to_what_a_peer_accepts(
        self, workers: Callable[..., None], stub: Any, pb2: ModuleType, details: object, kept: dict[str, object]
    ) -> None:
        workers(lambda call: call.fail(5, "ö" * 4000, details))
        with pytest.raises(grpc.RpcError) as raised:
            stub.Say(pb2.SayRequest(), metadata=TOKEN)
        assert raised.value.details() == "ö" * 512
        status = dict(raised.value.trailing_metadata())["grpc-status-details-bin"]
        # In base64, and with the text in percent signs, it fits into the 16 KiB that HTTP/2 peers accept.
        assert len(status) < 8600
        kind, value = grpc_peer.first_detail(status)
        official = getattr(pb2, kind).FromString(value)
        assert {path: attrgetter(path)(official) for path in kept} == kept

    def test_a_call_that_is_dropped_is_an_internal_error(
        self, workers: Callable[..., None], stub: Any, pb2: ModuleType
    ) -> None:
        workers(lambda call: None)
        with pytest.raises(grpc.RpcError) as raised:
            stub.Say(pb2.SayRequest(), metadata=TOKEN)
        assert raised.value.code() == grpc.StatusCode.INTERNAL
        assert "without an answer" in raised.value.details()

    def test_a_wrong_answer_leaves_the_call_open(
        self, workers: Callable[..., None], stub: Any, pb2: ModuleType
    ) -> None:
        def wrong(call: _native.Call) -> None:
            try:
                call.reply((1,))
            except TypeError as error:
                call.fail(13, str(error))

        workers(wrong)
        with pytest.raises(grpc.RpcError) as raised:
            stub.Say(pb2.SayRequest(), metadata=TOKEN)
        assert raised.value.details() == "SayResponse.text: expected str, got int"

    def test_a_second_answer_is_an_error(self, workers: Callable[..., None], stub: Any, pb2: ModuleType) -> None:
        told: list[str] = []

        def twice(call: _native.Call) -> None:
            call.reply(("once",))
            for again in (lambda: call.reply(("twice",)), lambda: call.fail(2, "twice")):
                with pytest.raises(RuntimeError, match="answered before") as raised:
                    again()
                told.append(str(raised.value))

        workers(twice)
        assert stub.Say(pb2.SayRequest(), metadata=TOKEN).text == "once"
        _eventually(lambda: len(told) == 2)

    def test_bad_codes_and_uses_are_refused(self, workers: Callable[..., None], stub: Any, pb2: ModuleType) -> None:
        told: list[str] = []

        def wrong(call: _native.Call) -> None:
            for use in (lambda: call.fail(0, ""), lambda: call.fail(17, ""), call.read_message, call.finish):
                with pytest.raises((ValueError, RuntimeError)) as raised:
                    use()
                told.append(str(raised.value))
            call.reply(("",))

        workers(wrong)
        stub.Say(pb2.SayRequest(), metadata=TOKEN)
        assert told[:2] == ["0 is no gRPC error code; they are 1 to 16", "17 is no gRPC error code; they are 1 to 16"]
        assert told[2:] == [f"{echo.SERVICE}Say is no stream"] * 2

    def test_bad_bytes_surface_in_args(self, workers: Callable[..., None], channel: grpc.Channel) -> None:
        def look(call: _native.Call) -> None:
            try:
                call.args  # noqa: B018 (decodes)
            except ValueError as error:
                call.fail(3, str(error))

        workers(look)
        with pytest.raises(grpc.RpcError) as raised:
            unary(channel, echo.SERVICE + "Say", b"\x0a\xff")
        assert raised.value.details() == "SayRequest.text: the bytes end in the middle of a field"


class TestAccess:
    @pytest.mark.parametrize(
        "metadata", [(), (("x-mm-token", "guess!"),), (("x-mm-token", ""),), (("x-mm-token", "secret2"),)]
    )
    @pytest.mark.parametrize("path", [echo.SERVICE + "Say", HEALTH, SHUTDOWN, "/x/y"])
    def test_without_the_token_nothing_is_served(
        self, server: _native.Server, channel: grpc.Channel, metadata: Any, path: str
    ) -> None:
        with pytest.raises(grpc.RpcError) as raised:
            unary(channel, path, metadata=metadata)
        assert raised.value.code() == grpc.StatusCode.UNAUTHENTICATED
        assert not server.shutdown_requested
        assert server.pending() == 0

    def test_an_unknown_method_is_unimplemented(self, server: _native.Server, channel: grpc.Channel) -> None:
        with pytest.raises(grpc.RpcError) as raised:
            unary(channel, echo.SERVICE + "Nope")
        assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert raised.value.details() == f"{echo.SERVICE}Nope is not served here"

    def test_only_the_expected_process_may_connect(self, socket: str, codec: _native.Codec) -> None:
        server = _native.Server(socket, codec, echo.METHODS, peer_pid=os.getpid() + 1)
        client = _native.Client(socket, codec)
        with pytest.raises(_native.RpcError) as raised:
            client.call(echo.SERVICE + "Say", "SayRequest", "SayResponse", ("", b""), 5)
        assert raised.value.code_name == "UNAVAILABLE"
        server.stop()

    def test_a_client_checks_the_server_too(self, server: _native.Server, socket: str, codec: _native.Codec) -> None:
        client = _native.Client(socket, codec, peer_pid=1)
        with pytest.raises(_native.RpcError, match=f"the process at the other end is {os.getpid()}, expected 1"):
            client.call(echo.SERVICE + "Say", "SayRequest", "SayResponse", ("", b""), 5)

    def test_the_socket_is_private(self, server: _native.Server, socket: str) -> None:
        assert stat.S_IMODE(os.stat(socket).st_mode) == 0o600

    def test_a_path_that_cannot_be_a_socket_is_told(self, codec: _native.Codec, socket: str, tmp_path: Path) -> None:
        Path(socket).touch()
        with pytest.raises(OSError, match="remove the socket that an earlier process left"):
            _native.Server(socket, codec, {})
        with pytest.raises(OSError, match="use a shorter folder"):
            _native.Server(str(tmp_path / ("x" * 200)), codec, {})
        with pytest.raises(TypeError, match=r"^/a: expected \(request, response, is_async\[, is_stream\]\)$"):
            _native.Server(str(tmp_path / "s"), codec, {"/a": ("b", "c")})  # type: ignore[dict-item]


class TestGivingUp:
    def test_a_cancelled_call_says_so(self, workers: Callable[..., None], stub: Any, pb2: ModuleType) -> None:
        running, seen = threading.Event(), threading.Event()
        taken: list[bool] = []

        def wait(call: _native.Call) -> None:
            running.set()
            _eventually(lambda: call.cancelled)
            taken.append(call.reply(("late",)))
            seen.set()

        workers(wait)
        future = stub.Say.future(pb2.SayRequest(), metadata=TOKEN)
        assert running.wait(5)
        future.cancel()
        assert seen.wait(5)
        assert taken == [False]

    def test_a_deadline_is_answered_and_seen(self, workers: Callable[..., None], channel: grpc.Channel) -> None:
        taken, seen = threading.Event(), threading.Event()

        def wait(call: _native.Call) -> None:
            taken.set()
            _eventually(lambda: call.cancelled)
            assert call.remaining() == 0.0
            seen.set()

        workers(wait)
        for timeout in grpc_peer.until(taken.is_set):
            with pytest.raises(grpc.RpcError) as raised:
                unary(channel, echo.SERVICE + "Say", timeout=timeout)
            assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert seen.wait(20)

    def test_a_call_that_nobody_took_is_forgotten(self, server: _native.Server, stub: Any, pb2: ModuleType) -> None:
        future = stub.Say.future(pb2.SayRequest(), metadata=TOKEN)
        _eventually(lambda: server.pending() == 1)
        future.cancel()
        _eventually(lambda: server.pending() == 0)
        assert server.recv(0.05) is None

    def test_an_answered_call_is_not_cancelled(self, server: _native.Server, stub: Any, pb2: ModuleType) -> None:
        future = stub.Say.future(pb2.SayRequest(), metadata=TOKEN)
        call = server.recv(5)
        assert call is not None
        assert call.reply(("x",))
        assert future.result(5).text == "x"
        time.sleep(0.05)
        assert not call.cancelled


class TestQueue:
    def test_numbers_of_calls_and_threads(self, server: _native.Server, stub: Any, pb2: ModuleType) -> None:
        assert (server.pending(), server.idle(), server.active()) == (0, 0, 0)
        waiting = threading.Thread(target=server.recv, args=(5,))
        waiting.start()
        _eventually(lambda: server.idle() == 1)
        futures = [stub.Say.future(pb2.SayRequest(), metadata=TOKEN) for _ in range(3)]
        _eventually(lambda: server.pending() == 2)
        waiting.join(5)
        assert server.idle() == 0
        calls = [server.recv(1), server.recv(1)]
        # The call that the thread got was dropped with the thread's result.
        assert server.active() == 2
        for call in calls:
            assert call is not None
            call.reply(("",))
        assert server.active() == 0
        assert sum(it.exception(5) is None for it in futures) == 2

    def test_recv_gives_up_in_time(self, server: _native.Server) -> None:
        for timeout in (0, 0.12):
            took = []
            for _ in range(3):
                begin = time.monotonic()
                assert server.recv(timeout) is None
                took.append(time.monotonic() - begin)
            # A machine may stand still for a moment, but not every time.
            assert timeout <= min(took) < timeout + 0.5
        assert not server.stopping


class TestEnd:
    def test_health_is_served(self, server: _native.Server, channel: grpc.Channel) -> None:
        assert unary(channel, HEALTH) == b"\x08\x01"

    def test_shutdown_is_told(
        self, server: _native.Server, channel: grpc.Channel, workers: Callable[..., None]
    ) -> None:
        workers(answer)
        assert (server.shutdown_requested, server.shutdown_grace, server.shutdown_reason) == (False, 0.0, "")
        assert not server.wait_shutdown(0.05)
        woken = threading.Event()
        waiting = threading.Thread(target=lambda: server.wait_shutdown() and woken.set())
        waiting.start()
        unary(channel, SHUTDOWN, b"\x08\xdc\x0b" + b"\x12\x04stop")
        assert woken.wait(5)
        waiting.join()
        assert (server.shutdown_requested, server.shutdown_grace, server.shutdown_reason) == (True, 1.5, "stop")
        with pytest.raises(grpc.RpcError) as raised:
            unary(channel, echo.SERVICE + "Say")
        assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
        assert unary(channel, HEALTH) == b"\x08\x01"

    def test_stop_wakes_everybody_at_once(self, server: _native.Server) -> None:
        woken: list[object] = []

        def wait(function: Callable[[], object]) -> None:
            woken.append(function())

        threads = [threading.Thread(target=wait, args=(it,)) for it in [server.recv] * 8 + [server.wait_shutdown]]
        for thread in threads:
            thread.start()
        _eventually(lambda: server.idle() == 8)
        server.stop()
        for thread in threads:
            thread.join(20)
        # They would wait for ever.
        assert len(woken) == 9
        assert server.stopping
        assert server.recv() is None

    def test_stop_lets_running_calls_finish(self, server: _native.Server, stub: Any, pb2: ModuleType) -> None:
        future = stub.Say.future(pb2.SayRequest(text="x"), metadata=TOKEN)
        queued = stub.Say.future(pb2.SayRequest(text="y"), metadata=TOKEN)
        call = server.recv(5)
        assert call is not None
        stopping = threading.Thread(target=server.stop, args=(5,))
        stopping.start()
        (other,) = {future, queued} - {future if call.args[0] == "x" else queued}
        assert other.exception(5).code() == grpc.StatusCode.UNAVAILABLE
        assert stopping.is_alive()
        assert call.reply(("done",))
        stopping.join(5)
        assert not stopping.is_alive()
        assert (future if call.args[0] == "x" else queued).result(5).text == "done"

    def test_after_the_grace_the_rest_is_cancelled(
        self, server: _native.Server, stub: Any, pb2: ModuleType, socket: str
    ) -> None:
        future = stub.Say.future(pb2.SayRequest(), metadata=TOKEN)
        call = server.recv(5)
        assert call is not None
        begin = time.monotonic()
        # Without a limit it would wait for ever.
        server.stop(0.3)
        assert time.monotonic() - begin >= 0.3
        assert future.exception(5).code() == grpc.StatusCode.UNAVAILABLE
        assert call.cancelled
        assert not call.reply(("late",))
        assert not os.path.exists(socket)
        server.stop()

    def test_a_stopped_server_leaves_the_next_ones_socket_alone(
        self, server: _native.Server, socket: str, codec: _native.Codec
    ) -> None:
        server.stop()
        following = _native.Server(socket, codec, echo.METHODS)
        server.stop()
        assert os.path.exists(socket)
        following.stop()
        assert not os.path.exists(socket)

    def test_a_server_that_is_dropped_stops(
        self, socket: str, codec: _native.Codec, stub: Any, pb2: ModuleType
    ) -> None:
        server = _native.Server(socket, codec, echo.METHODS)
        future = stub.Say.future(pb2.SayRequest(), metadata=TOKEN)
        _wait_for_a_call(server)
        del server
        assert future.exception(5).code() == grpc.StatusCode.UNAVAILABLE
        _eventually(lambda: not os.path.exists(socket))


def _wait_for_a_call(server: _native.Server) -> None:
    _eventually(lambda: server.pending() == 1)


def _eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)
