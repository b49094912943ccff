"""Verdicts: what they hold and what they refuse."""

from __future__ import annotations

import pytest

from mattermost_plugin import Allow, Dismiss, Reject, Replace


@pytest.mark.parametrize("reason", ["", "  ", None, 3])
def test_a_rejection_needs_a_reason(reason: object) -> None:
    with pytest.raises(ValueError, match="a rejection needs a reason"):
        Reject(reason)  # type: ignore[arg-type]


def test_verdicts_compare_and_show_themselves() -> None:
    assert Reject("no") == Reject("no")
    assert Allow() == Allow()
    assert Dismiss() != Allow()
    assert repr(Replace("x")) == "Replace(value='x')"


def test_they_can_be_matched() -> None:
    match Reject("no"):
        case Reject(reason):
            assert reason == "no"


def test_replace_can_be_annotated_at_run_time() -> None:
    assert Replace[str] | Reject | None
