"""Routes: which handler a path belongs to, what it is given, who may ask, what becomes of its result."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mattermost_plugin import HookDefinitionError, Plugin, route
from mattermost_plugin.http import WebhookSignature

from .http_host import PREAMBLE, Exchange, ask

PLUGIN = (
    PREAMBLE
    + """
from pydantic import BaseModel

class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"

@dataclass
class Part:
    name: str
    count: int = 1

@dataclass
class Order:
    customer: str
    parts: list[Part]
    note: str | None = None
    price: float = 0.0

    def __post_init__(self):
        if not self.parts:
            raise ValueError("an order has parts")

class Item(BaseModel):
    name: str
    tags: list[str] = []

class MyPlugin(Plugin):
    @route.get("/items/{item_id}")
    def item(self, item_id: int, limit: int = 10, deep: bool = False, colour: Colour | None = None):
        return {"id": item_id, "limit": limit, "deep": deep, "colour": colour}

    @route.get("/items/new")
    async def new(self):
        return "the static one"

    @route.get("/kinds/{day}/{ident}")
    def kinds(self, day: datetime.date, ident: uuid.UUID, size: Literal["s", "m"], factor: float, at: datetime.datetime,
              tag: list[str], word: str | None):
        return [day, ident, size, factor, at, tag, word]

    @route.get("/files/{rest:path}")
    def files(self, rest):
        return rest

    @route.get("/names/{name}")
    def name(self, name: str):
        return name

    @route.post("/orders")
    def order(self, order: Order):
        return 201, order

    @route.put("/orders")
    async def item_in_pydantic(self, item: Item):
        return item

    @route("/raw", methods=["POST", "PATCH"])
    def raw(self, request: HttpRequest, context: Context, body: bytes):
        return HttpResponse(202, {"X-A": "1"}, request.method.encode() + body + context.session_id.encode())

    @route.post("/any")
    async def any_json(self, body):
        return body

    @route.delete("/nothing")
    def nothing(self): ...

    @route.get("/write")
    def write(self, writer: ResponseWriter):
        writer.write_header(203)
        writer.write("written")

    @route.get("/refused")
    async def refused(self):
        raise HttpError(418, "no coffee", {"X-Pot": "tea"})

    @route.get("/broken")
    def broken(self):
        return object()

    @route.get("/public", public=True)
    def public(self, request: HttpRequest, user: User | None = None):
        return f"{request.user_id}|{user and user.username}"

    @route.get("/me")
    def me(self, user: User):
        return user.username

    @route.get("/me/async")
    async def me_async(self, user: User):
        return user.username

    @route.get("/admin", permission="manage_system")
    def admin(self):
        return "welcome"

    @route.get("/admin/async", permission="manage_system")
    async def admin_async(self):
        return "welcome"

    @route.post("/webhook", public=True, signature=WebhookSignature(), key_setting="Secret")
    def webhook(self, body):
        return body

    @route.get("/events")
    def events(self, count: int):
        for number in range(count):
            yield {"number": number}

    @route.get("/events/async")
    async def events_async(self, count: int):
        for number in range(count):
            yield ServerSentEvent(str(number), event="tick", id=str(number))

run_plugin(MyPlugin)
"""
)

SIGNATURE = WebhookSignature()


@pytest.fixture
def shop(host: Any) -> Any:
    """A host that runs the plugin above."""
    host.config = {"secret": "hush"}
    host.start(PLUGIN)
    yield host
    assert host.stop()[0] == 0


@pytest.mark.parametrize(
    ("url", "status", "answer"),
    [
        ("/items/7", 200, {"id": 7, "limit": 10, "deep": False, "colour": None}),
        ("/items/-7?limit=3&deep=yes&colour=red", 200, {"id": -7, "limit": 3, "deep": True, "colour": "red"}),
        ("/items/x", 400, {"error": "path parameter 'item_id': 'x' is not a whole number"}),
        ("/items/+-7", 400, {"error": "path parameter 'item_id': '+-7' is not a whole number"}),
        ("/items/1_000", 400, {"error": "path parameter 'item_id': '1_000' is not a whole number"}),
        ("/items/7?limit=", 400, {"error": "query parameter 'limit': '' is not a whole number"}),
        ("/items/7?deep=maybe", 400, {"error": "query parameter 'deep': 'maybe' is not true or false"}),
        ("/items/7?colour=green", 400, {"error": "query parameter 'colour': 'green' is not one of red, blue"}),
        ("/items/7?limit=1&limit=2", 400, {"error": "query parameter 'limit' is given 2 times; give it once"}),
        (
            "/kinds/2026-11-23/12345678-1234-5678-1234-567812345678?size=m&factor=1.5&at=2026-11-23T07:00:00Z&tag=a&tag=b",
            200,
            [
                "2026-11-23",
                "12345678-1234-5678-1234-567812345678",
                "m",
                1.5,
                "2026-11-23T07:00:00+00:00",
                ["a", "b"],
                None,
            ],
        ),
        ("/kinds/monday/x", 400, {"error": "path parameter 'day': 'monday' is not a date such as 2026-11-23"}),
        (
            "/kinds/2026-11-23/12345678-1234-5678-1234-567812345678",
            400,
            {"error": "query parameter 'size' is missing"},
        ),
        ("/nowhere", 404, {"error": "there is nothing at /nowhere"}),
        ("/items/", 404, {"error": "there is nothing at /items/"}),
    ],
)
def test_paths_and_queries(shop: Any, url: str, status: int, answer: object) -> None:
    got = ask(shop, "GET", url)
    assert (got.status, json.loads(got.body)) == (status, answer)
    assert got.headers["Content-Type"] == ["application/json"]


def test_texts_of_paths(shop: Any) -> None:
    assert ask(shop, "GET", "/items/new").body == b"the static one"
    assert ask(shop, "GET", "/files/a/b%20c/d").body == b"a/b c/d"
    assert ask(shop, "GET", "/files/").body == b""
    assert ask(shop, "GET", "/names/a%2Fb%C3%A9").body == "a/bé".encode()
    assert ask(shop, "GET", "/names/a/b").status == 404


def test_methods(shop: Any) -> None:
    got = ask(shop, "POST", "/items/7")
    assert (got.status, got.headers["Allow"]) == (405, ["GET, HEAD, OPTIONS"])
    assert json.loads(got.body) == {"error": "POST is not allowed here; allowed are GET, HEAD, OPTIONS"}
    got = ask(shop, "OPTIONS", "/orders")
    assert (got.status, got.headers["Allow"], got.body) == (204, ["OPTIONS, POST, PUT"], b"")
    got = ask(shop, "HEAD", "/names/abc")
    assert (got.status, got.headers["Content-Length"], got.body) == (200, ["3"], b"")
    assert ask(shop, "PATCH", "/raw", b"x").body == b"PATCHxs1"


@pytest.mark.parametrize(
    ("method", "body", "status", "answer"),
    [
        (
            "POST",
            b'{"customer": "c", "parts": [{"name": "p"}, {"name": "q", "count": 2}], "price": 2}',
            201,
            {
                "customer": "c",
                "parts": [{"name": "p", "count": 1}, {"name": "q", "count": 2}],
                "note": None,
                "price": 2.0,
            },
        ),
        ("POST", b"", 400, {"error": "the body is missing; it is to be JSON"}),
        ("POST", b"[]", 400, {"error": "body: expected an object, got a list"}),
        ("POST", b'{"customer": "c"}', 400, {"error": "body.parts is missing"}),
        ("POST", b'{"customer": 1, "parts": []}', 400, {"error": "body.customer: expected a text, got a whole number"}),
        (
            "POST",
            b'{"customer": "c", "parts": [{"name": "p", "count": true}]}',
            400,
            {"error": "body.parts[0].count: expected a whole number, got true or false"},
        ),
        ("POST", b'{"customer": "c", "parts": []}', 400, {"error": "body: an order has parts"}),
        ("PUT", b'{"name": "n", "tags": ["t"]}', 200, {"name": "n", "tags": ["t"]}),
        ("PUT", b'{"tags": 1}', 400, {"error": "body.name: Field required; body.tags: Input should be a valid list"}),
    ],
)
def test_json_bodies(shop: Any, method: str, body: bytes, status: int, answer: object) -> None:
    got = ask(shop, method, "/orders", body)
    assert (got.status, json.loads(got.body)) == (status, answer)


def test_bodies_that_are_no_json(shop: Any) -> None:
    got = ask(shop, "POST", "/any", b"{oops")
    assert (got.status, json.loads(got.body)["error"][:22]) == (400, "the body is no JSON: E")
    assert ask(shop, "POST", "/any", b"[" * 200_000).status == 400
    assert ask(shop, "POST", "/any", b" " * ((16 << 20) + 1)).status == 413


def test_results(shop: Any) -> None:
    got = ask(shop, "DELETE", "/nothing")
    assert (got.status, got.body, "Content-Length" in got.headers) == (204, b"", False)
    got = ask(shop, "POST", "/raw", b"x")
    assert (got.status, got.headers["X-A"]) == (202, ["1"])
    got = ask(shop, "GET", "/write")
    assert (got.status, got.body) == (203, b"written")
    got = ask(shop, "GET", "/refused")
    assert (got.status, got.headers["X-Pot"], json.loads(got.body)) == (418, ["tea"], {"error": "no coffee"})
    assert ask(shop, "GET", "/broken").status == 500
    assert "MyPlugin.broken returned something that is no answer" in shop.log("MyPlugin.broken failed").traceback


def test_only_users_are_let_through(shop: Any) -> None:
    got = ask(shop, "GET", "/items/7", user="")
    assert (got.status, json.loads(got.body)) == (401, {"error": "log in to Mattermost first"})
    assert ask(shop, "GET", "/public", user="").body == b"|None"


@pytest.mark.parametrize("url", ["/me", "/me/async"])
def test_the_user_is_fetched(shop: Any, url: str) -> None:
    shop.on("GetUser", lambda request, _: {"user": {"id": request.user_id, "username": "anna"}})
    assert ask(shop, "GET", url).body == b"anna"
    assert ask(shop, "GET", "/public").body == b"u1|anna"
    assert shop.calls.count("GetUser") == 2


@pytest.mark.parametrize("url", ["/admin", "/admin/async"])
def test_permissions_are_asked_for(shop: Any, url: str) -> None:
    shop.on("HasPermissionTo", lambda request, _: {"result": request.permission.id == "manage_system"})
    assert ask(shop, "GET", url).body == b"welcome"
    shop.on("HasPermissionTo", lambda request, _: {"result": False})
    got = ask(shop, "GET", url)
    assert (got.status, json.loads(got.body)) == (403, {"error": "this needs the permission manage_system"})
    assert ask(shop, "GET", url, user="").status == 401


def test_webhooks_are_signed(shop: Any) -> None:
    body = b'{"action": "opened"}'
    signed = {"X-Hub-Signature-256": SIGNATURE.sign(body, "hush")}
    got = ask(shop, "POST", "/webhook", body, user="", headers=signed)
    assert (got.status, json.loads(got.body)) == (200, {"action": "opened"})
    for headers in ({}, {"X-Hub-Signature-256": SIGNATURE.sign(body, "guess")}):
        got = ask(shop, "POST", "/webhook", body, user="", headers=headers)
        assert (got.status, json.loads(got.body)) == (401, {"error": "the signature is missing or wrong"})


def test_events(shop: Any) -> None:
    got = ask(shop, "GET", "/events?count=2")
    assert got.body == b'data: {"number": 0}\n\ndata: {"number": 1}\n\n'
    assert got.headers["Content-Type"] == ["text/event-stream"]
    assert got.parts == ["head", "flush", "body", "flush", "body", "flush"]
    got = ask(shop, "GET", "/events/async?count=1")
    assert got.body == b"event: tick\nid: 0\ndata: 0\n\n"
    assert ask(shop, "GET", "/events").status == 400


def refused(text: str) -> Any:
    return pytest.raises(HookDefinitionError, match=text)


def test_wrong_routes_are_refused_at_once() -> None:
    with refused("a path begins with '/'"):
        route.get("items")
    with refused(r"write \{name\} or \{name:path\}"):
        route.get("/{item-id}")
    with refused(r"\{a\} is in it twice"):
        route.get("/{a}/{a}")
    with refused("nothing can follow it"):
        route.get("/{a:path}/b")
    with refused("braces do not match"):
        route.get("/{a")
    with refused("parameters of the query are parameters of the handler"):
        route.get("/a?b={c}")
    with refused("a public route has no user"):
        route.get("/a", public=True, permission="manage_system")
    with refused("go together"):
        route.post("/a", signature=SIGNATURE)
    with refused("methods are names such as 'GET'"):
        route("/a", methods=[])
    with refused("has no parameter 'b', which is in the path"):

        @route.get("/a/{b}")
        def forgets(self: object) -> None: ...

    with refused("both handle GET /a"):

        class Twice(Plugin):
            @route.get("/a")
            def one(self) -> None: ...

            @route.get("/a")
            def two(self) -> None: ...


@pytest.mark.parametrize(
    ("handler", "text"),
    [
        ("def get(self, part: dict[str, int]): ...", "comes from the request's query, but dict"),
        ("def get(self, part: Missing): ...", "the type of a parameter cannot be found"),
        ("def get(self, *parts): ...", "has named parameters only"),
    ],
)
def test_a_plugin_with_a_wrong_parameter_does_not_start(host: Any, handler: str, text: str) -> None:
    program = "from __future__ import annotations\n" + PREAMBLE
    program += f"class MyPlugin(Plugin):\n    @route.get('/a')\n    {handler}\nrun_plugin(MyPlugin)\n"
    with pytest.raises(AssertionError, match=text):
        host.start(program)


def test_a_handler_is_cancelled_when_the_client_goes(host: Any) -> None:
    host.start(
        PREAMBLE
        + """
class MyPlugin(Plugin):
    @route.get("/wait")
    async def wait(self):
        self.logger.warning("waiting")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.logger.warning("cancelled")
            raise

    @route.get("/other")
    def other(self):
        return "x"

run_plugin(MyPlugin)
"""
    )
    exchange = Exchange(host)
    exchange.start("GET", "/wait")
    exchange.end_body()
    host.log("waiting")
    exchange.call.cancel()
    host.log("cancelled")
    exchange.done()
    assert ask(host, "GET", "/other").body == b"x"
    host.stop()
    assert [record.message for record in host.records] == ["waiting", "cancelled"]
