"""Milliseconds since the Unix epoch, which Mattermost uses everywhere, to and from aware datetimes.

::

    from mattermost_plugin.time import from_millis, now_millis, to_millis

    age = datetime.now(timezone.utc) - from_millis(post.create_at)
    recent = post.create_at > now_millis() - 60_000
"""

from __future__ import annotations

import time as _time
from datetime import datetime, timedelta, timezone

__all__ = ["from_millis", "now_millis", "to_millis"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)


def from_millis(millis: int) -> datetime:
    """Returns the moment as an aware datetime in UTC.

    Mattermost writes 0 for "never", as in ``Post.delete_at``; test for it first, here it is the year 1970.

    Args:
        millis: Milliseconds since the Unix epoch.

    Raises:
        OverflowError: The moment is outside the years 1 to 9999.
    """
    return _EPOCH + timedelta(milliseconds=millis)


def to_millis(moment: datetime) -> int:
    """Returns the milliseconds since the Unix epoch, rounded down.

    Args:
        moment: An aware datetime of any time zone.

    Raises:
        ValueError: `moment` is naive: it does not say in which time zone it is.
    """
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(
            f"{moment.isoformat()} has no time zone, so it is no moment in time; "
            "write datetime.now(timezone.utc), or add tzinfo=… to the datetime"
        )
    return (moment - _EPOCH) // _MILLISECOND


def now_millis() -> int:
    """Returns the present moment in milliseconds since the Unix epoch."""
    return _time.time_ns() // 1_000_000
