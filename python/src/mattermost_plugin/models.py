"""Every type of the plugin API: posts, users, channels, … and the enumerations that their fields use.

Models are dataclasses: keyword-only, mutable, every field with a default. They are the same in hooks and in the API. A field
with an enumeration also holds values that this SDK does not know, as plain ``str`` or ``int``.

A name is imported when it is first used, so that a plugin loads only what it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mattermost_plugin._generated.models import *  # noqa: F403
else:
    # Hidden from type checkers: to them it would mean that every name is there.
    def __getattr__(name: str) -> object:
        from mattermost_plugin._generated import models

        try:
            value: object = getattr(models, name)
        except AttributeError:
            raise AttributeError(_unknown(name, dir(models))) from None
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    from mattermost_plugin._generated import models

    return dir(models)


def _unknown(name: str, known: list[str]) -> str:
    import difflib

    alike = difflib.get_close_matches(name, known, n=3)
    suggestion = f"; did you mean {' or '.join(alike)}?" if alike else ""
    return f"module 'mattermost_plugin.models' has no type {name!r}{suggestion}"
