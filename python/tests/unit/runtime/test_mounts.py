"""Real web frameworks under a path: FastAPI and Starlette by ASGI, Flask by WSGI."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .http_host import PREAMBLE, Exchange, ask

FASTAPI = """
from contextlib import asynccontextmanager
from fastapi import BackgroundTasks, FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

@asynccontextmanager
async def lifespan(app):
    yield {"started": True}
    logging.warning("lifespan ended")

app = FastAPI(lifespan=lifespan)

class Item(BaseModel):
    name: str
    price: float = 1.0

@app.get("/items/{item_id}")
async def item(item_id: int, request: Request, q: str = ""):
    return {"id": item_id, "q": q, "user": request.scope["mattermost"]["user_id"], "root": request.scope["root_path"],
            "url": str(request.url_for("item", item_id=item_id)), "started": request.state.started}

@app.post("/items", status_code=201)
async def add(item: Item):
    return item

@app.get("/sync")
def sync():
    return "from a thread"

@app.get("/stream")
async def stream():
    async def lines():
        for number in range(3):
            yield f"{number}\\n"
            await asyncio.sleep(0.01)
    return StreamingResponse(lines(), media_type="text/plain")

@app.post("/size")
async def size(request: Request):
    total = 0
    async for piece in request.stream():
        total += len(piece)
    return total

@app.get("/later")
async def later(tasks: BackgroundTasks):
    async def work():
        await going_on.wait()
        logging.warning("worked later")
    tasks.add_task(work)
    return "now"

going_on = asyncio.Event()

@app.get("/go/on")
async def go_on():
    going_on.set()

@app.get("/fail")
async def fail():
    raise ValueError("secret")

class MyPlugin(Plugin):
    def __init__(self):
        self.mount("/api", app)

run_plugin(MyPlugin)
"""

FLASK = """
from flask import Flask, Response, abort, request, url_for
app = Flask(__name__)

@app.get("/hello/<name>")
def hello(name):
    return {"hello": name, "user": request.environ["mattermost.user_id"], "url": url_for("hello", name="x"),
            "agent": request.headers.get("User-Agent"), "args": request.args.getlist("a"), "addr": request.remote_addr}

@app.post("/upload")
def upload():
    total = 0
    while piece := request.stream.read(10_000):
        total += len(piece)
    return str(total)

@app.get("/stream")
def stream():
    return Response((f"{number}\\n" for number in range(3)), mimetype="text/plain")

@app.get("/fail")
def fail():
    raise ValueError("secret")

class MyPlugin(Plugin):
    def __init__(self):
        self.mount("/", app, public=True)

run_plugin(MyPlugin)
"""


class TestFastApi:
    def test_requests_reach_it_below_its_path(self, host: Any) -> None:
        host.start(PREAMBLE + FASTAPI)
        answer = ask(host, "GET", "/api/items/7?q=a%20b")
        assert (answer.status, json.loads(answer.body)) == (
            200,
            {
                "id": 7,
                "q": "a b",
                "user": "u1",
                "root": "/sub/plugins/com.example.test/api",
                "url": "http://chat.example.com/sub/plugins/com.example.test/api/items/7",
                "started": True,
            },
        )
        assert ask(host, "GET", "/api/items/x").status == 422
        assert ask(host, "GET", "/api/none").status == 404
        assert ask(host, "GET", "/elsewhere").status == 404
        body = b'{"name": "tea"}'
        answer = ask(host, "POST", "/api/items", body, headers={"Content-Type": "application/json"})
        assert (answer.status, json.loads(answer.body)) == (201, {"name": "tea", "price": 1.0})
        assert ask(host, "GET", "/api/sync").body == b'"from a thread"'
        assert ask(host, "GET", "/api/stream").body == b"0\n1\n2\n"
        assert ask(host, "POST", "/api/size", b"x" * 3_000_000).body == b"3000000"
        answer = ask(host, "HEAD", "/api/items/7")
        assert (answer.status, answer.body) == (405, b"")
        assert host.stop()[0] == 0
        host.log("lifespan ended")

    def test_only_users_reach_it(self, host: Any) -> None:
        host.start(PREAMBLE + FASTAPI)
        answer = ask(host, "GET", "/api/items/7", user="")
        assert (answer.status, json.loads(answer.body)) == (401, {"error": "log in to Mattermost first"})
        host.stop()

    def test_what_it_does_later_does_not_hold_up_the_answer(self, host: Any) -> None:
        host.start(PREAMBLE + FASTAPI)
        assert ask(host, "GET", "/api/later").body == b'"now"'
        assert ask(host, "GET", "/api/go/on").status == 200
        host.log("worked later")
        host.stop()

    def test_its_failure_is_logged_and_not_shown(self, host: Any) -> None:
        host.start(PREAMBLE + FASTAPI)
        answer = ask(host, "GET", "/api/fail")
        assert (answer.status, answer.body) == (500, b"Internal Server Error")
        assert "ValueError: secret" in host.log("FastAPI at /api failed").traceback
        host.stop()

    def test_an_upload_that_breaks_off_is_a_disconnect(self, host: Any) -> None:
        host.start(PREAMBLE + FASTAPI)
        exchange = Exchange(host)
        exchange.start("POST", "/api/size")
        exchange.send(body=b"half")
        exchange.send(body_end={"error": "unexpected EOF"})
        answer = exchange.answer()
        exchange.done()
        # Starlette raises ClientDisconnect in the handler.
        assert answer.status == 500
        host.stop()


class TestFlask:
    def test_requests_reach_it(self, host: Any) -> None:
        host.start(PREAMBLE + FLASK)
        answer = ask(host, "GET", "/hello/w%C3%B6rld?a=1&a=2", user="", headers={"User-Agent": "test"})
        assert (answer.status, json.loads(answer.body)) == (
            200,
            {
                "hello": "wörld",
                "user": "",
                "url": "/sub/plugins/com.example.test/hello/x",
                "agent": "test",
                "args": ["1", "2"],
                "addr": "10.0.0.1",
            },
        )
        assert ask(host, "POST", "/upload", b"x" * 2_000_000).body == b"2000000"
        answer = ask(host, "GET", "/stream")
        assert (answer.body, answer.parts) == (
            b"0\n1\n2\n",
            ["head", "body", "flush", "body", "flush", "body", "flush"],
        )
        assert ask(host, "GET", "/none").status == 404
        refused = ask(host, "POST", "/stream")
        assert (refused.status, set(refused.headers["Allow"][0].split(", "))) == (405, {"GET", "HEAD", "OPTIONS"})
        assert ask(host, "HEAD", "/stream").body == b""
        assert host.stop()[0] == 0

    def test_its_failure_is_logged_and_not_shown(self, host: Any) -> None:
        host.start(PREAMBLE + FLASK)
        answer = ask(host, "GET", "/fail")
        assert answer.status == 500
        assert b"secret" not in answer.body
        host.log("Exception on /fail [GET]")
        host.stop()


MIXED = """
async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"1"), (b"x-a", b"2")]})
    await send({"type": "http.response.body", "body": b"asgi " + scope["path"].encode() + b" " + scope["root_path"].encode()})

def wsgi(environ, start_response):
    write = start_response("200 Fine", [("X-Word", "gr\\u00c3\\u00bcn")])
    write(b"wsgi ")
    return [environ["PATH_INFO"].encode(), b" ", environ["SCRIPT_NAME"].encode()]

class MyPlugin(Plugin):
    def __init__(self):
        self.mount("/a", asgi)
        self.mount("/a/b", wsgi)

    @hook
    def serve_http(self, context, request):
        return {"body": "hook " + request.path}

    @route.get("/a/b/route")
    async def by_path(self):
        return "route"

run_plugin(MyPlugin)
"""


def test_the_longest_path_wins_and_routes_come_first(host: Any) -> None:
    host.start(PREAMBLE + MIXED)
    answer = ask(host, "GET", "/a/x")
    assert answer.body == b"asgi /sub/plugins/com.example.test/a/x /sub/plugins/com.example.test/a"
    assert answer.headers["X-A"] == ["1", "2"]
    answer = ask(host, "GET", "/a/b/x")
    assert answer.body == b"wsgi /x /sub/plugins/com.example.test/a/b"
    assert answer.headers["X-Word"] == ["grün"]
    assert ask(host, "GET", "/a/b/route").body == b"route"
    assert ask(host, "GET", "/ab").body == b"hook /ab"
    assert host.stop()[0] == 0


@pytest.mark.parametrize(
    ("application", "log"),
    [
        ("async def app(scope, receive, send): pass", "the application returned without an answer"),
        (
            "async def app(scope, receive, send):\n    await send({'type': 'http.response.body'})",
            "the application sent http.response.body before http.response.start",
        ),
        (
            "async def app(scope, receive, send):\n    for _ in '12':\n        await send({'type': 'http.response.start', 'status': 200})",
            "the application began a second response",
        ),
        ("def app(environ, start): return [b'x']", "the application gave a body before it called start_response"),
        (
            "def app(environ, start):\n    start('200 OK', [('X-A', '1\\\\r\\\\nX-B: 2')])\n    return [b'x']",
            "header field X-A: the value holds",
        ),
        ("def app(environ, start):\n    start('200 OK', [])\n    return ['x']", "the application gave a str"),
    ],
)
def test_a_broken_application_is_an_error_of_the_plugin(host: Any, application: str, log: str) -> None:
    plugin = "\nclass MyPlugin(Plugin):\n    def __init__(self):\n        self.mount('', app)\n\nrun_plugin(MyPlugin)\n"
    host.start(PREAMBLE + application.replace("\\\\", "\\") + plugin)
    answer = ask(host, "GET", "/")
    assert (answer.status, answer.body) == (500, b"The plugin could not answer; its log says why.\n")
    assert log in host.log("app at / failed").traceback
    host.stop()


def test_wrong_mounts_are_refused_at_once() -> None:
    from mattermost_plugin import Plugin

    plugin = Plugin()
    with pytest.raises(ValueError, match="a path begins with '/'"):
        plugin.mount("api", test_wrong_mounts_are_refused_at_once)
    with pytest.raises(TypeError, match="int is no ASGI or WSGI application"):
        plugin.mount("/api", 3)
    with pytest.raises(ValueError, match="interface='cgi'"):
        plugin.mount("/api", print, interface="cgi")
    with pytest.raises(ValueError, match="for everybody there is no user"):
        plugin.mount("/api", print, public=True, permission="manage_system")
    plugin.mount("/api", print)
    with pytest.raises(ValueError, match="there is an application at this path already"):
        plugin.mount("/api/", print)
