"""What `tests/cases` expects of Python is alive: it imports, and mypy and pyright accept it.

The goldens are parts of a generated package. Here each case becomes a package of its own, `case_<name>`, with the few files that
hold nothing but names.
"""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = ROOT / "python/src"
CASES = sorted(
    path.parents[1] for path in (ROOT / "tests/cases").glob("*/expected/python") if path.parents[1].name != "common"
)
COMMON = ROOT / "tests/cases/common/expected/python"
GENERATED = "mattermost_plugin._generated"

INDEX = '''"""What tables are made of."""

from __future__ import annotations

from typing import Any

CodecTable = tuple[str | None, tuple[tuple[int, str, int, Any], ...]]
'''


def modules(folder: Path) -> list[str]:
    return sorted(".".join(path.relative_to(folder).with_suffix("").parts) for path in folder.rglob("*.py"))


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package for each case."""
    folder = tmp_path_factory.mktemp("packages")
    for case in CASES:
        package = folder / f"case_{case.name}"
        shutil.copytree(COMMON, package)
        shutil.copytree(case / "expected/python", package, dirs_exist_ok=True)
        (package / "index.py").write_text(INDEX)
        imports = [f"from {GENERATED}.{it} import *" for it in modules(package) if it.startswith("models.")]
        (package / "models/__init__.py").write_text("\n".join([*imports, ""]))
        for path in package.rglob("*.py"):
            path.write_text(path.read_text().replace(GENERATED, package.name))
        (package / "__init__.py").write_text("")
        if (package / "api_sync").exists():
            (package / "api_sync/__init__.py").write_text("")
    return folder


def test_there_are_cases() -> None:
    assert len(CASES) > 20


@pytest.mark.parametrize("case", CASES, ids=lambda it: it.name)
def test_a_case_imports_and_its_models_work(case: Path, packages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(packages))
    package = packages / f"case_{case.name}"
    for name in modules(package):
        if name.endswith("__init__"):
            continue
        module = importlib.import_module(f"{package.name}.{name}")
        for cls_name, _ in getattr(module, "TABLES", {}).values():
            if cls_name is not None:
                cls = getattr(module, cls_name)
                assert cls() == cls()


def run(packages: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, timeout=300, check=False, cwd=packages
    )


def test_mypy_accepts_the_cases(packages: Path) -> None:
    (packages / "mypy.ini").write_text(
        f"[mypy]\nstrict = True\npython_version = 3.10\nmypy_path = {SOURCES}:{packages}\n"
    )
    names = [argument for case in CASES for argument in ("-p", f"case_{case.name}")]
    result = run(packages, "mypy", "--config-file", "mypy.ini", "--cache-dir", ".cache", *names)
    assert re.search(r"Success: no issues found in \d\d+ source files", result.stdout), result.stdout + result.stderr


def test_pyright_accepts_the_cases(packages: Path) -> None:
    settings = {
        "include": ["case_*"],
        "extraPaths": [str(SOURCES), "."],
        "typeCheckingMode": "strict",
        "pythonVersion": "3.10",
        # As in pyproject.toml.
        "reportPrivateUsage": False,
    }
    (packages / "pyrightconfig.json").write_text(json.dumps(settings))
    result = run(packages, "pyright")
    assert result.returncode == 0, result.stdout + result.stderr


def test_ruff_finds_them_formatted(packages: Path) -> None:
    result = run(
        packages,
        "ruff",
        "format",
        "--check",
        "--isolated",
        "--config",
        "line-length = 120",
        *(str(path) for case in CASES for path in (case / "expected/python").rglob("*.py")),
    )
    assert result.returncode == 0, result.stdout + result.stderr
