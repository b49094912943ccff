"""Calls of the API with grpcio as the host: arguments, results, every kind of failure, in both clients."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from mattermost_plugin import _native, errors
from mattermost_plugin._generated.codec_api import METHODS, NULLABLE
from mattermost_plugin._runtime import codec_kinds as kinds
from mattermost_plugin._runtime.codec import call_fields, make_codec
from mattermost_plugin.api import AsyncPluginAPIClient, PluginAPIClient
from mattermost_plugin.http import HttpRequest
from mattermost_plugin.models import Bot, Post, User

Call = Callable[..., Any]


@pytest.fixture
def api(client: _native.Client) -> PluginAPIClient:
    return PluginAPIClient(client, 5.0)


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, client: _native.Client) -> Call:
    """Calls a method by name, by the blocking client or by the other."""

    def blocking(name: str, *args: object, **fields: object) -> Any:
        return getattr(PluginAPIClient(client, 5.0), name)(*args, **fields)

    def awaited(name: str, *args: object, **fields: object) -> Any:
        async def main() -> Any:
            return await getattr(AsyncPluginAPIClient(client, 5.0), name)(*args, **fields)

        return asyncio.run(main())

    return blocking if request.param == "sync" else awaited


def test_models_go_out_and_come_back(host: Any, call: Call) -> None:
    host.on("GetUser", lambda request, _: {"user": {"id": request.user_id, "username": "anna", "props": {"a": "b"}}})
    user = call("get_user", "u1")
    assert isinstance(user, User)
    assert (user.id, user.username, user.props) == ("u1", "anna", {"a": "b"})


def test_nothing_comes_back_as_none(host: Any, call: Call) -> None:
    host.on("KVSet", lambda request, _: {})
    assert call("kv_set", "key", b"value") is None


def test_a_model_that_is_missing_is_an_error(host: Any, call: Call) -> None:
    """Go's nil pointer without an error: the annotation promises a user."""
    host.on("GetUser", lambda request, _: {})
    with pytest.raises(errors.PluginAPIError, match=r"^get_user: the server reported success but gave no user$"):
        call("get_user", "u1")


def test_a_model_that_may_be_missing_is_none(host: Any, call: Call) -> None:
    host.on("GetLicense", lambda request, _: {})
    assert call("get_license") is None
    host.on("KVGet", lambda request, _: {})
    assert call("kv_get", "key") is None


def test_the_annotations_say_what_may_be_missing() -> None:
    """A method answers a model or raises, unless its annotation has None; the runtime and the annotations agree in all."""
    optional = set()
    for name, (_, _, response) in METHODS.items():
        fields = call_fields(response)
        annotation = getattr(PluginAPIClient, name).__annotations__["return"]
        is_model = len(fields) == 1 and fields[0][2] == kinds.MESSAGE | kinds.OPTIONAL
        if is_model and annotation.endswith("| None"):
            optional.add(name)
    assert optional == set(NULLABLE)


def test_a_post_or_its_fields(host: Any, call: Call) -> None:
    host.on("CreatePost", lambda request, _: {"post": request.post})
    assert call("create_post", Post(message="one")).message == "one"
    assert call("create_post", channel_id="c", message="two").message == "two"


@pytest.mark.parametrize(
    ("args", "fields", "text"),
    [
        ((), {}, "give either a Post, or the fields of one as keywords"),
        ((Post(),), {"message": "x"}, "give either a Post, or the fields of one as keywords"),
        ((), {"mesage": "x"}, r"Post has no field 'mesage'; did you mean message"),
        ((), {"zzz": "x"}, f"Post has no field 'zzz'; it has {', '.join(Post.__slots__[:2])}, "),
    ],
)
def test_wrong_keywords(call: Call, args: tuple[object, ...], fields: dict[str, object], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        call("create_post", *args, **fields)


def test_a_wrong_argument_names_itself_and_sends_nothing(host: Any, call: Call) -> None:
    with pytest.raises(TypeError, match=r"^get_user\(\): user_id: expected str, got int"):
        call("get_user", 3)
    with pytest.raises(TypeError, match=r"^create_bot\(\): .*username: expected str, got int"):
        call("create_bot", Bot(username=3))  # type: ignore[arg-type]
    assert host.calls == []


STATUSES = [
    (400, errors.ValidationError),
    (401, errors.UnauthenticatedError),
    (403, errors.PermissionDeniedError),
    (404, errors.NotFoundError),
    (409, errors.AlreadyExistsError),
    (413, errors.LimitExceededError),
    (429, errors.LimitExceededError),
    (500, errors.PluginAPIError),
    (501, errors.NotSupportedByServer),
    (503, errors.UnavailableError),
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_an_app_error_is_an_exception_with_all_it_says(
    host: Any, call: Call, status: int, kind: type[errors.PluginAPIError]
) -> None:
    fields = {
        "id": "app.x",
        "message": "Not so.",
        "detailed_error": "because",
        "request_id": "r1",
        "status_code": status,
        "where": "GetUser",
    }
    host.fail("GetUser", "AppError", **fields)
    with pytest.raises(errors.PluginAPIError) as caught:
        call("get_user", "u1")
    error = caught.value
    assert type(error) is kind
    assert {name: getattr(error, name) for name in fields} == fields
    assert error.method == "get_user"
    assert str(error) == "get_user: Not so. (because)"


@pytest.mark.parametrize(("code", "kind"), [(0, errors.PlainError), (1, errors.PlainError), (2, errors.NotFoundError)])
def test_a_plain_error_is_an_exception(host: Any, call: Call, code: int, kind: type[errors.PluginAPIError]) -> None:
    host.fail("GetUser", "ErrorValue", code=code, message="broken pipe")
    with pytest.raises(errors.PluginAPIError) as caught:
        call("get_user", "u1")
    assert (type(caught.value), caught.value.message, caught.value.code) == (kind, "broken pipe", code)
    assert caught.value.method == "get_user"


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        (grpc.StatusCode.UNIMPLEMENTED, errors.NotSupportedByServer, "get_user: x"),
        (grpc.StatusCode.UNAVAILABLE, errors.UnavailableError, "get_user: the host cannot be reached: x"),
        (grpc.StatusCode.CANCELLED, errors.CallCancelledError, "get_user: the call was given up: x"),
        (grpc.StatusCode.NOT_FOUND, errors.NotFoundError, "get_user: x"),
        (grpc.StatusCode.INTERNAL, errors.PluginAPIError, "get_user: x"),
    ],
)
def test_a_status_without_details_is_an_exception(
    host: Any, call: Call, code: grpc.StatusCode, kind: type[errors.PluginAPIError], text: str
) -> None:
    host.on("GetUser", lambda _, context: context.abort(code, "x"))
    with pytest.raises(errors.PluginAPIError) as caught:
        call("get_user", "u1")
    assert (type(caught.value), str(caught.value)) == (kind, text)


def test_the_time_limit(host: Any, client: _native.Client) -> None:
    def slow(_: Any, context: grpc.ServicerContext) -> Any:
        over = threading.Event()
        if context.add_callback(over.set):
            over.wait(20)
        return {}

    # It answers when nobody waits any more.
    host.on("GetUser", slow)
    with pytest.raises(errors.DeadlineExceededError, match="get_user: no answer in time"):
        PluginAPIClient(client, 5.0).with_timeout(0.2).get_user("u1")
    with pytest.raises(TimeoutError):
        asyncio.run(_get_user(AsyncPluginAPIClient(client).with_timeout(0.2)))


async def _get_user(aio: AsyncPluginAPIClient) -> User:
    return await aio.get_user("u1")


def test_cancelling_a_task_cancels_its_call(host: Any, client: _native.Client) -> None:
    begun, gone = threading.Event(), threading.Event()

    def slow(_: Any, context: grpc.ServicerContext) -> Any:
        context.add_callback(gone.set)
        begun.set()
        gone.wait(20)
        return {}

    host.on("GetUser", slow)

    async def main() -> None:
        task = asyncio.create_task(_get_user(AsyncPluginAPIClient(client)))
        assert await asyncio.to_thread(begun.wait, 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert gone.wait(20)


def test_there_is_no_host(tmp_path: Any) -> None:
    client = _native.Client(str(tmp_path / "nobody.sock"), make_codec(), token="")
    with pytest.raises(errors.UnavailableError, match="get_user: the host cannot be reached"):
        PluginAPIClient(client, 2.0).get_user("u1")


def test_settings_are_read(host: Any, client: _native.Client, api: PluginAPIClient) -> None:
    host.config = {"maxlinks": 3}
    assert api.load_plugin_configuration()["MaxLinks"] == 3

    async def main() -> Any:
        return await AsyncPluginAPIClient(client).load_plugin_configuration()

    assert asyncio.run(main())["MaxLinks"] == 3


def test_log_methods_take_pairs_and_keywords(host: Any, call: Call) -> None:
    seen: list[Any] = []
    host.on("LogInfo", lambda request, _: seen.append(request))
    call("log_info", "text", "a", 1, b=True)
    values = [(it.WhichOneof("kind"), getattr(it, it.WhichOneof("kind"))) for it in _pairs(seen[0])]
    assert values[0][1] == "a"
    assert values[2][1] == "b"
    assert len(values) == 4


def _pairs(request: Any) -> Any:
    return getattr(request, request.DESCRIPTOR.fields[1].name)


def serve_upload(host: Any, name: str) -> list[Any]:
    """Serves a method with an upload; returns what it got."""
    got: list[Any] = []

    def handle(parts: Iterator[Any], _: Any) -> Any:
        for part in parts:
            kind = part.WhichOneof("part")
            got.append((kind, getattr(part, kind)))
        return {host.protocol.message(f"{name}Response").DESCRIPTOR.fields[0].name: {"name": "done"}}

    host.on(name, handle)
    return got


class Reader(io.BytesIO):
    """A file."""


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, Reader])
def test_content_is_sent_in_pieces(host: Any, call: Call, make: Callable[[bytes], object]) -> None:
    content = os.urandom(150_000)
    got = serve_upload(host, "InstallPlugin")
    assert call("install_plugin", make(content), True).name == "done"
    assert got[0][0] == "start"
    assert got[0][1].replace is True
    assert [kind for kind, _ in got[1:]] == ["content"] * 3
    assert b"".join(piece for _, piece in got[1:]) == content


def test_content_of_a_wrong_kind(host: Any, call: Call) -> None:
    serve_upload(host, "InstallPlugin")
    with pytest.raises(TypeError, match="the content is of type int; give bytes, a file opened with mode 'rb'"):
        call("install_plugin", 3, True)
    with pytest.raises(TypeError, match="the file is opened in text mode; open it with mode 'rb'"):
        call("install_plugin", io.StringIO("x"), True)


def test_a_refused_upload(host: Any, call: Call) -> None:
    host.fail("InstallPlugin", "AppError", id="app.x", message="No.", status_code=403)
    with pytest.raises(errors.PermissionDeniedError, match=r"install_plugin: No\."):
        call("install_plugin", b"x" * 1_000_000, True)


def test_a_request_to_another_plugin(host: Any, call: Call) -> None:
    _, response = host.protocol.types("/mattermost.plugin.v1.PluginApi/PluginHTTP")
    got: list[Any] = []

    def handle(parts: Iterator[Any], _: Any) -> Iterator[Any]:
        for part in parts:
            kind = part.WhichOneof("part")
            got.append((kind, getattr(part, kind)))
        yield response(head={"status_code": 201, "header": {"X-A": {"values": ["1"]}}})
        yield response(body=b"one ")
        yield response(body=b"two")
        yield response(body_end={})

    host.on("PluginHTTP", handle)
    answer = call("plugin_http", HttpRequest("POST", "/other/path", headers={"x-b": "2"}, body=b"hello"))
    assert (answer.status_code, answer.headers["x-a"], answer.body) == (201, "1", b"one two")
    assert [kind for kind, _ in got] == ["head", "body", "body_end"]
    head = got[0][1]
    assert (head.method, head.url, list(head.header["X-B"].values)) == ("POST", "/other/path", ["2"])


def test_an_answer_that_ends_early(host: Any, call: Call) -> None:
    _, response = host.protocol.types("/mattermost.plugin.v1.PluginApi/PluginHTTP")

    def handle(parts: Iterator[Any], _: Any) -> Iterator[Any]:
        yield response(head={"status_code": 200})
        yield response(body_end={"error": "reset"})

    host.on("PluginHTTP", handle)
    with pytest.raises(ConnectionError, match="the other plugin's answer ended early: reset"):
        call("plugin_http", HttpRequest("GET", "/other"))


def test_a_failure_points_at_the_callers_line(host: Any, api: PluginAPIClient) -> None:
    host.fail("GetUser", "AppError", id="app.x", message="No.", status_code=404)
    from mattermost_plugin._runtime.tracebacks import format_exception

    try:
        api.get_user("u1")
    except errors.NotFoundError as error:
        text = format_exception(error)
    assert f'File "{__file__}"' in text
    assert "_runtime" not in text
    assert "_generated" not in text
    assert sys.version_info < (3, 11) or text.count('File "') == 1
