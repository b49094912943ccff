"""What a handler asks of the host, as `@hook` takes it: how long it may take, and what happens when it fails.

The host is told in the hello, for a process that died can say nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from mattermost_plugin._generated.hooks import HookSpec

__all__ = ["ALLOW", "NONE", "REJECT", "Options", "options_problem"]

ALLOW: Final = "allow"
REJECT: Final = "reject"


class Options(NamedTuple):
    """The options of one handler.

    Attributes:
        deadline: Seconds that it may take, ``None`` for the host's default; of a stream until its answer begins.
        on_error: What happens when it raises, is late, or its process died: ``"allow"`` or ``"reject"``.
        rejection: With ``"reject"``: what the person who asked reads.
        idempotent: Whether it may be called once more when its process died while it ran.
    """

    deadline: float | None = None
    on_error: str = ALLOW
    rejection: str = ""
    idempotent: bool = False


NONE: Final = Options()


def options_problem(options: Options, spec: HookSpec) -> str | None:
    """Returns what is wrong with the options of a handler of this hook, and what would be right; ``None`` when nothing is."""
    # A plugin's author may have written anything.
    deadline: object = options.deadline
    rejection: object = options.rejection
    idempotent: object = options.idempotent
    if deadline is not None and (
        isinstance(deadline, bool)
        or not isinstance(deadline, (int, float))
        or not math.isfinite(deadline)
        or not 0.001 <= deadline <= 86_400
    ):
        return f"has deadline={deadline!r}: give seconds, from 0.001 to 86400, such as deadline=2.5"
    if options.on_error not in (ALLOW, REJECT):
        return f"has on_error={options.on_error!r}: it is 'allow' or 'reject'"
    if not isinstance(rejection, str):
        return f"has rejection={rejection!r}: it is the text that the person who asked reads"
    if options.on_error == REJECT:
        if not spec.refusal:
            return f"has on_error='reject', but {spec.go} cannot refuse anything: leave it out"
        if not rejection.strip():
            return (
                "has on_error='reject' without a text for the person who asked: add "
                "rejection='The filter is out of order; please try again later'"
            )
    elif rejection:
        return "has a rejection, which is for handlers that refuse when they fail: add on_error='reject'"
    if not isinstance(idempotent, bool):
        return f"has idempotent={idempotent!r}: it is True or False"
    if idempotent and spec.kind != "tells":
        return f"has idempotent=True, which is for hooks that tell what has happened; {spec.go} is answered instead: leave it out"
    return None
