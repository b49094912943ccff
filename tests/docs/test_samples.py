"""Every code sample of the documentation is run.

- A ```python block is a whole module: it is imported, and `mypy --strict` accepts it.
- A ```python block titled `plugin.py` is also a plugin. With a ```text block titled `session` after it, that session
  is played in the simulator, under the ```json block titled `plugin.json` before it or a manifest of the test's own.
- A ```json block parses, and so does a ```yaml block.
- A ```promql block asks for metrics that the host has.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, SDK, Play

PAGES = sorted([*(ROOT / "docs" / "guide").glob("*.md"), ROOT / "README.md", ROOT / "python" / "README.md"])
FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MANIFEST = json.dumps(
    {
        "id": "org.example.sample",
        "name": "Sample",
        "version": "0.1.0",
        "server": {"executable": "plugin.py", "runtime": "python", "python_version": ">=3.10"},
    }
)


@dataclass(frozen=True)
class Sample:
    page: Path
    line: int
    language: str
    title: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page.stem}-{self.line}"


def samples() -> list[Sample]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Sample(page, line, match[1], match[2] or "", match[3]))
    return found


ALL = samples()
PYTHON = [sample for sample in ALL if sample.language == "python"]
SESSIONS = [(index, sample) for index, sample in enumerate(ALL) if sample.title == "session"]


def test_the_documentation_has_samples() -> None:
    assert len(PYTHON) >= 5
    assert SESSIONS


def test_only_known_kinds_of_blocks() -> None:
    known = {"python", "json", "yaml", "promql", "text", "sh", "toml", "ini"}
    assert {sample.language for sample in ALL} <= known


@pytest.mark.parametrize("sample", [sample for sample in ALL if sample.language == "json"], ids=lambda s: s.name)
def test_json_parses(sample: Sample) -> None:
    json.loads(sample.text)


@pytest.mark.parametrize("sample", [sample for sample in ALL if sample.language == "yaml"], ids=lambda s: s.name)
def test_yaml_parses(sample: Sample) -> None:
    assert isinstance(yaml.safe_load(sample.text), dict | list)


@pytest.mark.parametrize("sample", [sample for sample in ALL if sample.language == "promql"], ids=lambda s: s.name)
def test_promql_names_metrics_that_there_are(sample: Sample) -> None:
    told = set(re.findall(r"^\| (`.*) \| (?:gauge|counter|histogram) \|", sample.page.read_text("utf-8"), re.MULTILINE))
    metrics = {name for row in told for name in re.findall(r"mm_host_\w+", row)}
    for line in sample.text.splitlines():
        names = re.findall(r"mm_host_\w+", line)
        assert names, line
        assert set(names) <= metrics, line
        assert all(line.count(opening) == line.count(closing) for opening, closing in ("()", "[]", "{}")), line


@pytest.mark.parametrize("sample", PYTHON, ids=lambda sample: sample.name)
def test_python_imports(sample: Sample, tmp_path: Path) -> None:
    file = tmp_path / f"{sample.name.replace('-', '_')}.py"
    file.write_text(sample.text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", f"import {file.stem}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SDK)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{sample.page.name}:{sample.line}\n{done.stderr}"


def test_python_type_checks(tmp_path: Path) -> None:
    for sample in PYTHON:
        (tmp_path / f"{sample.name.replace('-', '_')}.py").write_text(sample.text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-version", "3.10", "."],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(SDK)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("index", "session"), SESSIONS, ids=[sample.name for _, sample in SESSIONS])
def test_session_plays(index: int, session: Sample, tmp_path: Path, play: Play) -> None:
    before = [sample for sample in ALL[:index] if sample.page == session.page]
    plugin = next(sample for sample in reversed(before) if sample.title == "plugin.py")
    manifest = next((sample.text for sample in reversed(before) if sample.title == "plugin.json"), MANIFEST)
    folder = tmp_path / "plugin"
    folder.mkdir()
    (folder / "plugin.py").write_text(plugin.text, encoding="utf-8")
    (folder / "plugin.json").write_text(manifest, encoding="utf-8")

    played = play(folder, session.text)

    assert played.exit_code == 0, f"{played.transcript}\n--- log\n{played.log}"
