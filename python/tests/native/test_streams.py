"""Streaming calls: the native client against grpcio, grpcio against the native server, and both native ends together."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import echo
import grpc
import grpc_peer
import pytest
from echo import AppError
from grpc_peer import TOKEN

from mattermost_plugin import _native

CHAT = (echo.SERVICE + "Chat", "SayRequest", "SayResponse")
COLLECT = (echo.SERVICE + "Collect", "SayRequest", "SayResponse")


@pytest.mark.usefixtures("grpc_server")
class TestClient:
    def test_messages_go_both_ways(self, client: _native.Client) -> None:
        stream = client.stream(*CHAT)
        for text in ("a", "b", "c"):
            assert stream.write((text, b""))
            assert stream.read() == (text,)
        stream.done_writing()
        stream.done_writing()
        assert stream.read() is None
        assert stream.read() is None
        assert not stream.write(("late", b""))

    def test_an_upload_has_one_answer(self, client: _native.Client) -> None:
        stream = client.stream(*COLLECT)
        for n in range(100):
            stream.write((str(n), bytes(10_000)))
        stream.done_writing()
        assert stream.read() == (",".join(str(n) for n in range(100)),)
        assert stream.read() is None

    def test_a_failure_comes_with_read(self, client: _native.Client) -> None:
        stream = client.stream(*CHAT)
        stream.write(("error", b""))
        for _ in range(2):
            with pytest.raises(_native.RpcError, match="ABORTED: enough"):
                stream.read()
        assert _eventually(lambda: not stream.write(("x", b"")))

    def test_wrong_values_are_not_sent(self, client: _native.Client) -> None:
        stream = client.stream(*CHAT)
        with pytest.raises(TypeError, match=r"^SayRequest\.text: expected str, got int$"):
            stream.write((1, b""))
        assert stream.write(("still", b""))
        assert stream.read() == ("still",)

    def test_cancel_is_seen_by_the_peer(self, client: _native.Client, grpc_server: grpc_peer.Peer) -> None:
        stream = client.stream(*CHAT)
        stream.write(("sleep", b""))
        assert grpc_server.entered.wait(5)
        reader = threading.Thread(target=_read_error, args=(stream, errors := []))
        reader.start()
        time.sleep(0.05)
        stream.cancel()
        reader.join(5)
        assert errors == ["CANCELLED"]
        assert grpc_server.cancelled.wait(5)
        assert not stream.write(("x", b""))

    def test_a_dropped_stream_is_cancelled(self, client: _native.Client, grpc_server: grpc_peer.Peer) -> None:
        stream = client.stream(*CHAT)
        stream.write(("sleep", b""))
        assert grpc_server.entered.wait(5)
        del stream
        assert grpc_server.cancelled.wait(5)

    def test_a_deadline_ends_it(self, client: _native.Client) -> None:
        stream = client.stream(*CHAT, 0.2)
        with pytest.raises(_native.RpcError, match="DEADLINE_EXCEEDED"):
            stream.read()

    def test_asyncio(self, client: _native.Client) -> None:
        async def main() -> None:
            stream = client.stream(*CHAT)
            assert await stream.write_async(("a", b""))
            assert await stream.read_async() == ("a",)
            stream.done_writing()
            assert await stream.read_async() is None

        asyncio.run(main())


class TestServer:
    def test_messages_go_both_ways(
        self, server: _native.Server, workers: Callable[..., None], stub: Any, pb2: ModuleType
    ) -> None:
        def chat(call: _native.Call) -> None:
            assert call.is_stream
            assert call.args == ()
            while (message := call.read_message()) is not None:
                assert call.write_message((message[0].upper(),))
            assert call.read_message() is None
            assert call.finish()

        workers(chat)
        requests = (pb2.SayRequest(text=text) for text in "abc")
        assert [it.text for it in stub.Chat(requests, metadata=TOKEN)] == ["A", "B", "C"]
        assert _eventually(lambda: server.active() == 0)

    def test_the_answer_can_come_before_any_request(
        self, workers: Callable[..., None], stub: Any, pb2: ModuleType
    ) -> None:
        def greet(call: _native.Call) -> None:
            call.write_message(("first",))
            call.read_message()
            call.finish()

        workers(greet)
        release = threading.Event()

        def requests() -> Iterator[Any]:
            release.wait(5)
            yield pb2.SayRequest()

        responses = stub.Chat(requests(), metadata=TOKEN)
        assert next(responses).text == "first"
        release.set()
        assert list(responses) == []

    def test_a_failure_comes_after_the_messages(self, workers: Callable[..., None], stub: Any, pb2: ModuleType) -> None:
        def fail(call: _native.Call) -> None:
            call.write_message(("one",))
            assert call.fail(10, "enough", AppError(id="x"))
            with pytest.raises(RuntimeError, match="answered before"):
                call.finish()
            assert not call.write_message(("late",))

        workers(fail)
        responses = stub.Chat(iter([pb2.SayRequest()]), metadata=TOKEN)
        assert next(responses).text == "one"
        with pytest.raises(grpc.RpcError) as raised:
            next(responses)
        assert (raised.value.code(), raised.value.details()) == (grpc.StatusCode.ABORTED, "enough")

    def test_a_writer_waits_for_a_slow_reader(self, workers: Callable[..., None], stub: Any, pb2: ModuleType) -> None:
        written: list[int] = []
        text = "x" * (1 << 20)

        def pour(call: _native.Call) -> None:
            for n in range(100):
                if not call.write_message((text,)):
                    return
                written.append(n)
            call.finish()

        workers(pour)
        responses = stub.Chat(iter([]), metadata=TOKEN)
        next(responses)
        time.sleep(0.5)
        assert len(written) < 90
        assert sum(1 for _ in responses) == 99

    def test_threads_that_write_side_by_side_all_get_on(
        self, server: _native.Server, stub: Any, pb2: ModuleType
    ) -> None:
        responses = stub.Chat(iter([]), metadata=TOKEN, timeout=30)
        call = server.recv(5)
        assert call is not None

        def pour(text: str) -> None:
            for _ in range(100):
                assert call.write_message((text,))

        # Large ones and small ones want different room.
        texts = ["a", "b" * (1 << 18)] * 2
        threads = [threading.Thread(target=pour, args=(text,), daemon=True) for text in texts]
        for thread in threads:
            thread.start()
        seen = [next(responses).text[0] for _ in range(400)]
        for thread in threads:
            thread.join(5)
        assert {it: seen.count(it) for it in "ab"} == {"a": 200, "b": 200}
        assert call.finish()

    def test_cancelling_wakes_reader_and_writer(self, server: _native.Server, stub: Any, pb2: ModuleType) -> None:
        release = threading.Event()

        def requests() -> Iterator[Any]:
            release.wait(10)
            yield from ()

        responses = stub.Chat(requests(), metadata=TOKEN)
        call = server.recv(5)
        assert call is not None
        errors: list[str] = []
        reader = threading.Thread(target=_read_error, args=(call, errors))
        reader.start()
        responses.cancel()
        reader.join(5)
        release.set()
        assert errors == ["CANCELLED"]
        assert call.cancelled
        assert not call.write_message(("x",))
        assert not call.finish()

    def test_a_deadline_ends_it(self, server: _native.Server, stub: Any, pb2: ModuleType) -> None:
        calls: list[_native.Call] = []
        for timeout in grpc_peer.until(lambda: bool(calls)):
            responses = stub.Chat(iter([pb2.SayRequest()]), metadata=TOKEN, timeout=timeout)
            call = server.recv(timeout)
            if call is not None:
                calls.append(call)
            with pytest.raises(grpc.RpcError) as raised:
                next(responses)
            assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert _eventually(lambda: calls[0].cancelled)

    def test_a_dropped_stream_is_an_internal_error(self, server: _native.Server, stub: Any, pb2: ModuleType) -> None:
        responses = stub.Chat(iter([]), metadata=TOKEN)
        assert server.recv(5) is not None
        with pytest.raises(grpc.RpcError) as raised:
            next(responses)
        assert raised.value.code() == grpc.StatusCode.INTERNAL

    def test_stop_ends_it(self, server: _native.Server, stub: Any, pb2: ModuleType) -> None:
        responses = stub.Chat(iter([]), metadata=TOKEN)
        call = server.recv(5)
        assert call is not None
        # Without a limit it would wait for ever.
        server.stop(0.1)
        with pytest.raises(grpc.RpcError) as raised:
            next(responses)
        assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
        assert call.cancelled

    def test_asyncio(self, server: _native.Server, stub: Any, pb2: ModuleType) -> None:
        async def collect() -> None:
            calls: list[_native.Call] = []
            loop = asyncio.get_running_loop()
            ready = asyncio.Event()
            loop.add_reader(server.fileno(), lambda: (calls.extend(server.drain_async()), ready.set()))
            answer = stub.Collect.future((pb2.SayRequest(text=text) for text in "abc"), metadata=TOKEN)
            await asyncio.wait_for(ready.wait(), 5)
            texts = []
            while (message := await calls[0].read_message_async()) is not None:
                texts.append(message[0])
            assert await calls[0].write_message_async(("+".join(texts),))
            assert calls[0].finish()
            assert (await asyncio.to_thread(answer.result, 5)).text == "a+b+c"
            loop.remove_reader(server.fileno())

        asyncio.run(collect())


def test_both_ends_together(client: _native.Client, workers: Callable[..., None]) -> None:
    def pump(call: _native.Call) -> None:
        while (message := call.read_message()) is not None:
            call.write_message((f"{len(message[1])}",))
        call.finish()

    workers(pump)
    stream = client.stream(*CHAT)
    for size in (0, 1, 1 << 20, 5 << 20):
        assert stream.write(("", bytes(size)))
        assert stream.read() == (str(size),)
    stream.done_writing()
    assert stream.read() is None


def _read_error(readable: Any, errors: list[str]) -> None:
    read = readable.read_message if isinstance(readable, _native.Call) else readable.read
    try:
        read()
    except _native.RpcError as error:
        errors.append(error.code_name)


def _eventually(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True
