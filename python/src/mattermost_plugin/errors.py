"""What goes wrong, as one tree of exceptions.

::

    MattermostError
    ├── PluginAPIError              a call of the plugin API failed; any status
    │   ├── ValidationError           400: an argument or the state of things does not allow it
    │   ├── UnauthenticatedError      401: no valid session or credentials
    │   ├── PermissionDeniedError     403: not allowed, by the server or by the plugin's own manifest
    │   ├── NotFoundError             404: there is no such user, channel, post, key …              (LookupError)
    │   ├── AlreadyExistsError        409: it exists, or somebody changed it meanwhile
    │   ├── LimitExceededError        413 or 429: too large, too many, too often
    │   ├── NotSupportedByServer      501: this server cannot do it
    │   ├── UnavailableError          503: the server, or the host, cannot be reached now
    │   ├── DeadlineExceededError     504: no answer in time                                        (TimeoutError)
    │   ├── CallCancelledError        the call was given up, because the hook it served was
    │   └── PlainError                the server answered with a text only, without id or status
    ├── HookDefinitionError         a handler is declared wrongly; raised while the class is made   (TypeError)
    ├── HookResultError             a handler returned what its hook cannot take                    (TypeError)
    ├── HookRejected                raise it in any handler to refuse with a text
    └── NotRunningError             something needs the host, and the plugin is not running in one  (RuntimeError)

Every exception survives ``pickle`` and ``copy``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mattermost_plugin.models import PostgresError

__all__ = [
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
]


class MattermostError(Exception):
    """Anything that this package raises on purpose."""


class PluginAPIError(MattermostError):
    """A call of the plugin API failed.

    Attributes:
        message: What happened, in the server's words, for people.
        id: Mattermost's own name of the error, such as ``app.user.missing_account.const``; "" when it has none.
        detailed_error: More for developers; may be "".
        status_code: HTTP status that the server gives this error.
        where: Function of the server that raised it; "" when unknown.
        request_id: Id of the request in the server's log; "" when there was none.
        method: The API method that was called, as Python spells it; "" when unknown.
        code: Number of a well-known plain error (1 end of file, 2 no rows, …), 0 for all others.
    """

    #: Status of an instance that is made without one.
    default_status: int = 500

    def __init__(
        self,
        message: str = "",
        *,
        id: str = "",  # noqa: A002 (the name it has everywhere in Mattermost)
        detailed_error: str = "",
        status_code: int | None = None,
        where: str = "",
        request_id: str = "",
        method: str = "",
        code: int = 0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.id = id
        self.detailed_error = detailed_error
        self.status_code = self.default_status if status_code is None else status_code
        self.where = where
        self.request_id = request_id
        self.method = method
        self.code = code

    def __str__(self) -> str:
        text = self.message or self.id or f"status {self.status_code}"
        if self.detailed_error:
            text = f"{text} ({self.detailed_error})"
        return f"{self.method}: {text}" if self.method else text

    def __repr__(self) -> str:
        shown = [repr(self.message)]
        shown += [f"{name}={value!r}" for name, value in self._details().items() if value]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __reduce__(self) -> tuple[Callable[..., PluginAPIError], tuple[type[PluginAPIError], str, dict[str, object]]]:
        return _rebuild, (type(self), self.message, self._details())

    def _details(self) -> dict[str, object]:
        return {
            "id": self.id,
            "detailed_error": self.detailed_error,
            "status_code": self.status_code,
            "where": self.where,
            "request_id": self.request_id,
            "method": self.method,
            "code": self.code,
        }


def _rebuild(kind: type[PluginAPIError], message: str, details: dict[str, object]) -> PluginAPIError:
    """Makes an exception again from what `PluginAPIError.__reduce__` kept: its arguments are keyword-only."""
    return kind(message, **details)  # type: ignore[arg-type]


class ValidationError(PluginAPIError):
    """An argument is wrong, or the state of things does not allow the call (400)."""

    default_status = 400


class UnauthenticatedError(PluginAPIError):
    """There is no valid session, or the credentials are wrong (401)."""

    default_status = 401


class PermissionDeniedError(PluginAPIError):
    """It is not allowed (403): by the server, or by the plugin's own manifest.

    Attributes:
        permission: What the manifest's ``permissions`` would have to name, such as ``posts.write``, when it was the host that refused
            the call; "" when it was the server.
    """

    default_status = 403

    def __init__(self, message: str = "", *, permission: str = "", **details: Any) -> None:
        super().__init__(message, **details)
        self.permission = permission

    def _details(self) -> dict[str, object]:
        return {**super()._details(), "permission": self.permission}


class NotFoundError(PluginAPIError, LookupError):
    """What was asked for does not exist (404)."""

    default_status = 404


class AlreadyExistsError(PluginAPIError):
    """It exists already, or somebody changed it meanwhile (409)."""

    default_status = 409


class LimitExceededError(PluginAPIError):
    """Something is too large, too many or too often (413, 429)."""

    default_status = 429


class NotSupportedByServer(PluginAPIError):
    """This server cannot do it: it is too old, or the simulator does not simulate it, or it is switched off (501).

    Attributes:
        needs: The Mattermost version that has the method, such as ``11.4``, when this server is too old for it; else "".
        have: The version of this server, such as ``10.11.2``; "" when it is not known, or the method is there and something of it is not.
    """

    default_status = 501

    def __init__(self, message: str = "", *, needs: str = "", have: str = "", **details: Any) -> None:
        super().__init__(message, **details)
        self.needs = needs
        self.have = have

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text} This one is {self.have}." if self.needs and self.have else text

    def _details(self) -> dict[str, object]:
        return {**super()._details(), "needs": self.needs, "have": self.have}


class UnavailableError(PluginAPIError):
    """The server or the host cannot be reached now (503)."""

    default_status = 503


class DeadlineExceededError(PluginAPIError, TimeoutError):
    """There was no answer in time (504)."""

    default_status = 504


class CallCancelledError(PluginAPIError):
    """The call was given up, because the hook that it served was given up, or because the plugin is stopping."""

    default_status = 499


class PlainError(PluginAPIError):
    """The server answered with a plain text, without an id or a status of its own.

    Attributes:
        postgres: What the database said, as a `mattermost_plugin.models.PostgresError`, when it was the database that failed.
    """

    def __init__(self, message: str = "", *, postgres: PostgresError | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.postgres = postgres

    def _details(self) -> dict[str, object]:
        details = super()._details()
        if self.postgres is not None:
            details["postgres"] = self.postgres
        return details


class HookDefinitionError(MattermostError, TypeError):
    """A handler is declared wrongly. Raised while the plugin's module is imported."""


class HookResultError(MattermostError, TypeError):
    """A handler returned what its hook cannot take."""


class HookRejected(MattermostError):
    """Refuses, from anywhere in a handler: the text goes to the person who asked, and no traceback is logged.

    In a hook that decides it is the same as returning `Reject`; in ``ServeHTTP`` it is an answer with status 403; in ``OnActivate``,
    ``ExecuteCommand`` and other hooks that may fail it is the error.
    """


class NotRunningError(MattermostError, RuntimeError):
    """Something needs the host, and the plugin is not running in one."""


_BY_STATUS: dict[int, type[PluginAPIError]] = {
    400: ValidationError,
    401: UnauthenticatedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: AlreadyExistsError,
    413: LimitExceededError,
    429: LimitExceededError,
    501: NotSupportedByServer,
    503: UnavailableError,
    504: DeadlineExceededError,
}


def class_for_status(status: int) -> type[PluginAPIError]:
    """Returns the exception class of an HTTP status; `PluginAPIError` itself for those without one of their own."""
    return _BY_STATUS.get(status, PluginAPIError)
