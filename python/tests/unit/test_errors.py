"""The tree of exceptions: what each is, what it says, and that it survives travelling."""

from __future__ import annotations

import copy
import pickle

import pytest

from mattermost_plugin import errors
from mattermost_plugin._runtime.failures import from_app_error, to_app_error
from mattermost_plugin.errors import PluginAPIError
from mattermost_plugin.models import AppError

API_ERRORS = [PluginAPIError, *PluginAPIError.__subclasses__()]

FULL = {
    "id": "app.user.missing_account.const",
    "detailed_error": "no rows",
    "status_code": 404,
    "where": "GetUser",
    "request_id": "r1",
    "method": "get_user",
    "code": 2,
}


@pytest.mark.parametrize("kind", API_ERRORS)
@pytest.mark.parametrize("travel", [lambda it: pickle.loads(pickle.dumps(it)), copy.copy, copy.deepcopy])  # noqa: S301
def test_api_errors_survive_pickle_and_copy(kind: type[PluginAPIError], travel: object) -> None:
    error = kind("Unable to find the user.", **FULL)
    again = travel(error)  # type: ignore[operator]
    assert type(again) is kind
    assert vars(again) == vars(error)
    assert str(again) == str(error)
    assert again.args == error.args


@pytest.mark.parametrize(
    "error",
    [
        errors.HookDefinitionError("wrong"),
        errors.HookRejected("no"),
        errors.HookResultError("odd"),
        errors.NotRunningError("not here"),
    ],
)
def test_other_errors_survive_pickle(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(again), again.args) == (type(error), error.args)


def test_a_refusal_of_the_manifest_names_the_permission_and_survives() -> None:
    text = 'the plugin does not have the permission posts.write: add "posts.write" to "permissions" in its manifest'
    refused = AppError(id="plugin_api.permission", message=text, detailed_error="posts.write", status_code=403)
    error = from_app_error(refused, "create_post")
    assert isinstance(error, errors.PermissionDeniedError)
    assert (error.permission, error.detailed_error) == ("posts.write", "")
    assert str(error) == f"create_post: {text}"
    assert pickle.loads(pickle.dumps(error)).permission == "posts.write"  # noqa: S301
    assert to_app_error(error) == refused
    by_server = from_app_error(AppError(id="api.context.permissions", detailed_error="posts.write", status_code=403))
    assert isinstance(by_server, errors.PermissionDeniedError)
    assert (by_server.permission, by_server.detailed_error) == ("", "posts.write")


def test_the_text_is_made_for_logs() -> None:
    assert str(PluginAPIError("No user.", **FULL)) == "get_user: No user. (no rows)"
    assert str(PluginAPIError("No user.")) == "No user."
    assert str(PluginAPIError(id="app.x")) == "app.x"
    assert str(errors.NotFoundError()) == "status 404"


def test_the_repr_shows_what_is_known() -> None:
    error = errors.NotFoundError("No user.", id="app.x", method="get_user")
    assert repr(error) == "NotFoundError('No user.', id='app.x', status_code=404, method='get_user')"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.ValidationError),
        (401, errors.UnauthenticatedError),
        (403, errors.PermissionDeniedError),
        (404, errors.NotFoundError),
        (409, errors.AlreadyExistsError),
        (413, errors.LimitExceededError),
        (429, errors.LimitExceededError),
        (500, PluginAPIError),
        (501, errors.NotSupportedByServer),
        (503, errors.UnavailableError),
        (504, errors.DeadlineExceededError),
        (418, PluginAPIError),
    ],
)
def test_a_status_has_a_class(status: int, kind: type[PluginAPIError]) -> None:
    assert errors.class_for_status(status) is kind


def test_errors_are_what_python_programmers_catch() -> None:
    assert issubclass(errors.NotFoundError, LookupError)
    assert issubclass(errors.DeadlineExceededError, TimeoutError)
    assert issubclass(errors.HookDefinitionError, TypeError)
    assert issubclass(errors.NotRunningError, RuntimeError)
    assert all(issubclass(kind, errors.MattermostError) for kind in API_ERRORS)


def test_the_tree_in_the_docstring_names_every_class() -> None:
    for name in errors.__all__:
        assert name in (errors.__doc__ or ""), name
