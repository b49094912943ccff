"""The exceptions under the module name of an earlier SDK; `mattermost_plugin.errors` describes them."""

from __future__ import annotations

from mattermost_plugin.errors import *  # noqa: F403
from mattermost_plugin.errors import __all__ as __all__
