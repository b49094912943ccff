"""The plugin API: `PluginAPIClient`, whose calls block, and `AsyncPluginAPIClient`, whose calls are awaited.

A plugin has one of each: ``self.api`` and ``self.aio``. They are made by the runtime; the classes are public for annotations and
for stand-ins in tests.
"""

from __future__ import annotations

from mattermost_plugin._generated.api_async import AsyncApiMethods
from mattermost_plugin._generated.api_sync import ApiMethods
from mattermost_plugin.config import PluginConfig

__all__ = ["AsyncPluginAPIClient", "PluginAPIClient"]


class PluginAPIClient(ApiMethods):
    """One method per method of Mattermost's plugin API, by its name in snake case. A call blocks until it is answered.

    May be used by several threads at once.
    """

    __slots__ = ()

    def load_plugin_configuration(self) -> PluginConfig:  # type: ignore[override]
        """Returns the plugin's settings as they are on the server now.

        ``self.config`` has them as well, without a call.

        Returns:
            The saved settings over the defaults of the manifest.

        Raises:
            PluginAPIError: The settings cannot be had.
        """
        return PluginConfig.from_json(self._call("load_plugin_configuration", ()))


class AsyncPluginAPIClient(AsyncApiMethods):
    """The same methods as `PluginAPIClient`, to be awaited on the event loop."""

    __slots__ = ()

    async def load_plugin_configuration(self) -> PluginConfig:  # type: ignore[override]
        """Returns the plugin's settings as they are on the server now; see `PluginAPIClient.load_plugin_configuration`."""
        return PluginConfig.from_json(await self._call("load_plugin_configuration", ()))
