"""ASGI applications, where a server and a client would have to fail at just the right moment: start and end, the handshake of a WebSocket."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from mattermost_plugin._http.asgi import _Lifespan, end_lifespans
from mattermost_plugin._http.websocket import CLOSE_LIMIT, WebSocketServing
from mattermost_plugin._runtime.lanes import AsyncLane, ClientGoneError
from mattermost_plugin.http import HttpRequest


def test_an_application_that_cannot_start_is_tried_again_and_ended_once() -> None:
    heard: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        heard.append((await receive())["type"])
        if len(heard) < 3:
            await send({"type": "lifespan.startup.failed", "message": "no database"})
            # As Starlette does; and not at once, so that the next start has begun by then.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            raise ValueError("no database")
        await send({"type": "lifespan.startup.complete"})
        heard.append((await receive())["type"])
        await send({"type": "lifespan.shutdown.complete"})

    async def run() -> None:
        lifespan = _Lifespan(application, "app at /")
        for _ in range(2):
            with pytest.raises(RuntimeError, match="app at / could not start: no database"):
                await lifespan.started()
        await lifespan.started()
        await lifespan.started()
        await end_lifespans()

    asyncio.run(run())
    assert heard == ["lifespan.startup"] * 3 + ["lifespan.shutdown"]


def test_endings_do_not_grow_with_the_starts_that_fail() -> None:
    from mattermost_plugin._http import asgi

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.failed"})

    async def run() -> int:
        lifespan = _Lifespan(application, "app at /")
        before = len(asgi._ENDINGS)
        for _ in range(5):
            with pytest.raises(RuntimeError, match="could not start"):
                await lifespan.started()
        grown = len(asgi._ENDINGS) - before
        await end_lifespans()
        return grown

    assert asyncio.run(run()) == 1


class GoneLane(AsyncLane):
    """The lane of a client that goes when its connection was taken over."""

    def __init__(self) -> None:
        pass

    async def hijack(self) -> None:
        pass

    def send(self, message: tuple[object, ...]) -> None:
        raise ClientGoneError("the client has gone")

    def piece(self, part: str, content: bytes) -> tuple[object, ...]:
        return ()

    def message(self, part: str, fields: dict[str, object]) -> tuple[object, ...]:
        return ()

    async def next_data(self) -> bytes | None:
        raise ClientGoneError("the client has gone")


def test_a_client_that_goes_during_the_handshake_is_no_error_of_another_kind() -> None:
    finished: list[bool] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})

    async def finish() -> None:
        finished.append(True)

    async def run() -> float:
        headers = {"Sec-Websocket-Version": "13", "Sec-Websocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        serving: Any = SimpleNamespace(lane=GoneLane(), request=HttpRequest(headers=headers), finish_async=finish)
        began = asyncio.get_running_loop().time()
        with pytest.raises(ClientGoneError):
            await WebSocketServing(serving, {}).run(application)
        return asyncio.get_running_loop().time() - began

    # Nobody is left whose answer to the close could be waited for.
    assert asyncio.run(run()) < CLOSE_LIMIT
    assert finished == [True]
