"""`Plugin` without a host, as in a unit test of somebody's plugin."""

from __future__ import annotations

import logging
from typing import Any, cast

import pytest

from mattermost_plugin import Plugin, PluginAPIClient, PluginConfig, hook
from mattermost_plugin.errors import NotRunningError


class Greeter(Plugin):
    def __init__(self, name: str = "nobody") -> None:
        self.name = name

    @hook
    def execute_command(self, context: Any, args: Any) -> str:
        self.logger.info("asked")
        return f"{self.config['Greeting']}, {self.api.get_user(args).username}, from {self.name}"


class FakeApi:
    def get_user(self, user_id: str) -> Any:
        class User:
            username = f"user {user_id}"

        return User()


@pytest.mark.parametrize("attribute", ["api", "aio", "config", "plugin_id", "bundle_path"])
def test_without_a_host_it_says_what_to_do(attribute: str) -> None:
    with pytest.raises(NotRunningError) as caught:
        getattr(Greeter(), attribute)
    assert f"self.{attribute} is there from OnActivate on, not in __init__ and not without a host" in str(caught.value)


def test_what_is_missing_can_be_assigned(caplog: pytest.LogCaptureFixture) -> None:
    plugin = Greeter("test")
    plugin.api = cast("PluginAPIClient", FakeApi())
    plugin.config = PluginConfig({"greeting": "Hello"})
    with caplog.at_level(logging.INFO):
        assert plugin.execute_command(None, "u1") == "Hello, user u1, from test"
    assert caplog.records[0].name == "mattermost_plugin.plugin"
    own = logging.getLogger("own")
    plugin.logger = own
    assert plugin.logger is own
    plugin.aio = cast("Any", 3)
    assert cast("Any", plugin.aio) == 3


def test_two_plugins_do_not_share_their_handlers() -> None:
    class Other(Plugin): ...

    assert Other.__mattermost_hooks__ == {}
    assert list(Greeter.__mattermost_hooks__) == ["ExecuteCommand"]
    assert Plugin.__mattermost_hooks__ == {}
