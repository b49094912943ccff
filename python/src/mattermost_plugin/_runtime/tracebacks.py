"""Tracebacks without the SDK's own frames: what a plugin's author reads begins and ends in the plugin."""

from __future__ import annotations

import os
import traceback
from types import FrameType, TracebackType
from typing import Final

__all__ = ["format_exception", "format_stack", "format_task", "trim"]

_PACKAGE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def format_exception(error: BaseException) -> str:
    """Returns the traceback as text, without a newline at its end."""
    lines = traceback.format_exception(type(error), error, trim(error.__traceback__))
    return "".join(lines).rstrip("\n")


def format_stack(frame: FrameType) -> str:
    """Returns where a thread is, without the SDK's frames that lead to the plugin's."""
    return _format_entries(traceback.extract_stack(frame))


def format_task(awaited: object) -> str:
    """Returns where a coroutine waits, down to what it waits for at last, without the SDK's frames; "" before it began."""
    frames = []
    while awaited is not None:
        frame = (
            getattr(awaited, "cr_frame", None)
            or getattr(awaited, "gi_frame", None)
            or getattr(awaited, "ag_frame", None)
        )
        if frame is not None:
            frames.append((frame, frame.f_lineno))
        below = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
        awaited = getattr(awaited, "ag_await", None) if below is None else below
    return _format_entries(traceback.StackSummary.extract(iter(frames))) if frames else ""


def _format_entries(entries: traceback.StackSummary) -> str:
    own = [entry.filename.startswith(_PACKAGE) for entry in entries]
    first = own.index(True) if any(own) else 0
    plugin = first
    while plugin < len(own) and own[plugin]:
        plugin += 1
    return "".join(traceback.format_list(entries[plugin:] or entries[first:])).rstrip("\n")


def trim(trace: TracebackType | None) -> TracebackType | None:
    """Returns the traceback without the SDK's frames above the plugin's and below it.

    One that has no frame of the plugin at all is returned whole: then the SDK itself is what to look at.
    """
    frames = []
    entry = trace
    while entry is not None:
        frames.append(entry)
        entry = entry.tb_next
    own = [frame.tb_frame.f_code.co_filename.startswith(_PACKAGE) for frame in frames]
    if all(own):
        return trace
    first = own.index(False)
    last = len(own) - 1 - own[::-1].index(False)
    trimmed: TracebackType | None = None
    for frame in reversed(frames[first : last + 1]):
        trimmed = TracebackType(trimmed, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return trimmed
