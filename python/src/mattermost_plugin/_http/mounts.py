"""Applications of web frameworks under a path: which kind they are, which paths are theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mattermost_plugin._http.access import Access

if TYPE_CHECKING:
    from mattermost_plugin._http.messages import HttpRequest
    from mattermost_plugin._runtime.endpoints import Endpoint
    from mattermost_plugin.plugin import Plugin

__all__ = ["Mount", "base_path"]


class Mount:
    """One application.

    Args:
        plugin: The plugin's instance.
        path: Where it is, such as ``/api``; ``""`` for everything.
        application: The application.
        public: Whether anybody may ask.
        permission: Id of a permission of the system that users must have, or "".
        interface: ``asgi`` or ``wsgi``; "" to find out.

    Raises:
        ValueError: The path is none.
        TypeError: The application is neither.
    """

    def __init__(
        self, plugin: Plugin, path: str, application: Any, *, public: bool, permission: str, interface: str
    ) -> None:
        self.path = path.rstrip("/")
        if self.path and (not self.path.startswith("/") or "{" in path or "?" in path):
            raise ValueError(f"mount({path!r}): a path begins with '/', and has no parameters")
        if public and permission:
            raise ValueError(f"mount({path!r}): for everybody there is no user whose permission could be checked")
        access = Access(plugin, public=public, permission=permission)
        kind = interface or _interface(application, path)
        self.endpoint: Endpoint
        if kind == "asgi":
            from mattermost_plugin._http.asgi import AsgiEndpoint

            self.endpoint = AsgiEndpoint(plugin, application, self.path, access)
        elif kind == "wsgi":
            from mattermost_plugin._http.wsgi import WsgiEndpoint

            self.endpoint = WsgiEndpoint(plugin, application, self.path, access)
        else:
            raise ValueError(f"interface={interface!r}: it is 'asgi' or 'wsgi'")

    def holds(self, path: str) -> bool:
        """Returns whether a path is the application's."""
        return path == self.path or path.startswith(f"{self.path}/")


def base_path(plugin: Plugin, request: HttpRequest, mounted_at: str) -> str:
    """Returns what comes before the application's own path in what the client asked for.

    That is the server's own path, ``/plugins/<id>``, and where the application is mounted.
    """
    asked = request.request_uri.partition("?")[0]
    if asked.startswith("/") and asked.endswith(request.path) and len(asked) > len(request.path):
        return asked[: len(asked) - len(request.path)] + mounted_at
    return f"/plugins/{plugin.plugin_id}{mounted_at}"


def _interface(application: Any, path: str) -> str:
    """Tells the kinds apart: an ASGI application is awaited.

    Raises:
        TypeError: It cannot be called at all.
    """
    if not callable(application):
        raise TypeError(
            f"mount({path!r}): {type(application).__name__} is no ASGI or WSGI application: it cannot be called"
        )
    from inspect import iscoroutinefunction

    called = getattr(application, "func", application)
    if iscoroutinefunction(called) or iscoroutinefunction(getattr(called, "__call__", None)):  # noqa: B004
        return "asgi"
    return "wsgi"
