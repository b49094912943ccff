"""Write Mattermost plugins in Python.

::

    from mattermost_plugin import HookName, Plugin, hook
    from mattermost_plugin.models import CommandArgs, CommandResponse, Context
    from mattermost_plugin.server import run_plugin


    class HelloPlugin(Plugin):
        @hook(HookName.ExecuteCommand)
        def execute_command(self, context: Context, args: CommandArgs) -> CommandResponse:
            return CommandResponse(response_type="ephemeral", text="Hello!")


    if __name__ == "__main__":
        run_plugin(HelloPlugin)

=============================  ==========================================================
`mattermost_plugin`            what this page lists
`mattermost_plugin.models`     posts, users, channels, … and their enumerations
`mattermost_plugin.server`     `run_plugin`
`mattermost_plugin.errors`     all exceptions, as a tree
`mattermost_plugin.http`       what ``serve_http`` is given
`mattermost_plugin.routes`     handlers of HTTP by path
`mattermost_plugin.files`      what ``file_will_be_uploaded`` is given
`mattermost_plugin.db`         the server's database, as PEP 249 has it
`mattermost_plugin.time`       milliseconds to and from datetimes
=============================  ==========================================================
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036 (said here, before the import of anything that an older Python cannot read)
    raise ImportError(
        "mattermost_plugin needs Python 3.10 or newer, this is %d.%d; "  # noqa: UP031
        "give the plugin a newer interpreter, in a venv/ beside plugin.json or as python3 in the PATH"
        % sys.version_info[:2]
    )

from typing import TYPE_CHECKING

from mattermost_plugin._version import __version__
from mattermost_plugin.errors import (
    AlreadyExistsError,
    HookDefinitionError,
    HookRejected,
    MattermostError,
    NotFoundError,
    NotSupportedByServer,
    PermissionDeniedError,
    PluginAPIError,
    UnavailableError,
    ValidationError,
)
from mattermost_plugin.verdicts import Allow, Dismiss, Reject, Replace

if TYPE_CHECKING:
    from mattermost_plugin.api import AsyncPluginAPIClient, PluginAPIClient
    from mattermost_plugin.config import PluginConfig
    from mattermost_plugin.hooks import HookName, hook
    from mattermost_plugin.plugin import Plugin
    from mattermost_plugin.routes import route
    from mattermost_plugin.server import run_plugin

__all__ = [
    "Allow",
    "AlreadyExistsError",
    "AsyncPluginAPIClient",
    "Dismiss",
    "HookDefinitionError",
    "HookName",
    "HookRejected",
    "MattermostError",
    "NotFoundError",
    "NotSupportedByServer",
    "PermissionDeniedError",
    "Plugin",
    "PluginAPIClient",
    "PluginAPIError",
    "PluginConfig",
    "Reject",
    "Replace",
    "UnavailableError",
    "ValidationError",
    "__version__",
    "hook",
    "route",
    "run_plugin",
]

#: Imported when first used: the client alone is hundreds of methods, and not every program that imports the package runs a plugin.
_LAZY = {
    "AsyncPluginAPIClient": "api",
    "PluginConfig": "config",
    "HookName": "hooks",
    "Plugin": "plugin",
    "PluginAPIClient": "api",
    "hook": "hooks",
    "route": "routes",
    "run_plugin": "server",
}


def __getattr__(name: str) -> object:
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module 'mattermost_plugin' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"mattermost_plugin.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
