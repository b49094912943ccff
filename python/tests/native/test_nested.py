"""Calls within calls: a hook calls the API, which calls a hook, and so on. The host is grpcio, the plugin is native."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import echo
import grpc_peer
import pytest
from grpc_peer import TOKEN

from mattermost_plugin import _native

SAY = (echo.SERVICE + "Say", "SayRequest", "SayResponse")


class Host(grpc_peer.Peer):
    """Its API's ``Say`` with the text ``"hook n"`` calls the plugin's hook ``Say`` with ``n``."""

    hooks: Any

    def Say(self, request: Any, context: Any) -> Any:  # noqa: N802 (the rpc's name)
        depth = request.text.removeprefix("hook ")
        answer = self.hooks.Say(self.pb2.SayRequest(text=depth), metadata=TOKEN, timeout=context.time_remaining())
        return self.pb2.SayResponse(text=answer.text)


@pytest.fixture
def api(pb2: ModuleType, pb2_grpc: ModuleType, stub: Any) -> Iterator[_native.Client]:
    """A client of the host's API."""
    host = Host(pb2, pb2_grpc)
    host.hooks = stub
    with TemporaryDirectory(prefix="mm-") as folder:
        server = host.serve(f"{folder}/api")
        client = _native.Client(f"{folder}/api", echo.make_codec())
        yield client
        client.close()
        server.stop(None).wait()


def hook(api: _native.Client) -> Callable[[_native.Call], None]:
    """Returns a hook that calls the API until the depth is 0; each level adds a dot."""

    def handle(call: _native.Call) -> None:
        depth = int(call.args[0])
        if depth == 0:
            call.reply(("end",))
            return
        try:
            answer = api.call(*SAY, (f"hook {depth - 1}", b""), call.remaining())
        except _native.RpcError as error:
            call.fail(error.code, error.message)
        else:
            call.reply((answer + ".",))

    return handle


def test_with_enough_threads_they_work(
    api: _native.Client, workers: Callable[..., None], stub: Any, pb2: ModuleType
) -> None:
    workers(hook(api), 16)
    answer = stub.Say(pb2.SayRequest(text="6"), metadata=TOKEN, timeout=20)
    assert answer.text == "end......"
    with ThreadPoolExecutor(4) as pool:
        request = pb2.SayRequest(text="2")
        answers = list(pool.map(lambda _: stub.Say(request, metadata=TOKEN, timeout=20).text, range(20)))
    assert answers == ["end.."] * 20


def test_with_too_few_threads_the_deadline_ends_them(
    api: _native.Client, workers: Callable[..., None], stub: Any, pb2: ModuleType
) -> None:
    workers(hook(api), 1)
    call = stub.Say.future(pb2.SayRequest(text="3"), metadata=TOKEN, timeout=0.5)
    error = call.exception(10)
    assert error.code().name in ("DEADLINE_EXCEEDED", "CANCELLED")
    assert stub.Say(pb2.SayRequest(text="0"), metadata=TOKEN, timeout=5).text == "end"


def test_a_pool_that_grows_by_idle_never_blocks(
    api: _native.Client, server: _native.Server, stub: Any, pb2: ModuleType
) -> None:
    threads: list[threading.Thread] = []
    handle = hook(api)

    def start() -> None:
        threads.append(threading.Thread(target=work))
        threads[-1].start()

    def work() -> None:
        while (call := server.recv()) is not None:
            # Whoever takes a call makes sure that somebody else waits for the next.
            if server.idle() == 0:
                start()
            handle(call)
            del call

    start()
    assert stub.Say(pb2.SayRequest(text="8"), metadata=TOKEN, timeout=20).text == "end........"
    server.stop()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert 9 <= len(threads) <= 12


def test_async_hooks_nest_on_one_thread(api: _native.Client, socket: str, pb2: ModuleType, stub: Any) -> None:
    methods = {SAY[0]: ("SayRequest", "SayResponse", True)}
    server = _native.Server(socket, echo.make_codec(), methods, token="secret")

    async def handle(call: _native.Call) -> None:
        depth = int(call.args[0])
        answer = "end" if depth == 0 else await api.call_async(*SAY, (f"hook {depth - 1}", b""), 20) + "."
        call.reply((answer,))

    async def main() -> None:
        tasks = set()
        loop = asyncio.get_running_loop()
        loop.add_reader(
            server.fileno(), lambda: tasks.update(loop.create_task(handle(it)) for it in server.drain_async())
        )
        answer = await asyncio.to_thread(stub.Say, pb2.SayRequest(text="8"), metadata=TOKEN, timeout=20)
        assert answer.text == "end........"
        loop.remove_reader(server.fileno())

    asyncio.run(main())
    server.stop()
