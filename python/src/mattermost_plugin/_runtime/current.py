"""The hook call that is being served: where the calls that a handler makes get their deadline from."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

__all__ = ["CurrentCall", "current_call", "timeout_of_call"]


class CurrentCall(Protocol):
    """What is used of a native ``Call`` here."""

    def remaining(self) -> float | None:
        """Seconds until the caller's deadline, ``None`` when it gave none."""
        ...


current_call: ContextVar[CurrentCall | None] = ContextVar("mattermost_plugin.current_call", default=None)


def timeout_of_call(limit: float | None) -> float | None:
    """Returns the seconds an API call may take: `limit`, and no more than the hook that it serves has left."""
    call = current_call.get()
    if call is None:
        return limit
    remaining = call.remaining()
    if remaining is None:
        return limit
    return remaining if limit is None or remaining < limit else limit
