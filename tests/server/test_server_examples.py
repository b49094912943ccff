"""The plugins of examples/ as an administrator installs them: bundled, started by Go's go-plugin, and used.

Each bundle runs on the newest server and on one of 9.8.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from minimost import Minimost, running
from web_client import Web

Example = Callable[..., AbstractContextManager[Minimost]]

#: A test below for each.
EXAMPLES = {"async_assistant", "hello_python", "http_api", "moderation", "todo"}


@pytest.fixture(scope="session")
def bundle(bundled: Callable[[Path], Path]) -> Callable[[str], Path]:
    """Gives the bundle of an example, made once for all servers."""
    return cache(lambda name: bundled(ROOT / "examples" / name))


@pytest.fixture(scope="session", params=["minimost", "older_minimost"])
def example(request: pytest.FixtureRequest, bundle: Callable[[str], Path]) -> Example:
    """Runs an example's bundle, with these settings."""
    program: Path = request.getfixturevalue(request.param)

    @contextmanager
    def run(name: str, **settings: object) -> Iterator[Minimost]:
        with running(program, bundle(name)) as server:
            server.do("configure", configuration=settings)
            server.answer("*", fill=1)
            server.start()
            server.activate()
            yield server
            server.do("deactivate", limit=10_000)
            assert server.troubles("error") == []
            assert server.stop() < 3
            assert server.troubles("error", ended=True) == []

    return run


def test_no_example_is_forgotten() -> None:
    assert {path.parent.name for path in (ROOT / "examples").glob("*/plugin.py")} == EXAMPLES


def command(server: Minimost, text: str) -> str:
    """Types a command; returns the answer's text."""
    reply = server.hook("ExecuteCommand", {}, {"Command": text, "UserId": "u1", "ChannelId": "c1"})
    response, error = reply.results
    assert (reply.failure, error) == ("", None)
    assert response["ResponseType"] == "ephemeral"
    answer: str = response["Text"]
    return answer


def posted(server: Minimost, message: str, **fields: object) -> tuple[Any, str]:
    """Posts a message; returns what becomes of it and why not."""
    post = {"Id": "p1", "Message": message, "UserId": "u1", "ChannelId": "c1", **fields}
    reply = server.hook("MessageWillBePosted", {}, post)
    assert reply.failure == ""
    return reply.results[0], reply.results[1]


def test_hello_python(example: Example) -> None:
    with example("hello_python", blockedwords="badword, worse") as server:
        (registered,) = server.calls("RegisterCommand")
        assert (registered.args[0]["Trigger"], registered.args[0]["AutoComplete"]) == ("hello", True)
        assert server.record("hello_python is ready").level == "info"

        server.answer("GetUser", {"Id": "u1", "Username": "anna"}, None)
        assert command(server, "/hello") == "Hello, anna! This is Python speaking."
        assert command(server, "/hello Ben") == "Hello, Ben! This is Python speaking."
        assert server.calls("GetUser")[0].args == ["u1"]

        assert posted(server, "a WORSE thing")[1] == "Please leave out “worse”."
        post, reason = posted(server, "a nice thing")
        assert (post["Message"], reason) == ("a nice thing", "")

        assert server.hook("UserHasJoinedChannel", {}, {"ChannelId": "c1", "UserId": "u1"}).failure == ""
        (created,) = server.calls("CreatePost")
        (post,) = created.args
        assert (post["ChannelId"], post["UserId"]) == ("c1", "u1")
        assert post["Message"] == "Welcome, @anna! Try `/hello`."
        assert post["Props"] == {"from_plugin": "true"}

        # Settings are read anew when they change.
        server.do("configure", configuration={"blockedwords": "nice"})
        assert server.hook("OnConfigurationChange").results == [None]
        assert posted(server, "a nice thing")[1] == "Please leave out “nice”."


def test_moderation(example: Example) -> None:
    with example("moderation", maxlinks=1, secrets="tok_[a-z0-9]{8,}") as server:
        assert posted(server, "+1")[1] == "plugin.message_will_be_posted.dismiss_post"
        (ephemeral,) = server.calls("SendEphemeralPost")
        assert ephemeral.args[0] == "u1"
        assert ephemeral.args[1]["ChannelId"] == "c1"

        assert (
            posted(server, "https://a.example https://b.example")[1] == "No more than 1 links in one message, please."
        )
        post, reason = posted(server, "my token is tok_abcd1234", Props={"kept": 1.5}, FileIds=["f1"])
        assert (post["Message"], reason) == ("my token is [secret removed]", "")
        assert (post["Id"], post["Props"], post["FileIds"]) == ("p1", {"kept": 1.5}, ["f1"])

        for message, expected in [("plain", "plain"), ("tok_abcd1234!", "[secret removed]!")]:
            new, old = {"Id": "p1", "Message": message, "Props": {"kept": True}}, {"Id": "p1", "Message": "old"}
            updated, reason = server.hook("MessageWillBeUpdated", {}, new, old).results
            assert (updated["Message"], updated["Id"], updated["Props"], reason) == (expected, "p1", {"kept": True}, "")
        new = {"Id": "p1", "Message": "https://a.example https://b.example"}
        assert server.hook("MessageWillBeUpdated", {}, new, {}).results[1].startswith("No more than 1 links")

        assert server.hook("UserWillLogIn", {}, {"Id": "u1"}).results == [""]
        suspended = {"Id": "u1", "Props": {"suspended": "true"}}
        assert server.hook("UserWillLogIn", {}, suspended).results[0].startswith("This account is suspended")

        server.hook("MessageHasBeenDeleted", {}, {"ChannelId": "c1", "Message": "12345"})
        record = server.record("a message was deleted")
        assert (record.level, record.fields["channel_id"], record.fields["length"]) == ("info", "c1", "5")


def test_todo(example: Example) -> None:
    def stored(items: list[str] | None) -> None:
        value = None if items is None else base64.b64encode(json.dumps(items).encode()).decode()
        server.answer("KVGet", value, None)

    with example("todo", maxitems=2) as server:
        (registered,) = server.calls("RegisterCommand")
        data = registered.args[0]["AutocompleteData"]
        assert [it["Trigger"] for it in data["SubCommands"]] == ["add", "list", "done", "clear"]

        stored(None)
        server.answer("KVSetWithOptions", True, None)
        assert command(server, "/todo").startswith("Your to-do list:")
        assert command(server, "/todo list") == "Nothing to do."
        assert command(server, "/todo add milk") == "Added “milk”. You have 1 to do."
        key, value, options = server.calls("KVSetWithOptions")[-1].args
        assert (key, json.loads(base64.b64decode(value))) == ("list-u1", ["milk"])
        assert (options["Atomic"], options["OldValue"]) == (True, None)

        stored(["milk", "brötchen"])
        assert command(server, "/todo list") == "1. milk\n2. brötchen"
        assert command(server, "/todo add tea") == "Your list is full: 2 items."
        assert command(server, "/todo done 1") == "Done: “milk”. 1 left."
        key, value, options = server.calls("KVSetWithOptions")[-1].args
        assert json.loads(base64.b64decode(value)) == ["brötchen"]
        assert json.loads(base64.b64decode(options["OldValue"])) == ["milk", "brötchen"]

        # Somebody else was faster, five times.
        server.answer("KVSetWithOptions", False, None)
        before = len(server.calls("KVSetWithOptions"))
        assert command(server, "/todo done 1") == "Your list is being changed from elsewhere; please try again."
        assert len(server.calls("KVSetWithOptions")) == before + 5

        assert command(server, "/todo clear") == "Your list is empty."
        assert server.calls("KVDelete")[-1].args == ["list-u1"]


def test_async_assistant(example: Example) -> None:
    with example("async_assistant", model="fake") as server:
        assert server.calls("EnsureBotUser")[0].args[0]["Username"] == "assistant"
        assert server.calls("RegisterCommand")[0].args[0]["Trigger"] == "ask"
        assert command(server, "/ask") == "What do you want to know? `/ask QUESTION`"
        assert command(server, "/ask why?")

        thread = {
            "Order": ["p2", "p1"],
            "Posts": {
                "p1": {"Id": "p1", "UserId": "u1", "Message": "@assistant what is a plugin?", "CreateAt": 1},
                "p2": {"Id": "p2", "UserId": "u2", "Message": "I wonder too", "CreateAt": 2, "RootId": "p1"},
            },
        }
        server.answer("GetPostThread", thread, None)
        post = {"Id": "p2", "RootId": "p1", "UserId": "u2", "ChannelId": "c1", "Message": "@assistant so?"}
        assert server.hook("MessageHasBeenPosted", {}, post).failure == ""
        created = server.next_call("CreatePost", 0).args[0]
        assert (created["ChannelId"], created["RootId"]) == ("c1", "p1")
        assert created["Message"]
        assert server.calls("GetPostThread")[0].args == ["p1"]

        # Nobody spoke to it.
        server.hook("MessageHasBeenPosted", {}, {"Id": "p9", "UserId": "u1", "ChannelId": "c1", "Message": "hello"})
        assert len(server.calls("CreatePost")) == 1


def test_http_api(example: Example, request: pytest.FixtureRequest) -> None:
    can_flush = request.node.callspec.params["example"] == "minimost"
    user = {"Mattermost-User-Id": "u1"}
    new = b'{"question": "Tea or coffee?", "choices": ["tea", "coffee"]}'
    with example("http_api", webhooksecret="hush") as server:
        server.answer("GetUser", {"Id": "u1", "Username": "anna"}, None)
        web = Web(server.do("listen", hook={"name": "ServeHTTP"}))
        assert web.ask("GET", "/polls").status == 401
        created = web.ask("POST", "/polls", new, user)
        assert (created.status, json.loads(created.body)) == (201, {"number": 1})
        refused = web.ask("POST", "/polls", b'{"question": "Tea?", "choices": ["tea"]}', user)
        assert refused.status == 400
        assert "a poll has two choices at least" in refused.text

        result = {"question": "Tea or coffee?", "by": "anna"}
        watch = b"GET /polls/1/watch?changes=1 HTTP/1.1\r\nHost: test\r\nMattermost-User-Id: u2\r\nConnection: close\r\n\r\n"
        with web.connect(watch if can_flush else b"") as connection:
            received = b""
            # A server of 9.8 cannot be told to flush: nobody can watch there.
            while can_flush and b"\n\n" not in received:
                piece = connection.recv(65536)
                assert piece
                received += piece
            assert (b'"coffee": 0' in received) == can_flush
            voted = web.ask("PUT", "/polls/1/vote/1", b"", user)
            assert json.loads(voted.body) == {**result, "votes": {"tea": 0, "coffee": 1}}
            if can_flush:
                assert b'"coffee": 1' in b"".join(iter(lambda: connection.recv(65536), b""))
        assert web.ask("PUT", "/polls/1/vote/2", b"", user).status == 400
        assert web.ask("GET", "/polls/2", headers=user).status == 404
        assert [it["by"] for it in json.loads(web.ask("GET", "/polls?by=anna", headers=user).body)] == ["anna"]
        page = web.ask("GET", "/page", headers=user)
        assert page.header["Content-Type"] == "text/html; charset=utf-8"
        assert "Hello, anna!" in page.text

        signature = "sha256=" + hmac.new(b"hush", new, "sha256").hexdigest()
        assert web.ask("POST", "/webhook", new).status == 401
        signed = web.ask("POST", "/webhook", new, {"X-Hub-Signature-256": signature})
        assert json.loads(signed.body) == {"number": 2}
        metrics = Web(server.do("listen", hook={"name": "ServeMetrics"}))
        assert "polls_total 2\npolls_votes_total 1\n" in metrics.ask("GET", "/").text

        server.answer("HasPermissionTo", False)
        assert web.ask("DELETE", "/polls/1", headers=user).status == 403
        server.answer("HasPermissionTo", True)
        assert web.ask("DELETE", "/polls/1", headers=user).status == 204
        user_id, permission = server.calls("HasPermissionTo")[-1].args
        assert (user_id, permission["Id"]) == ("u1", "manage_system")
