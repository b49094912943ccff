"""What is known of the server: its version, and which methods of the API it turned out to lack.

One object per connection, shared by both clients. It asks nothing itself: the clients do, each in its own way, and tell it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mattermost_plugin._generated.codec_api import METHODS
from mattermost_plugin.errors import PluginAPIError
from mattermost_plugin.version import ServerVersion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mattermost_plugin.errors import NotSupportedByServer

__all__ = ["NOT_SUPPORTED", "VERSION_METHOD", "ServerFacts", "method_named"]

#: The id of an error that says that the method is not there; other errors of status 501 are the method's own.
NOT_SUPPORTED: Final = "mattermost_plugin.not_supported"

#: The method that tells the version.
VERSION_METHOD: Final = "get_server_version"


class ServerFacts:
    """What both clients of a connection know of the server.

    Args:
        missing: Methods, in Go's or Python's spelling, that the server is known to lack whatever its version.

    Attributes:
        version: The server's version; ``None`` until somebody has asked for it.
    """

    __slots__ = ("_missing", "version")

    def __init__(self, missing: Iterable[str] = ()) -> None:
        self.version: ServerVersion | None = None
        #: Names in Python. Names that this SDK does not know are nobody's business.
        self._missing = {it for it in map(_by_go_name().get, missing) if it is not None} if missing else set[str]()

    def learn_version(self, text: str) -> ServerVersion:
        """Notes what `VERSION_METHOD` answered.

        Raises:
            PluginAPIError: It is no version.
        """
        try:
            self.version = ServerVersion(text)
        except ValueError as error:
            raise PluginAPIError(f"the server does not say its version: {error}", method=VERSION_METHOD) from None
        return self.version

    def supports(self, method: str) -> bool | None:
        """Tells whether the server has a method; ``None`` when that takes its version, and nobody has asked for it.

        Args:
            method: Its name in Python.
        """
        if method in self._missing:
            return False
        if self.version is None:
            return None
        since = _since(method)
        return not since or self.version >= since

    def found_missing(self, error: NotSupportedByServer) -> bool:
        """Notes that a call failed since the server does not have its method; tells whether that is what the error means."""
        if error.id != NOT_SUPPORTED or not error.method:
            return False
        self._missing.add(error.method)
        return True

    def explain(self, error: NotSupportedByServer) -> None:
        """Says in an error which version has the method and which one this server is, as far as both are known."""
        since, version = _since(error.method), self.version
        error.have = "" if version is None else str(version)
        # A server that is new enough lacks it for another reason: it is simulated, or upstream's word is wrong.
        error.needs = since if since and (version is None or version < since) else ""


def method_named(name: str) -> str:
    """Returns the name in Python of a method that is given by that or by Go's.

    Raises:
        ValueError: There is no such method; the text says which one may be meant.
    """
    if name in METHODS:
        return name
    by_go = _by_go_name()
    if name in by_go:
        return by_go[name]
    import difflib

    close = difflib.get_close_matches(name, [*METHODS, *by_go], 1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise ValueError(f"the plugin API has no method {name}{hint}")


def _by_go_name() -> dict[str, str]:
    return {path.rpartition("/")[2]: name for name, (path, _, _) in METHODS.items()}


def _since(method: str) -> str:
    """Returns the version that first had a method; "" when nobody knows."""
    from mattermost_plugin._generated.since import SINCE

    return SINCE.get(method, "")
