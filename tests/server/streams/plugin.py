"""A plugin that streams in all the ways there are, for the tests of streams on a server."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

from mattermost_plugin import HookName, Plugin, Reject, Replace, hook, route, run_plugin
from mattermost_plugin.files import ReplacementFile, UploadedFile
from mattermost_plugin.http import HttpRequest, HttpResponse, ResponseWriter, ServerSentEvent
from mattermost_plugin.models import Context, FileInfo, UploadSession

PIECE = 64 * 1024
#: Bytes, more than the windows and queues between a plugin and its server hold.
MORE_THAN_FITS = 8 << 20


async def sockets(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
    """Repeats what comes on a WebSocket, in capitals if it is text."""
    if scope["type"] != "websocket":
        return
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept", "subprotocol": "loud"})
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "close":
            await send({"type": "websocket.close", "code": 4001, "reason": "as you wish"})
            return
        if message.get("text") is not None:
            await send({"type": "websocket.send", "text": message["text"].upper()})
        else:
            await send({"type": "websocket.send", "bytes": message["bytes"]})
    Streams.seen.append(f"socket closed: {message['code']}")


class Streams(Plugin):
    """Each route is one way."""

    #: What happened without anybody's being there to be told.
    seen: list[str] = []  # noqa: RUF012
    #: Pieces that were made for clients.
    made = 0
    #: Set when a handler may stop waiting.
    go_on = threading.Event()

    def __init__(self) -> None:
        self.mount("/socket", sockets, public=True)

    @route.get("/hello", public=True)
    def hello(self) -> str:
        """A small answer."""
        return "hello"

    @route.get("/seen", public=True)
    def tell(self) -> dict[str, object]:
        """What happened."""
        return {"seen": self.seen, "made": Streams.made}

    @route.post("/echo", public=True)
    def echo(self, request: HttpRequest, writer: ResponseWriter, at_once: bool = False) -> None:
        """Sends back what comes, while it comes."""
        for piece in request.iter_body():
            writer.write(piece)
            if at_once:
                writer.flush()

    @route.post("/digest", public=True)
    async def digest(self, request: HttpRequest) -> str:
        """Reads everything."""
        digest = hashlib.sha256()
        try:
            async for piece in request.stream():
                digest.update(piece)
        except ConnectionError as error:
            self.seen.append(f"body broken: {error}")
            raise
        return digest.hexdigest()

    @route.post("/unread", public=True)
    def unread(self) -> str:
        """Answers without a look at the body."""
        return "no thanks"

    @route.post("/fail_unread", public=True)
    def fail_unread(self) -> str:
        """Fails without a look at the body."""
        raise RuntimeError("secret")

    @route.get("/download", public=True)
    def download(self, size: int) -> HttpResponse:
        """A body of a length that is not declared."""

        def pieces() -> Iterator[bytes]:
            for start in range(0, size, PIECE):
                Streams.made += 1
                yield b"d" * min(PIECE, size - start)

        return HttpResponse(200, {"Content-Type": "application/octet-stream"}, pieces())

    @route.get("/crumbs", public=True)
    def crumbs(self, count: int) -> HttpResponse:
        """Many small pieces."""
        return HttpResponse(body=(f"{number},".encode() for number in range(count)))

    @route.get("/events", public=True)
    async def events(self, count: int, pause: float) -> AsyncIterator[ServerSentEvent]:
        """Events with time between them."""
        try:
            for number in range(count):
                yield ServerSentEvent({"number": number})
                await asyncio.sleep(pause)
        except (asyncio.CancelledError, GeneratorExit):
            # While it sleeps, or while the client takes an event.
            self.seen.append("events cancelled")
            raise

    @route.get("/stamps", public=True)
    async def stamps(self, count: int) -> AsyncIterator[ServerSentEvent]:
        """Events that say when they were made."""
        for _ in range(count):
            yield ServerSentEvent({"at": time.time()})
            await asyncio.sleep(0.02)

    @route.post("/stall", public=True)
    def stall(self, request: HttpRequest) -> str:
        """Reads nothing until the test has seen what comes of it."""
        first = next(iter(request.iter_body()))
        Streams.go_on.wait(60)
        return f"{len(first) > 0}"

    @route.post("/go", public=True)
    def let_go(self) -> str:
        """Ends what stalls."""
        Streams.go_on.set()
        return "go"

    @route.get("/trailers", public=True)
    def trailers(self) -> HttpResponse:
        """Something behind the body."""
        response = HttpResponse(body=iter([b"body"]))
        response.trailers["X-Sum"] = "4"
        return response

    @route.get("/header", public=True)
    def header(self, request: HttpRequest, writer: ResponseWriter) -> None:
        """Sends the fields back, whatever they are."""
        for name, values in request.headers.to_dict().items():
            if name.startswith("X-"):
                writer.headers[name] = values[0]
        writer.write(str(len(request.headers.to_dict())).encode())

    @route.get("/smuggle", public=True)
    def smuggle(self, writer: ResponseWriter) -> None:
        """A header field that is two."""
        writer.headers["X-A"] = "1\r\nX-B: 2"
        writer.write(b"never sent")

    @route.get("/fail", public=True)
    def fail(self, writer: ResponseWriter, after: int) -> None:
        """Fails after so many bytes."""
        for _ in range(0, after, PIECE):
            writer.write(b"x" * PIECE)
        raise RuntimeError("the secret reason")

    @route.get("/die", public=True)
    def die(self, writer: ResponseWriter) -> None:
        """Kills the process in the middle of an answer."""
        writer.write(b"x" * PIECE)
        writer.flush()
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)

    @route.post("/die", public=True)
    def die_reading(self, request: HttpRequest) -> None:
        """Kills the process in the middle of a body."""
        next(iter(request.iter_body()))
        os.kill(os.getpid(), signal.SIGKILL)

    @route.post("/api/upload_data", public=True)
    def upload_data(self, count: int, broken: bool = False) -> str:
        """Uploads pieces; breaks off when it is told to."""

        def pieces() -> Iterator[bytes]:
            for number in range(count):
                yield bytes([number % 256]) * 10_000
            if broken:
                raise RuntimeError("no more")

        try:
            info = self.api.upload_data(UploadSession(id="u1", file_size=count * 10_000), pieces())
        except RuntimeError as error:
            return f"raised {error}"
        return "None" if info is None else info.id

    @route.post("/api/install_plugin", public=True)
    def install(self, request: HttpRequest) -> str:
        """Installs what it is sent."""
        return self.api.install_plugin(request.iter_body(), True).id

    @route.post("/api/plugin_http", public=True)
    def plugin_http(self, request: HttpRequest) -> HttpResponse:
        """Asks another plugin, and passes the answer on."""
        asked = HttpRequest("PUT", "/other/path?q=1", headers={"X-A": "1"}, body=request.iter_body())
        with self.api.plugin_http_stream(asked) as response:
            body = b"".join(response.iter_body())
            return HttpResponse(response.status_code, response.headers, body)

    @hook(HookName.ServeMetrics)
    def metrics(self, context: Context, request: HttpRequest) -> HttpResponse:
        """The same hook for another address."""
        return HttpResponse(body=f"path {request.path}\n")

    @hook(HookName.FileWillBeUploaded)
    def file(
        self, context: Context, info: FileInfo, file: UploadedFile, output: ReplacementFile
    ) -> Reject | Replace[FileInfo] | None:
        """What the name of the file says."""
        if info.name == "refuse":
            return Reject("not this one")
        if info.name == "fail":
            raise RuntimeError("the secret reason")
        for piece in iter(lambda: file.read(PIECE), b""):
            if info.name != "look":
                output.write(piece.swapcase())
            if info.name == "die late":
                # So much does not fit between here and the server: it has got some of it when all is written.
                output.write(bytes(MORE_THAN_FITS))
            if info.name in ("half", "die", "die late"):
                output.flush()
            if info.name == "half":
                raise RuntimeError("the secret reason")
            if info.name in ("die", "die late"):
                os.kill(os.getpid(), signal.SIGKILL)
        if info.name == "rename":
            info.name, info.mime_type = "renamed", ""
            return Replace(info)
        return None


if __name__ == "__main__":
    run_plugin(Streams)
