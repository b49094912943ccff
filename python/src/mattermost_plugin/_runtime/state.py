"""What the instance of a running plugin reaches through `Plugin`: the API, the settings, what the host said of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mattermost_plugin.errors import NotRunningError

if TYPE_CHECKING:
    from mattermost_plugin.api import AsyncPluginAPIClient, PluginAPIClient
    from mattermost_plugin.config import PluginConfig

__all__ = ["Running", "current", "set_current"]


class Running:
    """A plugin that the host has greeted.

    Attributes:
        api: The blocking client.
        aio: The client for ``async def`` handlers.
        plugin_id: Id in the manifest.
        plugin_version: Version in the manifest.
        bundle_path: The plugin's folder.
    """

    def __init__(
        self,
        api: PluginAPIClient,
        aio: AsyncPluginAPIClient,
        *,
        plugin_id: str = "",
        plugin_version: str = "",
        bundle_path: str = "",
    ) -> None:
        self.api = api
        self.aio = aio
        self.plugin_id = plugin_id
        self.plugin_version = plugin_version
        self.bundle_path = bundle_path
        self._config: PluginConfig | None = None

    @property
    def config(self) -> PluginConfig:
        """The settings; asks the server for them the first time."""
        if self._config is None:
            self.reload_config()
        assert self._config is not None  # noqa: S101 (reload_config sets it or raises)
        return self._config

    def reload_config(self) -> None:
        """Asks the server for the settings."""
        self._config = self.api.load_plugin_configuration()

    async def reload_config_async(self) -> None:
        """Asks the server for the settings, without blocking the event loop."""
        self._config = await self.aio.load_plugin_configuration()


_current: Running | None = None


def set_current(running: Running | None) -> None:
    """Says which plugin runs in this process; ``None`` when it has stopped."""
    global _current
    _current = running


def current(attribute: str) -> Running:
    """Returns the running plugin.

    Args:
        attribute: What is wanted of it, for the error's text.

    Raises:
        NotRunningError: The plugin is not running yet, or not in a host at all.
    """
    if _current is None:
        raise NotRunningError(
            f"self.{attribute} is there from OnActivate on, not in __init__ and not without a host; "
            f"in a unit test assign it first: plugin.{attribute} = …"
        )
    return _current
