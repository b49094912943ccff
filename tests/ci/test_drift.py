"""`.ci/drift`, with a program in place of `cargo xtask` and one in place of GitHub's `gh`."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "drift"

XTASK = """#!/usr/bin/env bash
# xtask drift --version VERSION --format markdown: answers with the file of that version, and with the code in another.
folder=$(dirname "$0")
cat "$folder/$3.md"
exit "$(cat "$folder/$3.code")"
"""

GH = """#!/usr/bin/env bash
folder=$(dirname "$0")
printf '%s\\n' "$*" >>"$folder/calls"
case "$*" in
  "issue list"*) cat "$folder/open" ;;
esac
while (($#)); do
  if [ "$1" = --body-file ]; then cp "$2" "$folder/body"; fi
  shift
done
"""


@dataclass
class World:
    """What the script finds: reports of three versions, and the open issue."""

    folder: Path

    def report(self, version: str, text: str, code: int) -> None:
        (self.folder / f"{version}.md").write_text(text)
        (self.folder / f"{version}.code").write_text(str(code))

    def issue(self, number: str) -> None:
        (self.folder / "open").write_text(number)

    def run(self) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "XTASK": str(self.folder / "xtask"), "LC_ALL": "C.UTF-8"}
        environment.pop("GITHUB_STEP_SUMMARY", None)
        return subprocess.run([str(SCRIPT)], env=environment, capture_output=True, text=True, timeout=60, check=False)

    def changes(self) -> list[str]:
        """What was done to issues, without the question which are open."""
        calls = (self.folder / "calls").read_text().splitlines()
        return [" ".join(call.split()[:2]) for call in calls if not call.startswith("issue list")]

    def body(self) -> str:
        return (self.folder / "body").read_text()


@pytest.fixture
def world(tmp_path: Path) -> World:
    for name, text in {"xtask": XTASK, "gh": GH}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    world = World(tmp_path)
    for version in ("release", "candidate", "master"):
        world.report(version, "# Mattermost 11.6.0 → 11.6.0: no difference\n", 0)
    world.issue("")
    return world


def test_nothing_changed_does_nothing(world: World) -> None:
    assert world.run().returncode == 0
    assert world.changes() == []


def test_a_change_opens_an_issue(world: World) -> None:
    world.report("master", "# Mattermost 11.6.0 → 11.7.0: 1 difference\n\n## Needs docs (1)\n\n- added `X`\n", 1)
    done = world.run()
    assert done.returncode == 0, done.stderr
    assert world.changes() == ["label create", "issue create"]
    body = world.body()
    assert "<summary>master: Mattermost 11.6.0 → 11.7.0: 1 difference</summary>\n\n## Needs docs (1)" in body
    assert "release:" not in body
    assert "docs/internals/upstream.md" in body


def test_an_open_issue_is_rewritten(world: World) -> None:
    for version in ("release", "candidate"):
        world.report(version, "# Mattermost 11.6.0 → 11.7.0: 1 difference\n\n- added `X`\n", 1)
    world.issue("42\n")
    assert world.run().returncode == 0
    assert world.changes() == ["issue edit"]
    assert "release: " in world.body()
    assert "candidate: " in world.body()


def test_an_issue_is_closed_when_nothing_differs_any_more(world: World) -> None:
    world.issue("42\n")
    assert world.run().returncode == 0
    assert world.changes() == ["issue close"]


def test_a_report_that_is_too_long_for_an_issue_is_cut(world: World) -> None:
    lines = "".join(f"- added `ä{number}`\n" for number in range(20_000))
    for version in ("release", "candidate", "master"):
        world.report(version, f"# Many differences\n\n{lines}", 1)
    assert world.run().returncode == 0
    assert len(world.body()) < 65_536
    assert world.body().count("… and more: `cargo xtask drift --version ") == 3


def test_what_cannot_be_told_fails_and_touches_no_issue(world: World) -> None:
    world.report("candidate", "", 2)
    world.issue("42\n")
    done = world.run()
    assert done.returncode == 2
    assert "cannot tell what changed in Mattermost's candidate" in done.stderr
    assert not (world.folder / "calls").exists()
