"""Who answers a request: a route, an application, the plugin's own handler of ``ServeHTTP``, or nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mattermost_plugin._http.messages import HttpError, HttpResponse
from mattermost_plugin._http.route_endpoint import FoundRoute, RouteEndpoint
from mattermost_plugin._http.routing import RouteTable
from mattermost_plugin._runtime.endpoints import Endpoint, FixedEndpoint, HookEndpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mattermost_plugin._http.messages import HttpRequest
    from mattermost_plugin._http.mounts import Mount
    from mattermost_plugin._http.routing import RouteSpec
    from mattermost_plugin._runtime.invoke import BoundHandler
    from mattermost_plugin.plugin import Plugin

__all__ = ["Router"]


class Router:
    """Finds the endpoint of a request.

    Args:
        plugin: The plugin's instance.
        routes: Its routes by the name of the method.
        mounts: Its applications; the list may grow.
        fallback: The handler of ``ServeHTTP``, if it has one.
    """

    def __init__(
        self,
        plugin: Plugin,
        routes: Mapping[str, tuple[RouteSpec, ...]],
        mounts: list[Mount],
        fallback: BoundHandler | None,
    ) -> None:
        entries = [(spec, RouteEndpoint(plugin, name, spec)) for name, specs in routes.items() for spec in specs]
        self._table = RouteTable(entries)
        self._mounts = mounts
        self._fallback = HookEndpoint(fallback) if fallback is not None else None
        endpoints: list[Endpoint] = [endpoint for _, endpoint in entries]
        endpoints += [mount.endpoint for mount in mounts]
        if self._fallback is not None:
            endpoints.append(self._fallback)
        #: Whether all of them run on the event loop.
        self.is_async = bool(endpoints) and all(endpoint.is_async for endpoint in endpoints)

    def find(self, request: HttpRequest) -> Endpoint:
        """Returns what answers the request."""
        path = request.path
        endpoint: RouteEndpoint | None
        endpoint, parameters, allowed = self._table.find(request.method, path)
        if endpoint is not None:
            return FoundRoute(endpoint, parameters)
        if allowed:
            return self._no_method(request.method, ", ".join(allowed))
        mount = self._mount_of(path)
        if mount is not None:
            return mount.endpoint
        if self._fallback is not None:
            return self._fallback
        return self._fixed(HttpError(404, f"there is nothing at {path}").response())

    def _mount_of(self, path: str) -> Mount | None:
        fitting = [mount for mount in self._mounts if mount.holds(path)]
        return max(fitting, key=lambda mount: len(mount.path), default=None)

    def _no_method(self, method: str, allowed: str) -> Endpoint:
        if method == "OPTIONS":
            return self._fixed(HttpResponse(204, {"Allow": allowed}))
        message = f"{method} is not allowed here; allowed are {allowed}"
        return self._fixed(HttpError(405, message, {"Allow": allowed}).response())

    def _fixed(self, response: HttpResponse) -> Endpoint:
        return FixedEndpoint(lambda: response, is_async=self.is_async)
