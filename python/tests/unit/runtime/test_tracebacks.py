"""Tracebacks begin and end in the plugin."""

from __future__ import annotations

from mattermost_plugin._runtime.tracebacks import format_exception, trim
from mattermost_plugin.time import to_millis
from mattermost_plugin.verdicts import Reject


def test_the_sdks_frames_below_are_left_out() -> None:
    try:
        Reject("")
    except ValueError as error:
        text = format_exception(error)
        trace = error.__traceback__
    assert "verdicts.py" not in text
    assert 'Reject("")' in text
    assert trim(trace) is not None


def test_frames_between_are_kept() -> None:
    def fail(_: object) -> bool:
        raise RuntimeError("inside")

    class Odd:
        tzinfo = property(fail)

    try:
        to_millis(Odd())  # type: ignore[arg-type]
    except RuntimeError as error:
        text = format_exception(error)
    assert text.index("to_millis(Odd())") < text.index("time.py") < text.index('raise RuntimeError("inside")')
    assert text.endswith("RuntimeError: inside")


def test_an_error_of_the_sdk_alone_is_shown_whole() -> None:
    try:
        Reject("")
    except ValueError as error:
        inner = error.__traceback__
    assert inner is not None
    assert trim(inner.tb_next) is inner.tb_next


def test_no_traceback_is_none() -> None:
    assert trim(None) is None
    assert format_exception(ValueError("x")) == "ValueError: x"


def test_causes_are_kept() -> None:
    try:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError("second") from error
    except ValueError as error:
        text = format_exception(error)
    assert "KeyError: 'first'" in text
    assert "direct cause" in text
