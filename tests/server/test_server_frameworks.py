"""Applications of web frameworks in a plugin: FastAPI and Flask as they are, behind Go's net/http and go-plugin; on a new server and on 9.8."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from minimost import running
from plugins import WithSource
from web_client import PATIENCE, Web
from websockets.sync.client import connect

PLUGIN = """
import os, sys
from mattermost_plugin import Plugin, run_plugin

# Where the tests have the frameworks, before what the interpreter has by itself.
sys.path[:0] = os.environ["PLUGIN_WEB_PATH"].split(os.pathsep)

from fastapi import FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import StreamingResponse
from flask import Flask, abort
from flask import request as asked
from pydantic import BaseModel

api = FastAPI()
pages = Flask(__name__)


class Item(BaseModel):
    name: str
    count: int = 1


@api.post("/items/{number}", status_code=201)
async def create(number: int, item: Item, request: Request, loud: bool = False):
    name = item.name.upper() if loud else item.name
    user = request.scope["mattermost"]["user_id"]
    return {"number": number, "name": name, "count": item.count, "user": user, "path": request.url.path}


@api.get("/missing")
async def missing():
    raise HTTPException(404, "there is none")


@api.post("/double")
async def double(request: Request):
    async def pieces():
        async for piece in request.stream():
            yield piece
            yield piece
    return StreamingResponse(pieces(), media_type="application/octet-stream")


@api.websocket("/chat")
async def chat(socket: WebSocket):
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_json({"heard": text, "user": socket.headers["mattermost-user-id"]})


@pages.post("/forms")
def forms():
    return {"fields": asked.form.to_dict(), "file": len(asked.files["file"].read()), "user": asked.headers["Mattermost-User-Id"]}


@pages.get("/numbers")
def numbers():
    return (f"{number}," for number in range(int(asked.args["count"]))), {"Content-Type": "text/plain", "X-Kind": "numbers"}


@pages.get("/missing")
def none():
    abort(404, "there is none")


@pages.get("/fail")
def fail():
    raise ValueError("secret")


class Frameworks(Plugin):
    def __init__(self):
        self.mount("/api", api)
        self.mount("/pages", pages)


if __name__ == "__main__":
    run_plugin(Frameworks)
"""

USER = {"Mattermost-User-Id": "u1"}


@pytest.fixture(params=["new", "old"])
def web(
    request: pytest.FixtureRequest, minimost: Path, plugin_of: WithSource, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Web]:
    """The plugin's address, on a server of each kind."""
    monkeypatch.setenv("PLUGIN_WEB_PATH", os.pathsep.join(path for path in sys.path if "site-packages" in path))
    program = Path(os.environ["MINIMOST_9_8"]) if request.param == "old" else minimost
    with running(program, plugin_of(PLUGIN)) as server:
        server.start()
        server.activate()
        yield Web(server.do("listen", hook={"name": "ServeHTTP"}))


def test_fastapi(web: Web) -> None:
    assert web.ask("GET", "/api/missing").status == 401, "users who are logged in, unless it is public"

    sent = {**USER, "Content-Type": "application/json"}
    answer = web.ask("POST", "/api/items/7?loud=yes", b'{"name": "spoon", "count": 3}', sent)
    assert answer.status == 201
    path = "/plugins/org.example.probe/api/items/7"
    expected = {"number": 7, "name": "SPOON", "count": 3, "user": "u1", "path": path}
    assert json.loads(answer.body) == expected
    refused = web.ask("POST", "/api/items/seven", b'{"count": "many"}', sent)
    assert refused.status == 422
    assert [it["loc"] for it in json.loads(refused.body)["detail"]] == [
        ["path", "number"],
        ["body", "name"],
        ["body", "count"],
    ]
    missing = web.ask("GET", "/api/missing", headers=USER)
    assert (missing.status, json.loads(missing.body)) == (404, {"detail": "there is none"})

    pieces = [bytes([number]) * 10_000 for number in range(200)]
    assert len(web.ask("POST", "/api/double", iter(pieces), USER).body) == 4_000_000

    with connect(f"ws://{web.host}:{web.port}/api/chat", additional_headers=USER) as client:
        for text in ("one", "two"):
            client.send(text)
            assert json.loads(client.recv(PATIENCE)) == {"heard": text, "user": "u1"}


def test_flask(web: Web) -> None:
    assert web.ask("GET", "/pages/missing").status == 401
    boundary = "frontier"
    form = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="title"\r\n\r\na title\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n{"x" * 500_000}\r\n--{boundary}--\r\n'
    )
    sent = {**USER, "Content-Type": f"multipart/form-data; boundary={boundary}"}
    answer = web.ask("POST", "/pages/forms", form.encode(), sent)
    assert json.loads(answer.body) == {"fields": {"title": "a title"}, "file": 500_000, "user": "u1"}

    numbers = web.ask("GET", "/pages/numbers?count=5000", headers=USER)
    assert (numbers.status, numbers.header["X-Kind"]) == (200, "numbers")
    assert numbers.text == "".join(f"{number}," for number in range(5000))
    missing = web.ask("GET", "/pages/missing", headers=USER)
    assert missing.status == 404
    assert "there is none" in missing.text
    failed = web.ask("GET", "/pages/fail", headers=USER)
    assert failed.status == 500
    assert "secret" not in failed.text
