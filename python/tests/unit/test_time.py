"""Milliseconds to datetimes and back."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest

from mattermost_plugin.time import from_millis, now_millis, to_millis


def test_a_moment_goes_there_and_back() -> None:
    moment = datetime(2026, 11, 23, 6, 0, 0, 123000, tzinfo=timezone.utc)
    assert from_millis(to_millis(moment)) == moment
    assert to_millis(moment) == 1795413600123


@pytest.mark.parametrize("millis", [0, 1, -1, 253402300799999, -62135596800000])
def test_every_moment_is_exact(millis: int) -> None:
    assert to_millis(from_millis(millis)) == millis


def test_other_time_zones_are_the_same_moment() -> None:
    there = datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert to_millis(there) == 0


def test_less_than_a_millisecond_is_rounded_down() -> None:
    assert to_millis(datetime(1970, 1, 1, 0, 0, 0, 1999, tzinfo=timezone.utc)) == 1
    assert to_millis(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc)) == -1


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2026-01-01T00:00:00 has no time zone.*datetime\.now\(timezone\.utc\)"):
        to_millis(datetime(2026, 1, 1))


def test_now_is_now() -> None:
    before = time.time_ns() // 1_000_000
    now = now_millis()
    assert before <= now <= time.time_ns() // 1_000_000
