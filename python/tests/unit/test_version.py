"""`ServerVersion` and ``self.server``."""

from __future__ import annotations

import pytest

from mattermost_plugin import Plugin
from mattermost_plugin.version import ServerInfo, ServerVersion


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("10.11.2", (10, 11, 2)),
        ("9.8", (9, 8, 0)),
        ("v11", (11, 0, 0)),
        ("11.6.0-rc1", (11, 6, 0)),
        ("10.5.0.dev", (10, 5, 0)),
    ],
)
def test_numbers_are_read(text: str, numbers: tuple[int, int, int]) -> None:
    version = ServerVersion(text)
    assert (version.major, version.minor, version.patch) == numbers
    assert (str(version), repr(version)) == (text, f"ServerVersion({text!r})")


@pytest.mark.parametrize("text", ["", "new", "dev-11", "1.2.3.4.5"])
def test_what_is_no_version_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no version such as '10\.11\.2'"):
        ServerVersion(text)


def test_versions_compare_by_number() -> None:
    version = ServerVersion("10.11.2")
    assert "9.8" < version < "11.0"
    assert version >= "10.11"
    assert version == "10.11.2"
    assert version == ServerVersion("v10.11.2-rc3")
    assert version != "10.11"
    assert version != (10, 11, 2)
    assert max([ServerVersion("9.11"), version, ServerVersion("9.2")]) is version


def test_a_comparison_with_what_is_no_version_is_an_error() -> None:
    with pytest.raises(ValueError, match="'ten' is no version"):
        assert ServerVersion("10.11.2") >= "ten"
    with pytest.raises(TypeError):
        assert ServerVersion("10.11.2") >= 10  # type: ignore[operator]
    with pytest.raises(TypeError):
        hash(ServerVersion("10.11.2"))


class Api:
    """Stands for the API in a unit test of a plugin."""

    def server_version(self) -> ServerVersion:
        return ServerVersion("10.11.2")


def test_a_plugin_asks_the_server_through_its_api() -> None:
    plugin = Plugin()
    plugin.api = Api()  # type: ignore[assignment]
    assert plugin.server.version >= "10.11"


def test_a_plugin_may_have_a_server_of_its_own() -> None:
    plugin = Plugin()
    own = ServerInfo(Api())  # type: ignore[arg-type]
    plugin.server = own
    assert plugin.server is own
