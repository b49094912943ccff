"""Errors as values: an exception that goes through the codec comes back as it was."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from mattermost_plugin import errors
from mattermost_plugin._runtime import failures
from mattermost_plugin._runtime.codec import make_codec
from mattermost_plugin.errors import PluginAPIError
from mattermost_plugin.models import PostgresError

APP = {"id": "app.x", "detailed_error": "d", "where": "w", "request_id": "r"}


@pytest.mark.parametrize(
    "error",
    [
        errors.PlainError("text"),
        errors.PlainError("EOF", code=1),
        errors.NotFoundError("sql: no rows in result set", code=2),
        errors.NotFoundError("No user.", **APP),
        errors.PluginAPIError("Broken.", status_code=502, **APP),
        errors.PlainError("pq: duplicate key", postgres=PostgresError(code="23505", message="duplicate key")),
    ],
)
def test_an_error_travels_whole(error: PluginAPIError) -> None:
    codec = make_codec()
    code, message, detail = failures.error_to_value(error)
    again = failures.error_from_value(code, message, detail)
    assert type(again) is type(error)
    assert vars(again) == vars(error)
    assert vars(pickle.loads(pickle.dumps(again))) == vars(error)  # noqa: S301
    if detail is not None:
        name = type(detail).__name__
        assert codec.decode(name, codec.encode(name, detail)) == detail


def test_the_officials_read_the_same(protocol: Any) -> None:
    error = errors.NotFoundError("No user.", **APP)
    _, _, app_error = failures.error_to_value(error)
    seen = protocol.message("AppError").FromString(make_codec().encode("AppError", app_error))
    assert (seen.id, seen.message, seen.status_code, seen.where) == ("app.x", "No user.", 404, "w")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("x"), "ValueError: x"),
        (KeyError("x"), "KeyError: 'x'"),
        (ValueError(), "ValueError"),
        (errors.HookRejected("Not now."), "Not now."),
        (errors.HookRejected(), "HookRejected"),
        (errors.NotFoundError("No user.", method="get_user"), "get_user: No user."),
    ],
)
def test_an_exception_as_one_text(error: BaseException, text: str) -> None:
    assert failures.describe(error) == text
    if not isinstance(error, PluginAPIError):
        assert failures.error_to_value(error) == (0, text, None)
