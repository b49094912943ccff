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

from typing import Generic, TypeVar

__all__ = ["Allow", "Dismiss", "Reject", "Replace"]

T = TypeVar("T")


# Written out, for `dataclasses` costs as much to import as all the rest of the package.


class _Verdict:
    """Comparison and representation by the fields in ``__match_args__``."""

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()

    def _fields(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__match_args__)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Verdict):
            return NotImplemented
        return type(self) is type(other) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash((type(self), self._fields()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
        return f"{type(self).__name__}({shown})"


class Allow(_Verdict):
    """Lets it happen, unchanged. The same as returning ``None``."""

    __slots__ = ()


class Replace(_Verdict, Generic[T]):
    """Lets it happen with `value` in place of what was given.

    Attributes:
        value: The post, notification, configuration … to go on with.
    """

    __slots__ = ("value",)
    __match_args__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value


class Reject(_Verdict):
    """Does not let it happen.

    Attributes:
        reason: Shown to the person who asked; must not be empty.
    """

    __slots__ = ("reason",)
    __match_args__ = ("reason",)

    def __init__(self, reason: str) -> None:
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError(
                f"Reject({reason!r}): a rejection needs a reason, which the person who asked reads; "
                "to drop a post without a word return Dismiss()"
            )
        self.reason = reason


class Dismiss(_Verdict):
    """Drops a new post without telling anybody. Only ``MessageWillBePosted`` knows it."""

    __slots__ = ()
