"""Every plugin in examples/ plays its own demo.txt in the simulator; the transcript is checked in beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import ROOT, Play

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/demo.txt"))


def test_no_example_is_forgotten() -> None:
    with_manifest = sorted(path.parent for path in (ROOT / "examples").glob("*/plugin.json"))
    assert with_manifest == EXAMPLES
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_plays_its_demo(example: Path, play: Play) -> None:
    played = play(example, (example / "demo.txt").read_text(encoding="utf-8"))

    assert played.exit_code == 0, f"{played.transcript}\n--- log\n{played.log}"
    expected = example / "demo.expected.txt"
    if os.environ.get("UPDATE_EXPECT"):
        expected.write_text(played.transcript, encoding="utf-8")
    assert played.transcript == expected.read_text(encoding="utf-8"), "UPDATE_EXPECT=1 rewrites the expected transcript"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_has_a_readme_that_names_its_hooks_or_commands(example: Path) -> None:
    readme = (example / "README.md").read_text(encoding="utf-8")
    assert f"cargo xtask dev examples/{example.name}" in readme
