"""What a handler may return from a hook that decides: `Allow`, `Replace`, `Reject`, `Dismiss`.

::

    @hook(HookName.MessageWillBePosted)
    def check(self, context: Context, post: Post) -> Allow | Replace[Post] | Reject | Dismiss:
        if "secret" in post.message:
            return Reject("Please keep that to yourself.")
        return Allow()

Each may be returned as an instance or, where it needs no argument, as the class: ``return Allow`` is fine too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Allow", "Dismiss", "Reject", "Replace"]

T = TypeVar("T")


@dataclass(frozen=True)
class Allow:
    """Lets it happen, unchanged. The same as returning ``None``."""


@dataclass(frozen=True)
class Replace(Generic[T]):
    """Lets it happen with `value` in place of what was given.

    Attributes:
        value: The post, notification, configuration … to go on with.
    """

    value: T


@dataclass(frozen=True)
class Reject:
    """Does not let it happen.

    Attributes:
        reason: Shown to the person who asked; must not be empty.
    """

    reason: str

    def __post_init__(self) -> None:
        if not isinstance(self.reason, str) or not self.reason.strip():
            raise ValueError(
                f"Reject({self.reason!r}): a rejection needs a reason, which the person who asked reads; "
                "to drop a post without a word return Dismiss()"
            )


@dataclass(frozen=True)
class Dismiss:
    """Drops a new post without telling anybody. Only ``MessageWillBePosted`` knows it."""
