"""What the page for administrators says of the log is what the programs write."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT

PAGE = ROOT / "docs" / "guide" / "operations.md"
LEVELS = {"error", "warning", "info"}


def texts() -> list[str]:
    """The texts in the table of log records, each in code."""
    (table,) = re.findall(
        r"^\| Text \| Level \| What to do \|\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE.read_text("utf-8"), re.MULTILINE
    )
    found = []
    for row in table.splitlines():
        text, level, _ = row.strip("| ").split(" | ", 2)
        assert level in LEVELS, row
        codes = re.findall(r"`([^`]+)`", text)
        assert codes, row
        found += codes
    return found


def sources() -> str:
    """All that may write a log record, without its tests and as one text: a literal may go over several lines."""
    folders = [
        (ROOT / "crates" / "mm-host" / "src", "*.rs"),
        (ROOT / "python" / "src" / "mattermost_plugin" / "_runtime", "*.py"),
    ]
    files = [it for folder, pattern in folders for it in sorted(folder.rglob(pattern)) if it.name != "tests.rs"]
    without_tests = [it.read_text("utf-8").partition("#[cfg(test)]\nmod tests {")[0] for it in files]
    return re.sub(r"\\\n\s*", "", "\n".join(without_tests))


SOURCES = sources()


def test_the_table_is_found() -> None:
    assert len(texts()) > 20


@pytest.mark.parametrize("text", texts())
def test_a_text_of_the_table_is_written_somewhere(text: str) -> None:
    # What differs from record to record is an ellipsis here and a placeholder there.
    for part in filter(None, (it.strip() for it in text.split("…"))):
        assert part in SOURCES, part
