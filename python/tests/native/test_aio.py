"""asyncio: the client's futures against a grpcio server, and async methods of the server."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import echo
import grpc
import grpc_peer
import pytest
from grpc_peer import TOKEN
from samples import FULL

from mattermost_plugin import _native

SAY = (echo.SERVICE + "Say", "SayRequest", "SayResponse")
EVERYTHING = (echo.SERVICE + "Everything", "EverythingRequest", "EverythingResponse")


class Loop:
    """Answers the async calls of a server on an event loop, as the SDK's runtime does."""

    def __init__(self, server: _native.Server, handler: Callable[[_native.Call], Awaitable[None]]) -> None:
        self.server = server
        self.handler = handler
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self.cancelled: list[int] = []

    def __enter__(self) -> Loop:  # noqa: PYI034 (Self is newer than the oldest Python)
        asyncio.get_running_loop().add_reader(self.server.fileno(), self.drain)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self.server.fileno())

    def drain(self) -> None:
        for call in self.server.drain_async():
            task = asyncio.ensure_future(self.handler(call))
            self.tasks[call.id] = task
        for name in self.server.drain_cancelled():
            self.cancelled.append(name)
            self.tasks[name].cancel()


class TestClient:
    def test_results(self, client: _native.Client, grpc_server: grpc_peer.Peer) -> None:
        async def main() -> None:
            assert await client.call_async(*SAY, ("hi", b"")) == "hi"
            assert await client.call_async(*EVERYTHING, (FULL,), 5) == FULL
            many = [client.call_async(*SAY, (str(n), b"")) for n in range(100)]
            assert await asyncio.gather(*many) == [str(n) for n in range(100)]

        asyncio.run(main())

    def test_loops_come_and_go(self, client: _native.Client, grpc_server: grpc_peer.Peer) -> None:
        async def main() -> Any:
            return await client.call_async(*SAY, ("x", b""))

        assert [asyncio.run(main()) for _ in range(5)] == ["x"] * 5

    def test_several_loops_at_once(self, client: _native.Client, grpc_server: grpc_peer.Peer) -> None:
        async def main(name: int) -> list[Any]:
            return [await client.call_async(*SAY, (f"{name}.{n}", b"")) for n in range(20)]

        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda name: asyncio.run(main(name)), range(4)))
        assert results == [[f"{name}.{n}" for n in range(20)] for name in range(4)]

    def test_errors(self, client: _native.Client, grpc_server: grpc_peer.Peer) -> None:
        async def main() -> None:
            with pytest.raises(_native.RpcError) as raised:
                await client.call_async(*SAY, ("details", b""))
            assert raised.value.details.id == "app.x"
            with pytest.raises(_native.RpcError) as raised:
                await client.call_async(*SAY, ("sleep", b""), 0.1)
            assert raised.value.code_name == "DEADLINE_EXCEEDED"
            with pytest.raises(TypeError, match=r"SayRequest\.text"):
                client.call_async(*SAY, (1, b""))
            with pytest.raises(ValueError, match=r"PairResponse\.first"):
                await client.call_async(SAY[0], "SayRequest", "PairResponse", ("x", b""))

        asyncio.run(main())

    def test_cancelling_the_future_cancels_the_call(self, client: _native.Client, grpc_server: grpc_peer.Peer) -> None:
        async def main() -> None:
            task = asyncio.ensure_future(_awaited(client.call_async(*SAY, ("sleep", b""))))
            await asyncio.to_thread(grpc_server.entered.wait, 5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await client.call_async(*SAY, ("after", b"")) == "after"

        asyncio.run(main())
        assert grpc_server.cancelled.wait(5)

    def test_wait_for_cancels_too(self, client: _native.Client, grpc_server: grpc_peer.Peer) -> None:
        async def main() -> None:
            for timeout in grpc_server.heard():
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(client.call_async(*SAY, ("sleep", b"")), timeout)

        asyncio.run(main())
        assert grpc_server.cancelled.wait(5)

    def test_a_loop_that_ends_with_calls_in_flight(self, client: _native.Client, grpc_server: grpc_peer.Peer) -> None:
        async def main() -> None:
            for _ in range(10):
                client.call_async(*SAY, ("sleep", b""))
            await asyncio.to_thread(grpc_server.entered.wait, 5)

        asyncio.run(main())
        gc.collect()
        grpc_server.release.set()
        time.sleep(0.1)
        asyncio.run(main())

    def test_without_a_loop_it_says_so(self, client: _native.Client) -> None:
        with pytest.raises(RuntimeError, match="no running event loop"):
            client.call_async(*SAY, ("x", b""))

    def test_the_loop_runs_while_a_call_waits(self, client: _native.Client, grpc_server: grpc_peer.Peer) -> None:
        async def main() -> int:
            call = client.call_async(*SAY, ("sleep", b""))
            ticks = 0
            while not grpc_server.entered.is_set() or ticks < 10:
                await asyncio.sleep(0.001)
                ticks += 1
            grpc_server.release.set()
            await call
            return ticks

        assert asyncio.run(main()) >= 10


class TestServer:
    def test_a_task_answers(self, server: _native.Server, stub: Any, pb2: ModuleType) -> None:
        async def answer(call: _native.Call) -> None:
            (first,) = call.args
            await asyncio.sleep(0.001)
            call.reply((first, "async"))

        async def main() -> None:
            with Loop(server, answer):
                calls = [stub.Pair.future(pb2.PairRequest(first=n), metadata=TOKEN) for n in range(50)]
                results = await asyncio.to_thread(lambda: [it.result(5) for it in calls])
            assert [(it.first, it.second) for it in results] == [(n, "async") for n in range(50)]
            assert server.active() == 0

        asyncio.run(main())

    def test_calls_that_came_before_the_loop_are_there(
        self, server: _native.Server, stub: Any, pb2: ModuleType
    ) -> None:
        future = stub.Pair.future(pb2.PairRequest(first=1), metadata=TOKEN)
        time.sleep(0.1)
        assert server.pending() == 0

        async def answer(call: _native.Call) -> None:
            call.reply((1, "late"))

        async def main() -> None:
            with Loop(server, answer):
                assert (await asyncio.to_thread(future.result, 5)).second == "late"

        asyncio.run(main())

    def test_a_cancelled_call_reaches_its_task(self, server: _native.Server, stub: Any, pb2: ModuleType) -> None:
        seen = threading.Event()

        async def answer(call: _native.Call) -> None:
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                assert call.cancelled
                seen.set()
                raise

        async def main() -> Loop:
            with Loop(server, answer) as loop:
                future = stub.Pair.future(pb2.PairRequest(), metadata=TOKEN)
                await _until(lambda: bool(loop.tasks))
                future.cancel()
                assert await asyncio.to_thread(seen.wait, 5)
            return loop

        loop = asyncio.run(main())
        assert loop.cancelled == list(loop.tasks)

    def test_a_deadline_reaches_its_task(self, server: _native.Server, stub: Any, pb2: ModuleType) -> None:
        async def answer(call: _native.Call) -> None:
            await asyncio.sleep(30)

        async def main() -> None:
            with Loop(server, answer) as loop:
                for timeout in grpc_peer.until(lambda: bool(loop.tasks)):
                    future = stub.Pair.future(pb2.PairRequest(), metadata=TOKEN, timeout=timeout)
                    error = await asyncio.to_thread(future.exception, 30)
                    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
                await _until(lambda: loop.cancelled == list(loop.tasks))

        asyncio.run(main())

    def test_an_answered_call_is_never_reported(self, server: _native.Server, stub: Any, pb2: ModuleType) -> None:
        async def answer(call: _native.Call) -> None:
            call.reply((1, ""))
            await asyncio.sleep(0.01)

        async def main() -> Loop:
            with Loop(server, answer) as loop:
                for _ in range(50):
                    await asyncio.to_thread(stub.Pair, pb2.PairRequest(), metadata=TOKEN)
            return loop

        assert asyncio.run(main()).cancelled == []

    def test_shutdown_and_stop_wake_the_loop(self, server: _native.Server, channel: grpc.Channel) -> None:
        async def main() -> None:
            woken = asyncio.Event()
            loop = asyncio.get_running_loop()
            loop.add_reader(server.fileno(), lambda: (server.drain_async(), woken.set()))
            shutdown = channel.unary_unary("/mattermost.host.v1.PluginProcess/Shutdown")
            await asyncio.to_thread(shutdown, b"", metadata=TOKEN)
            await asyncio.wait_for(woken.wait(), 5)
            assert server.shutdown_requested
            woken.clear()
            await asyncio.to_thread(server.stop)
            await asyncio.wait_for(woken.wait(), 5)
            assert server.stopping
            loop.remove_reader(server.fileno())

        asyncio.run(main())


async def _awaited(future: asyncio.Future[Any]) -> Any:
    return await future


async def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.002)
