"""What type checkers must refuse, they refuse; and they complain of nothing else.

A comment in a file of `cases`, above the line it is about, says what a checker has to say of that line::

    # assert-type-error-mypy: "incompatible type"
    # assert-type-error-pyright: "is not assignable"
    api.get_user(1)

The text is a regular expression that some error in the line matches. A line without such a comment must be accepted.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

CASES = sorted((Path(__file__).parent / "cases").glob("*.py"))
SOURCES = Path(__file__).parents[2] / "src"

Errors = dict[tuple[str, int], list[str]]


def expected(checker: str) -> dict[tuple[str, int], str]:
    """Returns what the comments ask for: (file, line) → regular expression."""
    found: dict[tuple[str, int], str] = {}
    comment = re.compile(rf'\s*# assert-type-error-{checker}: "(?P<pattern>.*)"$')
    for path in CASES:
        pending: str | None = None
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if match := comment.match(line):
                pending = match["pattern"].replace('\\"', '"')
            elif pending is not None and not line.lstrip().startswith("# assert-type-error"):
                found[path.name, number] = pending
                pending = None
    return found


def run(*command: str) -> str:
    result = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, timeout=300, check=False)
    assert result.stdout, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings of their own: the cases are read as a plugin's author would check them."""
    folder = tmp_path_factory.mktemp("settings")
    shutil.copytree(CASES[0].parent, folder / "cases")
    (folder / "mypy.ini").write_text(f"[mypy]\nstrict = True\npython_version = 3.10\nmypy_path = {SOURCES}\n")
    settings = {"include": ["cases"], "extraPaths": [str(SOURCES)], "typeCheckingMode": "standard"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    return folder


def errors_of_mypy(settings: Path) -> Errors:
    errors: Errors = defaultdict(list)
    options = [
        "--config-file",
        str(settings / "mypy.ini"),
        "--cache-dir",
        str(settings / "cache"),
        "--no-error-summary",
    ]
    for line in run("mypy", *options, *map(str, CASES)).splitlines():
        if match := re.match(r".*?(?P<file>[^/]+\.py):(?P<line>\d+): error: (?P<text>.*)", line):
            errors[match["file"], int(match["line"])].append(match["text"])
    return errors


def errors_of_pyright(settings: Path) -> Errors:
    errors: Errors = defaultdict(list)
    output = run("pyright", "--outputjson", "--project", str(settings / "pyrightconfig.json"))
    for item in json.loads(output)["generalDiagnostics"]:
        if item["severity"] == "error":
            place = Path(item["file"]).name, item["range"]["start"]["line"] + 1
            errors[place].append(item["message"])
    return errors


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_the_checker_refuses_what_is_wrong_and_nothing_else(checker: str, settings: Path) -> None:
    found = errors_of_mypy(settings) if checker == "mypy" else errors_of_pyright(settings)
    wanted = expected(checker)
    assert len(wanted) > 20
    missing = [
        f"{file}:{line}: expected an error like {pattern!r}, got {found.get((file, line), [])}"
        for (file, line), pattern in wanted.items()
        if not any(re.search(pattern, text) for text in found.get((file, line), []))
    ]
    others = {place: texts for place, texts in found.items() if place not in wanted}
    surplus = [f"{file}:{line}: {text}" for (file, line), texts in others.items() for text in texts]
    assert not missing, "\n".join(missing)
    assert not surplus, "\n".join(surplus)
