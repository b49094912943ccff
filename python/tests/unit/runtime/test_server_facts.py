"""What a plugin can know of its server before it calls it: version, methods, and why a call was not supported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mattermost_plugin import _native
from mattermost_plugin._generated.since import SINCE
from mattermost_plugin._runtime.codec import make_codec
from mattermost_plugin._runtime.server_facts import NOT_SUPPORTED, ServerFacts
from mattermost_plugin.api import AsyncPluginAPIClient, PluginAPIClient
from mattermost_plugin.errors import NotSupportedByServer, PluginAPIError
from mattermost_plugin.models import SendToastMessageOptions

#: Calls a method of one of both clients, which share what they know.
Call = Callable[..., Any]

FACTS = pytest.mark.parametrize("call", ["sync", "async"], indirect=True)


@pytest.fixture
def facts() -> ServerFacts:
    return ServerFacts()


@pytest.fixture
def call(request: pytest.FixtureRequest, host: Any, facts: ServerFacts) -> Iterator[Call]:
    client = _native.Client(host.socket("host"), make_codec(), token=host.token)

    def blocking(name: str, *args: object) -> Any:
        return getattr(PluginAPIClient(client, 5.0, facts), name)(*args)

    def awaited(name: str, *args: object) -> Any:
        async def main() -> Any:
            return await getattr(AsyncPluginAPIClient(client, 5.0, facts), name)(*args)

        return asyncio.run(main())

    yield blocking if request.param == "sync" else awaited
    client.close()


def serve_version(host: Any, version: str) -> list[None]:
    """Serves the server's version; returns a list that grows with every time it is asked for."""
    asked: list[None] = []

    def handle(_: Any, __: Any) -> Any:
        asked.append(None)
        return {"result": version}

    host.on("GetServerVersion", handle)
    return asked


def lack(host: Any, go: str) -> None:
    host.fail(go, "AppError", id=NOT_SUPPORTED, message=f"{go} is not there.", status_code=501, where=go)


@FACTS
@pytest.mark.parametrize(
    ("version", "expected"), [("9.8.1", False), ("11.4.9", False), ("11.5.0-rc1", True), ("12.0", True)]
)
def test_the_version_decides(host: Any, call: Call, version: str, expected: bool) -> None:
    assert SINCE["send_toast_message"] == "11.5"
    asked = serve_version(host, version)
    assert call("supports", "SendToastMessage") is expected
    assert call("supports", "send_toast_message") is expected
    assert call("supports", "GetUser") is True
    assert len(asked) == 1


@FACTS
def test_a_method_that_is_found_missing_is_not_supported_whatever_the_version(host: Any, call: Call) -> None:
    serve_version(host, "11.6.0")
    assert call("supports", "GetUser") is True
    lack(host, "GetUser")
    with pytest.raises(NotSupportedByServer) as caught:
        call("get_user", "u1")
    # The version is no reason.
    assert (caught.value.needs, caught.value.have) == ("", "11.6.0")
    assert call("supports", "GetUser") is False
    assert call("supports", "GetUsers") is True


@FACTS
def test_an_error_says_what_is_needed_and_what_is_there(host: Any, call: Call) -> None:
    asked = serve_version(host, "10.11.2")
    lack(host, "SendToastMessage")
    for _ in range(2):
        with pytest.raises(NotSupportedByServer) as caught:
            call("send_toast_message", "u1", "c1", "hello", SendToastMessageOptions())
        assert (caught.value.needs, caught.value.have) == ("11.5", "10.11.2")
        assert str(caught.value) == "send_toast_message: SendToastMessage is not there. This one is 10.11.2."
    assert len(asked) == 1


@FACTS
def test_an_error_of_an_upload_says_it_too(host: Any, call: Call) -> None:
    serve_version(host, "5.0.0")
    lack(host, "InstallPlugin")
    with pytest.raises(NotSupportedByServer) as caught:
        call("install_plugin", b"x", True)
    assert (caught.value.needs, caught.value.have) == (SINCE["install_plugin"], "5.0.0")


@FACTS
def test_a_server_that_does_not_say_its_version_hides_no_error(host: Any, call: Call) -> None:
    lack(host, "SendToastMessage")
    serve_version(host, "")
    with pytest.raises(NotSupportedByServer) as caught:
        call("send_toast_message", "u1", "c1", "hello", SendToastMessageOptions())
    assert (caught.value.needs, caught.value.have) == ("11.5", "")
    with pytest.raises(
        PluginAPIError, match=r"get_server_version: the server does not say its version: '' is no version"
    ):
        call("supports", "GetUser")
    lack(host, "GetServerVersion")
    with pytest.raises(NotSupportedByServer):
        call("server_version")


@FACTS
def test_what_is_switched_off_is_not_missing(host: Any, call: Call) -> None:
    asked = serve_version(host, "11.6.0")
    host.fail("EnablePlugin", "AppError", id="app.plugin.disabled.app_error", message="Off.", status_code=501)
    with pytest.raises(NotSupportedByServer) as caught:
        call("enable_plugin", "p1")
    assert (caught.value.needs, caught.value.have, asked) == ("", "", [])
    assert call("supports", "EnablePlugin") is True


@FACTS
def test_a_misspelled_method_is_a_mistake(call: Call) -> None:
    with pytest.raises(ValueError, match=r"no method SendTostMessage; did you mean SendToastMessage\?"):
        call("supports", "SendTostMessage")


def test_what_the_host_says_is_missing_needs_no_question() -> None:
    facts = ServerFacts(["GetLDAPUserAttributes", "SomethingOfTheFuture"])
    assert facts.supports("get_ldap_user_attributes") is False
    assert facts.supports("get_user") is None


def test_clients_with_another_time_limit_know_the_same(host: Any, facts: ServerFacts) -> None:
    asked = serve_version(host, "10.11.2")
    client = _native.Client(host.socket("host"), make_codec(), token=host.token)
    api = PluginAPIClient(client, 5.0, facts)
    assert api.with_timeout(1.0).server_version() == "10.11.2"
    assert api.server_version() == "10.11.2"
    assert len(asked) == 1
    client.close()
