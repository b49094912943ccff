"""`Plugin`, the base class of every plugin."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, ClassVar

from mattermost_plugin._generated.hooks import HOOKS
from mattermost_plugin._runtime import state
from mattermost_plugin._runtime.registry import Registration, collect
from mattermost_plugin.version import ServerInfo

if TYPE_CHECKING:
    from mattermost_plugin._http.mounts import Mount
    from mattermost_plugin._http.routing import RouteSpec
    from mattermost_plugin.api import AsyncPluginAPIClient, PluginAPIClient
    from mattermost_plugin.config import PluginConfig

__all__ = ["Plugin"]

#: Name of the logger that plugins write to.
LOGGER_NAME = "mattermost_plugin.plugin"

#: Attribute of an instance: its applications; ``None`` when it is too late for the first.
MOUNTS = "__mattermost_mounts__"


class Plugin:
    """A Mattermost plugin: a class with handlers for hooks, and the API to act with.

    ::

        class HelloPlugin(Plugin):
            @hook(HookName.MessageHasBeenPosted)
            def greet(self, context: Context, post: Post) -> None:
                if post.message == "hello":
                    self.api.add_reaction(Reaction(user_id=post.user_id, post_id=post.id, emoji_name="wave"))


        if __name__ == "__main__":
            run_plugin(HelloPlugin)

    One instance is made per process, without arguments. ``__init__`` need not call ``super().__init__()``; the API can be used
    from ``OnActivate`` on. Handlers written as ``def`` may run at the same time on several threads; those written as
    ``async def`` share one event loop.
    """

    #: Handlers by the Go name of their hook; filled when a subclass is made.
    __mattermost_hooks__: ClassVar[dict[str, Registration]] = {}

    #: Routes by the name of the method; filled when a subclass is made.
    __mattermost_paths__: ClassVar[dict[str, tuple[RouteSpec, ...]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__mattermost_hooks__ = collect(cls, HOOKS)
        routing = sys.modules.get("mattermost_plugin._http.routing")
        # Who has routes has imported what makes them.
        if routing is not None:
            cls.__mattermost_paths__ = routing.collect(cls)

    def mount(
        self, path: str, application: Any, *, public: bool = False, permission: str = "", interface: str = ""
    ) -> None:
        """Lets an application of a web framework (FastAPI, Starlette, Flask, Django, …) answer all requests below a path.

        To be called in ``__init__``. Routes come before applications, those with longer paths before others, and all of them before
        the plugin's own handler of ``ServeHTTP``.

        Args:
            path: Such as ``/api``, below ``/plugins/<id of the plugin>``; ``""`` for everything.
            application: An ASGI or WSGI application. ASGI applications may serve WebSockets.
            public: Whether anybody may ask, not only users who are logged in.
            permission: Id of a permission of the system that users must have, such as ``manage_system``.
            interface: ``asgi`` or ``wsgi``, for applications that do not show which they are.

        Raises:
            TypeError: It is no application.
            ValueError: The path or the interface is none.
            RuntimeError: The plugin runs already, and has served neither applications nor routes so far.
        """
        from mattermost_plugin._http.mounts import Mount

        mounts: list[Mount] | None = self.__dict__.setdefault(MOUNTS, [])
        if mounts is None:
            raise RuntimeError("call mount() in __init__: the plugin runs already, without applications or routes")
        mount = Mount(self, path, application, public=public, permission=permission, interface=interface)
        if any(other.path == mount.path for other in mounts):
            raise ValueError(f"mount({path!r}): there is an application at this path already")
        mounts.append(mount)

    @property
    def api(self) -> PluginAPIClient:
        """The plugin API: one method per method of Mattermost's. A call blocks until it is answered."""
        own: PluginAPIClient | None = self.__dict__.get("api")
        return state.current("api").api if own is None else own

    @api.setter
    def api(self, api: PluginAPIClient) -> None:
        self.__dict__["api"] = api

    @property
    def aio(self) -> AsyncPluginAPIClient:
        """The same methods to ``await``, for handlers and tasks on the event loop."""
        own: AsyncPluginAPIClient | None = self.__dict__.get("aio")
        return state.current("aio").aio if own is None else own

    @aio.setter
    def aio(self, aio: AsyncPluginAPIClient) -> None:
        self.__dict__["aio"] = aio

    @property
    def server(self) -> ServerInfo:
        """What the server is: ``self.server.version >= "10.11"``. Methods of the API are asked for with ``self.api.supports(…)``."""
        own: ServerInfo | None = self.__dict__.get("server")
        return ServerInfo(self.api) if own is None else own

    @server.setter
    def server(self, server: ServerInfo) -> None:
        self.__dict__["server"] = server

    @property
    def config(self) -> PluginConfig:
        """The plugin's settings as they are now; see `PluginConfig`."""
        own: PluginConfig | None = self.__dict__.get("config")
        return state.current("config").config if own is None else own

    @config.setter
    def config(self, config: PluginConfig) -> None:
        self.__dict__["config"] = config

    @property
    def logger(self) -> logging.Logger:
        """Writes to the server's log. ``extra={…}`` becomes key-value pairs; a traceback stays one record."""
        own: logging.Logger | None = self.__dict__.get("logger")
        return logging.getLogger(LOGGER_NAME) if own is None else own

    @logger.setter
    def logger(self, logger: logging.Logger) -> None:
        self.__dict__["logger"] = logger

    @property
    def plugin_id(self) -> str:
        """The plugin's id, as its manifest has it."""
        return state.current("plugin_id").plugin_id

    @property
    def bundle_path(self) -> str:
        """The folder that holds the plugin's files: absolute, and read-only on a server."""
        return state.current("bundle_path").bundle_path
