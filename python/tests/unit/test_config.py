"""Settings: names without regard to case, values as JSON has them."""

from __future__ import annotations

import pytest

from mattermost_plugin import PluginConfig

CONFIG = PluginConfig.from_json(b'{"blockedwords": "a,b", "maxlinks": 2, "on": true}')


@pytest.mark.parametrize("name", ["BlockedWords", "blockedwords", "BLOCKEDWORDS"])
def test_names_are_compared_without_case(name: str) -> None:
    assert CONFIG[name] == "a,b"
    assert name in CONFIG
    assert CONFIG.get(name) == "a,b"


def test_a_missing_setting_says_which_are_there() -> None:
    with pytest.raises(KeyError, match=r"'Nope' is not set and has no default.*set are: blockedwords, maxlinks, on"):
        CONFIG["Nope"]
    assert CONFIG.get("Nope", 7) == 7
    assert 3 not in CONFIG
    with pytest.raises(KeyError, match="set are: none"):
        PluginConfig()["x"]


def test_it_is_a_mapping() -> None:
    assert len(CONFIG) == 3
    assert dict(CONFIG) == {"blockedwords": "a,b", "maxlinks": 2, "on": True}
    assert PluginConfig({"A": 1}) == {"a": 1}


def test_values_stay_out_of_logs() -> None:
    assert repr(PluginConfig({"token": "secret"})) == "PluginConfig(token)"


@pytest.mark.parametrize("data", [b"", b"null", b"{}"])
def test_nothing_is_no_settings(data: bytes) -> None:
    assert len(PluginConfig.from_json(data)) == 0


@pytest.mark.parametrize("data", [b"[]", b"3"])
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="is no JSON object but"):
        PluginConfig.from_json(data)
