"""The public names, pinned: adding one is a decision, losing one breaks plugins."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

PUBLIC = {
    "mattermost_plugin": [
        "Allow",
        "AlreadyExistsError",
        "AsyncPluginAPIClient",
        "PluginConfig",
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
        "Reject",
        "Replace",
        "UnavailableError",
        "ValidationError",
        "__version__",
        "hook",
        "route",
        "run_plugin",
    ],
    "mattermost_plugin.api": ["AsyncPluginAPIClient", "PluginAPIClient"],
    "mattermost_plugin.config": ["PluginConfig"],
    "mattermost_plugin.hooks": ["HookName", "hook"],
    "mattermost_plugin.files": ["ReplacementFile", "UploadedFile"],
    "mattermost_plugin.http": [
        "Content",
        "EventData",
        "Headers",
        "HttpError",
        "HttpRequest",
        "HttpResponse",
        "HttpResult",
        "ResponseWriter",
        "ServerSentEvent",
        "WebhookSignature",
    ],
    "mattermost_plugin.routes": ["route"],
    "mattermost_plugin.plugin": ["Plugin"],
    "mattermost_plugin.server": ["run_plugin"],
    "mattermost_plugin.time": ["from_millis", "now_millis", "to_millis"],
    "mattermost_plugin.version": ["ServerInfo", "ServerVersion"],
    "mattermost_plugin.verdicts": ["Allow", "Dismiss", "Reject", "Replace"],
    "mattermost_plugin.errors": [
        "AlreadyExistsError",
        "CallCancelledError",
        "DeadlineExceededError",
        "HookDefinitionError",
        "HookRejected",
        "HookResultError",
        "LimitExceededError",
        "MattermostError",
        "NotFoundError",
        "NotRunningError",
        "NotSupportedByServer",
        "PermissionDeniedError",
        "PlainError",
        "PluginAPIError",
        "UnauthenticatedError",
        "UnavailableError",
        "ValidationError",
    ],
}


@pytest.mark.parametrize("module", PUBLIC)
def test_the_public_names_are_these(module: str) -> None:
    assert sorted(importlib.import_module(module).__all__) == sorted(PUBLIC[module])


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_there(module: str) -> None:
    namespace = importlib.import_module(module)
    for name in namespace.__all__:
        assert getattr(namespace, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    import mattermost_plugin

    with pytest.raises(AttributeError, match="has no attribute 'Plugn'"):
        mattermost_plugin.Plugn  # noqa: B018
    assert "hook" in dir(mattermost_plugin)


def test_the_exceptions_have_the_module_name_of_the_earlier_sdk_too() -> None:
    from mattermost_plugin import errors, exceptions

    assert exceptions.NotFoundError is errors.NotFoundError
    assert exceptions.__all__ == errors.__all__


def test_importing_the_package_imports_nothing_heavy() -> None:
    program = """
import sys
import mattermost_plugin
from mattermost_plugin import HookName, Plugin, hook
from mattermost_plugin.models import CommandResponse
from mattermost_plugin.server import run_plugin
print(*sorted(set(sys.modules) & {"asyncio", "inspect", "dataclasses", "ssl", "socket", "email", "http", "json", "difflib"}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
