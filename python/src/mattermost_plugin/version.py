"""What a plugin can know of its server: `ServerInfo`, and the version to compare with, `ServerVersion`."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mattermost_plugin.api import PluginAPIClient

__all__ = ["ServerInfo", "ServerVersion"]

_NUMBERS = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?!\.?\d)")


@functools.total_ordering
class ServerVersion:
    """A version of Mattermost, such as 10.11.2.

    Compares with others and with texts::

        if self.server.version >= "10.11":
            ...

    Missing parts are 0, and what follows the numbers (``-rc1``) does not count: a release candidate has the methods of its release.

    Args:
        text: The version, as the server says it.

    Attributes:
        major: Its first number.
        minor: Its second number.
        patch: Its third number.

    Raises:
        ValueError: `text` does not begin with a version.
    """

    __slots__ = ("_text", "major", "minor", "patch")

    major: int
    minor: int
    patch: int

    def __init__(self, text: str) -> None:
        found = _NUMBERS.match(text)
        if found is None:
            raise ValueError(f"{text!r} is no version such as '10.11.2'")
        self._text = text
        self.major, self.minor, self.patch = (int(it or 0) for it in found.groups())

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"ServerVersion({self._text!r})"

    # Equal to texts that are spelled in several ways, so there is no hash that fits.
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (ServerVersion, str)):
            return NotImplemented
        return self._numbers() == _parsed(other)._numbers()

    def __lt__(self, other: ServerVersion | str) -> bool:
        if not isinstance(other, (ServerVersion, str)):
            return NotImplemented
        return self._numbers() < _parsed(other)._numbers()

    def _numbers(self) -> tuple[int, int, int]:
        return self.major, self.minor, self.patch


def _parsed(version: ServerVersion | str) -> ServerVersion:
    """Returns a version; one that is misspelled must not pass for another, so it raises."""
    return ServerVersion(version) if isinstance(version, str) else version


class ServerInfo:
    """The server, as far as a plugin may want to know what it is before it calls it: ``self.server``.

    Asks the server once per process, the first time. In an ``async def`` use ``await self.aio.server_version()``, which does not block
    the event loop.

    Args:
        api: The API to ask with.
    """

    __slots__ = ("_api",)

    def __init__(self, api: PluginAPIClient) -> None:
        self._api = api

    @property
    def version(self) -> ServerVersion:
        """The version of the server; see `PluginAPIClient.server_version`."""
        return self._api.server_version()
