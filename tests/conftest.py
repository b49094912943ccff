"""What the end-to-end and documentation tests share: the host that `cargo xtask test` built, and a way to play a script."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SDK = ROOT / "python" / "src"


def no_host() -> str:
    """What `mm-host bundle --host` puts into a bundle of this platform where the executable is not what a test is about: it is large."""
    here = "linux-arm64" if os.uname().machine == "aarch64" else "linux-amd64"
    return f"{here}={Path('/bin/true').resolve()}"


@dataclass(frozen=True)
class Played:
    """What a script left behind."""

    exit_code: int
    transcript: str
    """Standard output: what the people in the chat saw."""
    log: str
    """Standard error: the plugin's log and the host's own words."""


Play = Callable[..., Played]


@pytest.fixture(scope="session")
def mm_host() -> Path:
    """The `mm-host` executable."""
    path = Path(os.environ.get("MM_HOST", ROOT / "target" / "debug" / "mm-host"))
    if not path.exists():
        pytest.fail(f"{path} is missing: run the tests with `cargo xtask test`, which builds it")
    return path


@pytest.fixture
def play(mm_host: Path, tmp_path: Path) -> Play:
    """Runs a plugin in the simulator, with a script (its lines as one text), and returns what happened."""

    def run(plugin: Path, script: str, *options: str, timeout: float = 60) -> Played:
        file = tmp_path / "script.txt"
        file.write_text(script, encoding="utf-8")
        environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "NO_COLOR": "1"}
        environment.pop("PYTHONPATH", None)
        done = subprocess.run(
            [mm_host, "dev", plugin, "--sdk", SDK, "--python", sys.executable, "--script", file, *options],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            env=environment,
            check=False,
        )
        return Played(done.returncode, done.stdout, done.stderr)

    return run
