"""gRPC statuses, ``AppError`` and ``ErrorValue`` to exceptions and back: the only module that knows both sides.

A failed API call carries an ``AppError`` model or, for an error without id and status, an ``ErrorValue``; the codec makes
an exception of the latter by `error_from_value`. A failed handler goes the other way, by `describe` and `error_to_value`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mattermost_plugin import errors
from mattermost_plugin.errors import HookRejected, MattermostError, PluginAPIError

if TYPE_CHECKING:
    from mattermost_plugin import _native

__all__ = ["describe", "error_from_value", "error_to_value", "from_app_error", "from_rpc"]

CANCELLED: Final = 1
UNKNOWN: Final = 2
PERMISSION_DENIED: Final = 7
DEADLINE_EXCEEDED: Final = 4
UNIMPLEMENTED: Final = 12
INTERNAL: Final = 13
UNAVAILABLE: Final = 14

#: Id of the error of a call that the plugin's manifest does not permit; its details are the permission's name.
PERMISSION_ERROR: Final = "plugin_api.permission"

#: Well-known plain error: a query found no rows.
_CODE_NO_ROWS: Final = 2

_BY_CODE: Final[dict[int, type[PluginAPIError]]] = {
    CANCELLED: errors.CallCancelledError,
    3: errors.ValidationError,
    DEADLINE_EXCEEDED: errors.DeadlineExceededError,
    5: errors.NotFoundError,
    6: errors.AlreadyExistsError,
    PERMISSION_DENIED: errors.PermissionDeniedError,
    8: errors.LimitExceededError,
    UNIMPLEMENTED: errors.NotSupportedByServer,
    UNAVAILABLE: errors.UnavailableError,
    16: errors.UnauthenticatedError,
}

_HINTS: Final[dict[int, str]] = {
    CANCELLED: "the call was given up",
    DEADLINE_EXCEEDED: "no answer in time",
    UNAVAILABLE: "the host cannot be reached",
}


def from_rpc(error: _native.RpcError, method: str) -> PluginAPIError:
    """Returns the exception for a failed call.

    Args:
        error: What the native client raised.
        method: The API method, as Python spells it.
    """
    details = error.details
    if isinstance(details, PluginAPIError):
        details.method = method
        return details
    if details is not None and hasattr(details, "status_code"):
        return from_app_error(details, method)
    message = error.message
    hint = _HINTS.get(error.code)
    if hint is not None:
        message = f"{hint}: {message}" if message else hint
    return _BY_CODE.get(error.code, PluginAPIError)(message, method=method)


def from_app_error(app_error: Any, method: str = "") -> PluginAPIError:
    """Returns the exception for an ``AppError`` model."""
    kind = errors.class_for_status(app_error.status_code)
    error = kind(
        app_error.message,
        id=app_error.id,
        detailed_error=app_error.detailed_error,
        status_code=app_error.status_code,
        where=app_error.where,
        request_id=app_error.request_id,
        method=method,
    )
    if isinstance(error, errors.PermissionDeniedError) and error.id == PERMISSION_ERROR:
        error.permission, error.detailed_error = error.detailed_error, ""
    return error


def error_from_value(code: int, message: str, detail: Any) -> PluginAPIError:
    """Makes the exception of an ``ErrorValue``; called by the codec.

    Args:
        code: Number of a well-known error, or 0.
        message: The error's text.
        detail: An ``AppError`` or ``PostgresError`` model, or ``None``.
    """
    if hasattr(detail, "status_code"):
        return from_app_error(detail)
    if detail is not None:
        return errors.PlainError(message, code=code, postgres=detail)
    kind = errors.NotFoundError if code == _CODE_NO_ROWS else errors.PlainError
    return kind(message, code=code)


def error_to_value(error: BaseException) -> tuple[int, str, Any]:
    """Takes an exception apart into the fields of an ``ErrorValue``; called by the codec."""
    if not isinstance(error, PluginAPIError):
        return 0, describe(error), None
    detail = to_app_error(error) if error.id else getattr(error, "postgres", None)
    return error.code, error.message, detail


def to_app_error(error: PluginAPIError | HookRejected, *, where: str = "") -> Any:
    """Returns the ``AppError`` model of an exception.

    Args:
        error: A failure of the API that a handler passes on, or a refusal in its own words.
        where: The hook, for what does not say by itself where it comes from.
    """
    from mattermost_plugin.models import AppError

    if isinstance(error, HookRejected):
        return AppError(id="plugin.hook_rejected", message=describe(error), status_code=400, where=where)
    return AppError(
        id=error.id,
        message=error.message,
        detailed_error=error.detailed_error or getattr(error, "permission", ""),
        status_code=error.status_code,
        where=error.where or where,
        request_id=error.request_id,
    )


def describe(error: BaseException) -> str:
    """Returns an exception as one text for people: its own words when it was raised for them, else with its type."""
    text = str(error)
    if isinstance(error, MattermostError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
