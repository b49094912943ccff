"""`run_plugin`, with which a plugin's file ends."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from mattermost_plugin.plugin import Plugin

__all__ = ["run_plugin"]


def run_plugin(plugin_class: type[Plugin]) -> None:
    """Makes the plugin, connects it with the host that started this process, and serves its hooks until the host says stop.

    ::

        if __name__ == "__main__":
            run_plugin(MyPlugin)

    Started by hand, without a host, it says how to run a plugin and ends the process with status 2. When the host refuses the
    plugin it ends with status 1.

    Args:
        plugin_class: The plugin's class; one instance is made of it, without arguments.

    Raises:
        TypeError: `plugin_class` is no subclass of `Plugin`.
        Exception: Whatever the plugin's ``__init__`` raised.
    """
    from mattermost_plugin.errors import NotRunningError
    from mattermost_plugin.plugin import Plugin

    candidate: object = plugin_class
    if not isinstance(candidate, type) or not issubclass(candidate, Plugin):
        given = candidate.__name__ if isinstance(candidate, type) else f"an instance of {type(candidate).__name__}"
        raise TypeError(
            f"run_plugin() takes the plugin's class, a subclass of mattermost_plugin.Plugin, not {given}; "
            "write run_plugin(MyPlugin), without calling MyPlugin"
        )
    from mattermost_plugin._runtime.environment import HostEnvironment

    try:
        environment = HostEnvironment.read()
    except NotRunningError as error:
        _exit(f"{plugin_class.__qualname__}: {error}", 2)

    from mattermost_plugin import _native
    from mattermost_plugin._runtime.process import PluginProcess

    process = PluginProcess(plugin_class, environment)
    try:
        process.run()
    except _native.RpcError as error:
        _exit(f"{plugin_class.__qualname__}: the host refused the plugin, or went away: {error}", 1)


def _exit(text: str, status: int) -> NoReturn:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
    raise SystemExit(status)
