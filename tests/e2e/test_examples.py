"""Every plugin in Python in examples/ plays its own demo.txt in the simulator; the transcript is checked in beside it.

Plugins in other languages have tests of their own: `hello_rust` in its crate, `hello_node` in test_hello_node.py.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import ROOT, Play

OTHERS = {"hello_node", "hello_rust"}
EXAMPLES = sorted(it.parent for it in (ROOT / "examples").glob("*/demo.txt") if it.parent.name not in OTHERS)


def test_no_example_is_forgotten() -> None:
    with_manifest = sorted(path.parent for path in (ROOT / "examples").glob("*/plugin.json"))
    assert [it for it in with_manifest if it.name not in OTHERS] == EXAMPLES
    assert {it.name for it in with_manifest} > OTHERS
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
