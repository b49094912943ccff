"""Calls of the API with streams: content from iterators, requests and responses that travel at the same time, and what breaks them off."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from mattermost_plugin import _native, errors
from mattermost_plugin.api import AsyncPluginAPIClient, PluginAPIClient
from mattermost_plugin.http import HttpRequest, HttpResponse

#: Seconds after which what has not happened is a failure.
PATIENCE = 20.0
PATH = "/mattermost.plugin.v1.PluginApi/PluginHTTP"


@pytest.fixture
def api(client: _native.Client) -> PluginAPIClient:
    return PluginAPIClient(client, 3 * PATIENCE)


@pytest.fixture
def aio(client: _native.Client) -> AsyncPluginAPIClient:
    return AsyncPluginAPIClient(client, 3 * PATIENCE)


class Upload:
    """Serves ``InstallPlugin``; knows what came and how it ended.

    Args:
        host: The server.
        breaks: Whether the client is going to break it off; then there is no answer before it has.
    """

    def __init__(self, host: Any, *, breaks: bool = False) -> None:
        self.content = b""
        self.begun = threading.Event()
        self.broken = threading.Event()
        self._breaks = breaks
        self._over = threading.Event()
        host.on("InstallPlugin", self._serve)
        self._field = host.protocol.message("InstallPluginResponse").DESCRIPTOR.fields[0].name

    def _serve(self, parts: Iterator[Any], context: Any) -> Any:
        context.add_callback(self._over.set)
        try:
            for part in parts:
                self.content += part.content
                if self.content:
                    self.begun.set()
        finally:
            # To grpcio a call that was cancelled is sometimes one whose requests have ended, until it hears of the cancellation. A
            # call that is over before it was answered was broken off.
            if self._breaks and self._over.wait(PATIENCE):
                self.broken.set()
        return {self._field: {"name": "done"}}


def pieces(*sizes: int, error: Exception | None = None) -> Iterator[bytes]:
    for size in sizes:
        yield b"x" * size
    if error is not None:
        raise error


async def pieces_async(*sizes: int, error: Exception | None = None) -> AsyncIterator[bytes]:
    for piece in pieces(*sizes, error=error):
        await asyncio.sleep(0)
        yield piece


def failing(upload: Upload) -> Iterator[bytes]:
    """Fails in the middle: a call that ends before the server has begun to serve it breaks nothing off there."""
    yield b"x" * 100_000
    assert upload.begun.wait(PATIENCE)
    raise ValueError("no more")


async def failing_async(upload: Upload) -> AsyncIterator[bytes]:
    yield b"x" * 100_000
    assert await asyncio.to_thread(upload.begun.wait, PATIENCE)
    raise ValueError("no more")


def test_content_from_an_iterator(host: Any, api: PluginAPIClient, aio: AsyncPluginAPIClient) -> None:
    for install in (
        lambda: api.install_plugin(pieces(10, 0, 200_000), False),
        lambda: asyncio.run(_install(aio, pieces(10, 0, 200_000))),
        lambda: asyncio.run(_install(aio, pieces_async(10, 0, 200_000))),
    ):
        upload = Upload(host)
        assert install().name == "done"
        assert upload.content == b"x" * 200_010


async def _install(aio: AsyncPluginAPIClient, content: Any) -> Any:
    return await aio.install_plugin(content, False)


def test_an_iterator_that_fails_breaks_the_upload_off(
    host: Any, api: PluginAPIClient, aio: AsyncPluginAPIClient
) -> None:
    upload = Upload(host, breaks=True)
    with pytest.raises(ValueError, match="no more"):
        api.install_plugin(failing(upload), False)
    assert upload.broken.wait(2 * PATIENCE)
    upload = Upload(host, breaks=True)
    with pytest.raises(ValueError, match="no more"):
        asyncio.run(_install(aio, failing_async(upload)))
    assert upload.broken.wait(2 * PATIENCE)


def test_what_is_no_content_is_refused(host: Any, api: PluginAPIClient, aio: AsyncPluginAPIClient) -> None:
    Upload(host)
    with pytest.raises(TypeError, match="the iterator gave a str; it must give bytes"):
        api.install_plugin(["x"], False)  # type: ignore[list-item]
    with pytest.raises(TypeError, match="the content is of type str"):
        asyncio.run(_install(aio, "text"))


class Target:
    """Serves ``PluginHTTP``: answers before it reads, and reads only when it is told to."""

    def __init__(self, host: Any, *, size: int = 0, pieces: int = 0, error: str = "", reads: bool = True) -> None:
        self._response = host.protocol.types(PATH)[1]
        self._size, self._pieces, self._error, self._reads = size, pieces, error, reads
        self.received = 0
        self.head: Any = None
        self.gone = threading.Event()
        host.on("PluginHTTP", self._serve)

    def _serve(self, parts: Iterator[Any], context: Any) -> Iterator[Any]:
        context.add_callback(self.gone.set)
        self.head = next(parts).head
        yield self._response(head={"status_code": 103})
        yield self._response(head={"status_code": 200, "header": {"X-A": {"values": ["1", "2"]}}})
        for _ in range(self._pieces):
            yield self._response(body=b"y" * self._size)
        if self._reads:
            for part in parts:
                self.received += len(part.body)
        yield self._response(body_end={"error": self._error})


def test_a_response_is_there_before_its_body(host: Any, api: PluginAPIClient) -> None:
    target = Target(host, size=60_000, pieces=100)
    with api.plugin_http_stream(HttpRequest("PUT", "/other/x", headers={"X-B": "c"}, host="h")) as response:
        assert (response.status_code, response.headers.get_all("x-a")) == (200, ["1", "2"])
        assert sum(map(len, response.iter_body())) == 6_000_000
    assert (target.head.method, target.head.url, target.head.host) == ("PUT", "/other/x", "h")


def test_both_bodies_travel_at_the_same_time(host: Any, api: PluginAPIClient, aio: AsyncPluginAPIClient) -> None:
    """A target that answers at length before it reads would otherwise wait for the plugin, which waits for it."""
    for content in (pieces(*[100_000] * 100), b"x" * 10_000_000):
        target = Target(host, size=60_000, pieces=200)
        response = api.plugin_http(HttpRequest("POST", "/other", body=content))
        assert (len(response.body), target.received) == (12_000_000, 10_000_000)

    async def ask(content: Any) -> HttpResponse:
        return await aio.plugin_http(HttpRequest("POST", "/other", body=content))

    for content in (pieces_async(*[100_000] * 100), b"x" * 10_000_000):
        target = Target(host, size=60_000, pieces=200)
        response = asyncio.run(ask(content))
        assert (len(response.body), target.received) == (12_000_000, 10_000_000)


def test_a_target_need_not_read_the_request(host: Any, api: PluginAPIClient) -> None:
    Target(host, reads=False)
    assert api.plugin_http(HttpRequest("POST", "/other", body=b"x" * 20_000_000)).status_code == 200


def test_what_is_not_read_is_not_fetched(host: Any, api: PluginAPIClient, aio: AsyncPluginAPIClient) -> None:
    target = Target(host, size=60_000, pieces=100_000)
    with api.plugin_http_stream(HttpRequest(url="/other")) as response:
        assert len(next(response.iter_body())) == 60_000
    assert target.gone.wait(PATIENCE)

    async def read_a_little() -> None:
        async with aio.plugin_http_stream(HttpRequest(url="/other")) as response:
            async for piece in response.stream():
                assert len(piece) == 60_000
                break

    target = Target(host, size=60_000, pieces=100_000)
    asyncio.run(read_a_little())
    assert target.gone.wait(PATIENCE)


def test_an_answer_that_ends_early(host: Any, api: PluginAPIClient, aio: AsyncPluginAPIClient) -> None:
    Target(host, error="the other plugin crashed")
    with pytest.raises(ConnectionError, match="the other plugin's answer ended early: the other plugin crashed"):
        api.plugin_http(HttpRequest(url="/other"))

    async def ask() -> HttpResponse:
        return await aio.plugin_http(HttpRequest(url="/other"))

    with pytest.raises(ConnectionError, match="the other plugin's answer ended early: the other plugin crashed"):
        asyncio.run(ask())


def test_a_request_whose_body_fails(host: Any, api: PluginAPIClient, aio: AsyncPluginAPIClient) -> None:
    Target(host)
    with pytest.raises(ValueError, match="no more"):
        api.plugin_http(HttpRequest("POST", "/other", body=pieces(100_000, error=ValueError("no more"))))

    async def ask() -> HttpResponse:
        return await aio.plugin_http(
            HttpRequest("POST", "/other", body=pieces_async(100_000, error=ValueError("no more")))
        )

    with pytest.raises(ValueError, match="no more"):
        asyncio.run(ask())


def test_a_refused_request(host: Any, api: PluginAPIClient, aio: AsyncPluginAPIClient) -> None:
    host.fail("PluginHTTP", "AppError", id="app.x", message="No.", status_code=403)
    with pytest.raises(errors.PermissionDeniedError, match=r"plugin_http: No\."):
        api.plugin_http(HttpRequest("POST", "/other", body=b"x" * 1_000_000))

    async def ask() -> HttpResponse:
        return await aio.plugin_http(HttpRequest("POST", "/other", body=b"x" * 1_000_000))

    with pytest.raises(errors.PermissionDeniedError, match=r"plugin_http: No\."):
        asyncio.run(ask())


def test_header_fields_of_requests_are_checked(host: Any, api: PluginAPIClient) -> None:
    Target(host)
    with pytest.raises(ValueError, match="header field X-A: the value holds"):
        api.plugin_http(HttpRequest(url="/other", headers={"X-A": "1\r\nX-B: 2"}))
