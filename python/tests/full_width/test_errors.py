"""Every way in which a call of the API can fail, by both clients: the exception's class, and all that it says."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import grpc
import pytest
import width_mapping as mapping
import width_types as types
from width_filler import Filler
from width_peer import CODES, Peer
from width_types import Node

from mattermost_plugin import errors, models
from mattermost_plugin._generated.codec_api import METHODS
from mattermost_plugin.api import PluginAPIClient
from mattermost_plugin.http import HttpRequest

Call = Callable[..., Any]

#: By the status of an ``AppError``; all others are `PluginAPIError` itself.
BY_STATUS = {
    400: errors.ValidationError,
    401: errors.UnauthenticatedError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    409: errors.AlreadyExistsError,
    413: errors.LimitExceededError,
    429: errors.LimitExceededError,
    501: errors.NotSupportedByServer,
    503: errors.UnavailableError,
    504: errors.DeadlineExceededError,
}
OTHER_STATUSES = (0, 100, 200, 302, 402, 405, 410, 415, 418, 422, 451, 500, 502, 505, 599, 2**40)

#: By the code of a status that has no details.
BY_CODE = {
    grpc.StatusCode.CANCELLED: errors.CallCancelledError,
    grpc.StatusCode.UNKNOWN: errors.PluginAPIError,
    grpc.StatusCode.INVALID_ARGUMENT: errors.ValidationError,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceededError,
    grpc.StatusCode.NOT_FOUND: errors.NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: errors.AlreadyExistsError,
    grpc.StatusCode.PERMISSION_DENIED: errors.PermissionDeniedError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.LimitExceededError,
    grpc.StatusCode.FAILED_PRECONDITION: errors.PluginAPIError,
    grpc.StatusCode.ABORTED: errors.PluginAPIError,
    grpc.StatusCode.OUT_OF_RANGE: errors.PluginAPIError,
    grpc.StatusCode.UNIMPLEMENTED: errors.NotSupportedByServer,
    grpc.StatusCode.INTERNAL: errors.PluginAPIError,
    grpc.StatusCode.UNAVAILABLE: errors.UnavailableError,
    grpc.StatusCode.DATA_LOSS: errors.PluginAPIError,
    grpc.StatusCode.UNAUTHENTICATED: errors.UnauthenticatedError,
}

PATH = METHODS["get_user"][0]


def raised_by(call: Call, method: str = "get_user", args: tuple[object, ...] = ("u1",)) -> errors.PluginAPIError:
    with pytest.raises(errors.PluginAPIError) as caught:
        call(method, *args)
    return caught.value


def app_error(peer: Peer, **fields: Any) -> Any:
    return peer.protocol.message("AppError")(
        **{
            "id": "app.user.missing.const",
            "message": "No such user: ü🦀",
            "detailed_error": "id=u1",
            "request_id": "r1",
            "status_code": 404,
            "where": "GetUser",
            "skip_translation": True,
            **fields,
        }
    )


class TestAppErrors:
    """Errors with an id and a status."""

    @pytest.mark.parametrize("status", [*BY_STATUS, *OTHER_STATUSES])
    def test_its_status_says_which_class_it_is(self, peer: Peer, call: Call, status: int) -> None:
        detail = app_error(peer, status_code=status)
        peer.fail(PATH, CODES.get(status, grpc.StatusCode.INTERNAL), detail, detail.message)
        error = raised_by(call)
        assert type(error) is BY_STATUS.get(status, errors.PluginAPIError)
        assert mapping.differences(mapping.app_error(detail, method="get_user"), error, "error") == []
        assert str(error) == "get_user: No such user: ü🦀 (id=u1)"

    @pytest.mark.parametrize("code", list(BY_CODE), ids=lambda it: it.name)
    def test_its_status_decides_whatever_the_code(self, peer: Peer, call: Call, code: grpc.StatusCode) -> None:
        peer.fail(PATH, code, app_error(peer), "another text")
        error = raised_by(call)
        assert type(error) is errors.NotFoundError
        assert error.message == "No such user: ü🦀"

    def test_an_empty_one_is_an_error_all_the_same(self, peer: Peer, call: Call) -> None:
        peer.fail(PATH, grpc.StatusCode.INTERNAL, peer.protocol.message("AppError")(), "")
        error = raised_by(call)
        assert type(error) is errors.PluginAPIError
        assert (error.id, error.message, error.status_code, error.method) == ("", "", 0, "get_user")
        assert str(error) == "get_user: status 0"


class TestPlainErrors:
    """What Go knows as an error with a text, and its well-known ones by number."""

    @pytest.mark.parametrize("code", range(9))
    def test_its_code_and_text_arrive(self, peer: Peer, call: Call, code: int) -> None:
        detail = peer.protocol.message("ErrorValue")(code=code, message="broken pipe ü")
        peer.fail(PATH, grpc.StatusCode.UNKNOWN, detail, "broken pipe ü")
        error = raised_by(call)
        # 2 is "no rows": what was asked for is not there.
        assert type(error) is (errors.NotFoundError if code == 2 else errors.PlainError)
        assert (error.code, error.message, error.id, error.method) == (code, "broken pipe ü", "", "get_user")
        assert error.status_code == (404 if code == 2 else 500)

    def test_an_app_error_in_a_plain_one_is_what_it_is(self, peer: Peer, call: Call) -> None:
        detail = peer.protocol.message("ErrorValue")(message="outer", app_error=app_error(peer, status_code=409))
        peer.fail(PATH, grpc.StatusCode.UNKNOWN, detail, "outer")
        error = raised_by(call)
        assert type(error) is errors.AlreadyExistsError
        assert mapping.differences(mapping.app_error(detail.app_error, method="get_user"), error, "error") == []

    def test_what_postgres_said_is_kept(self, peer: Peer, call: Call) -> None:
        detail = peer.protocol.message("ErrorValue")(message="duplicate key")
        Filler(1).model(detail.postgres_error, models.PostgresError)
        peer.fail(PATH, grpc.StatusCode.UNKNOWN, detail, "duplicate key")
        error = raised_by(call)
        assert isinstance(error, errors.PlainError)
        assert type(error) is errors.PlainError
        expected = mapping.model(detail.postgres_error, models.PostgresError)
        assert mapping.differences(expected, error.postgres, "postgres") == []
        assert error.message == "duplicate key"


class TestStatuses:
    """Failures of gRPC itself, or of a stranger's server: a code and a text."""

    def test_the_table_is_whole(self) -> None:
        assert {*BY_CODE, grpc.StatusCode.OK} == set(grpc.StatusCode)

    @pytest.mark.parametrize("code", list(BY_CODE), ids=lambda it: it.name)
    @pytest.mark.parametrize("text", ["what happened ü", ""])
    def test_its_code_says_which_class_it_is(self, peer: Peer, call: Call, code: grpc.StatusCode, text: str) -> None:
        peer.fail(PATH, code, text=text)
        error = raised_by(call)
        assert type(error) is BY_CODE[code]
        assert text in error.message
        assert (error.id, error.method, error.code) == ("", "get_user", 0)
        assert error.status_code == type(error).default_status
        assert str(error)

    def test_details_of_another_kind_are_passed_over(self, peer: Peer, call: Call) -> None:
        peer.fail(PATH, grpc.StatusCode.NOT_FOUND, peer.protocol.message("Post")(id="p"), "text")
        error = raised_by(call)
        assert (type(error), error.message) == (errors.NotFoundError, "text")


class TestEveryMethod:
    """No method has a way of failing of its own."""

    @pytest.mark.parametrize("method", sorted(METHODS))
    def test_it_raises_what_the_server_answers(self, peer: Peer, call: Call, method: str) -> None:
        path = METHODS[method][0]
        detail = app_error(peer, where=path.rpartition("/")[2])
        peer.fail(path, grpc.StatusCode.NOT_FOUND, detail, detail.message)
        error = raised_by(call, method, simplest(method))
        assert type(error) is errors.NotFoundError
        assert mapping.differences(mapping.app_error(detail, method=method), error, method) == []


def simplest(method: str) -> tuple[Any, ...]:
    """Returns the simplest arguments that a method takes."""
    declared = types.signature_of(getattr(PluginAPIClient, method))
    return tuple(_simplest(it) for name, it in declared.params.items() if name != declared.variadic)


def _simplest(node: Node) -> Any:
    if node.optional:
        return None
    if node.kind == "other":
        return HttpRequest() if node.cls is HttpRequest else io.BytesIO(b"content")
    if node.kind == "enum":
        return next(iter(node.cls))
    return {"list": list, "dict": dict}.get(node.kind, node.cls)()
