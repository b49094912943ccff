"""The stream to the host that is a connection: one request, one answer."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any, Final

from mattermost_plugin import _native
from mattermost_plugin._runtime import state
from mattermost_plugin._runtime.current import timeout_of_call
from mattermost_plugin._runtime.failures import PERMISSION_DENIED, PERMISSION_ERROR
from mattermost_plugin._runtime.pool import waiting
from mattermost_plugin._runtime.sql_protocol import SESSION, TABLES
from mattermost_plugin.db._errors import (
    Error,
    InterfaceError,
    OperationalError,
    StatementTimeoutError,
    from_host,
)
from mattermost_plugin.errors import PermissionDeniedError

__all__ = ["Link", "open_link"]

_PARTS: Final = [field[1] for field in TABLES["host.SqlRequest"][1] if field[1] != "timeout_ms"]
_INDEX: Final = {name: index for index, name in enumerate(_PARTS)}

#: What the manifest must name for a plugin to have the database.
DATABASE: Final = "database"

_OPENED: Final = 0
_RESULT: Final = 1
_ROWS: Final = 2
_DONE: Final = 3
_ERROR: Final = 4


class Link:
    """A connection of the host's. Threads take turns; use it within ``with link.lock`` where several requests belong together.

    Args:
        stream: The call.
        timeout: Seconds that a request may take; ``None`` for no limit.

    Attributes:
        dialect: What the database is.
        version: Its version.
        lock: Held by who uses it.
    """

    __slots__ = ("__weakref__", "_broken", "_closed", "_stream", "dialect", "lock", "timeout", "version")

    def __init__(self, stream: _native.ClientStream, timeout: float | None) -> None:
        self._stream = stream
        self._closed = False
        self._broken = ""
        self.timeout = timeout
        self.lock = threading.RLock()
        self.dialect = ""
        self.version = ""

    @property
    def closed(self) -> bool:
        """Whether it was closed, or was lost."""
        return self._closed or bool(self._broken)

    def ask(self, part: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Sends a request and returns its answer: a tuple of which one is not ``None``.

        Raises:
            Error: What the database or the host says, or why it cannot be asked.
        """
        with self.lock:
            if self._closed:
                raise InterfaceError("the connection is closed")
            if self._broken:
                raise InterfaceError(f"the connection is lost: {self._broken}", connection_lost=True)
            seconds = timeout_of_call(self.timeout)
            if seconds is not None and seconds <= 0:
                raise StatementTimeoutError("there is no time left; the statement was not executed")
            request: list[Any] = [None] * len(_PARTS)
            request[_INDEX[part]] = values
            request.append(0 if seconds is None else max(1, int(seconds * 1000)))
            return self._exchange(tuple(request))

    def _exchange(self, request: tuple[Any, ...]) -> tuple[Any, ...]:
        answer: tuple[Any, ...] | None = None
        try:
            with waiting():
                self._stream.write(request)
                # Where nobody takes the request, this says why.
                answer = self._stream.read()
        except _native.RpcError as error:
            self._break(error.message or error.code_name)
            if error.code == PERMISSION_DENIED:
                # The host's own word: no database answers so.
                raise PermissionDeniedError(error.message, id=PERMISSION_ERROR, permission=DATABASE) from None
            raise OperationalError(f"the host gave the connection up: {error.message}", connection_lost=True) from None
        except (TypeError, ValueError):
            # It could not be encoded, so nothing was sent.
            raise
        except RuntimeError as error:
            # After a fork.
            raise InterfaceError(str(error)) from None
        except BaseException:
            # Interrupted between request and answer: the next answer would be the one to this request.
            self._break("a request was interrupted")
            raise
        if answer is None:
            self._break("the host ended it")
            raise OperationalError("the host gave the connection up", connection_lost=True)
        if answer[_ERROR] is not None:
            failure = from_host(answer[_ERROR])
            if failure.connection_lost:
                self._break(failure.message)
            raise failure
        return answer

    def _break(self, why: str) -> None:
        self._broken = why
        self._stream.cancel()

    def result(self, part: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Executes something; returns columns, rows affected, rows, and whether there are more."""
        result: tuple[Any, ...] = self.ask(part, values)[_RESULT]
        return result

    def rows(self, max_rows: int) -> tuple[list[list[Any]], bool]:
        """Fetches rows; returns them, and whether there are more."""
        rows: tuple[list[list[Any]], bool] = self.ask("fetch", (max_rows,))[_ROWS]
        return rows

    def close(self) -> None:
        """Gives the connection back; what is not committed is rolled back. Idempotent."""
        with self.lock:
            if self.closed:
                self._closed = True
                return
            self._closed = True
            try:
                with waiting():
                    self._stream.done_writing()
                    # The end of the answers says that the connection is back in the pool.
                    while self._stream.read() is not None:
                        pass
            except _native.RpcError:
                self._stream.cancel()
            except RuntimeError:
                # After a fork the connection is the parent's.
                pass
            except BaseException:
                self._stream.cancel()
                raise

    def drop(self) -> None:
        """Gives the connection back without waiting."""
        if not self.closed:
            self._closed = True
            # After a fork the connection is the parent's.
            with suppress(RuntimeError):
                self._stream.cancel()


def open_link(*, replica: bool, timeout: float | None) -> Link:
    """Takes a connection.

    Raises:
        NotRunningError: The plugin is not running in a host.
        PermissionDeniedError: The plugin's manifest does not permit it.
        Error: There is no database, or no connection to be had.
    """
    client = state.current("db").api._client
    try:
        stream = client.stream(*SESSION)
    except RuntimeError as error:
        raise InterfaceError(str(error)) from None
    link = Link(stream, timeout)
    try:
        link.dialect, link.version = link.ask("open", (replica,))[_OPENED]
    except (Error, PermissionDeniedError):
        link.drop()
        raise
    return link
