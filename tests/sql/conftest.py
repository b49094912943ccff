"""SQL of a plugin, on the simulator's database and on a real PostgreSQL behind the miniature Mattermost.

The cases are functions in `probe`, which run in the process of a plugin. Without PostgreSQL, or without `minimost` (no Go on this
machine), those that need it are not collected; for want of PostgreSQL that is an error in CI.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "server" / "support"))
sys.path.insert(0, str(Path(__file__).parent / "probe"))

import postgres
from sql_hosts import PROBE, SDK, Probe, Server, serving, simulator

#: The part of the tests with a server is run by `cargo xtask test --only go`, which builds it.
HAS_SERVER = "MINIMOST" in os.environ
HAS_DATABASE = postgres.programs() is not None

collect_ignore = [] if HAS_SERVER and HAS_DATABASE else ["test_sql_server.py", "test_sqlalchemy_server.py"]


def pytest_report_header() -> str:
    if not HAS_SERVER:
        return "tests/sql: in the simulator only; those with a server are run where minimost is"
    if HAS_DATABASE:
        return "tests/sql: in the simulator and on PostgreSQL"
    text = "tests/sql: in the simulator only, since there is no PostgreSQL (Debian's package postgresql)"
    if "CI" in os.environ:
        pytest.exit(f"{text}; in CI all of it must run", returncode=1)
    return text


@pytest.fixture(scope="session")
def simulated(mm_host: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """The probe in the simulator."""
    with simulator(mm_host, tmp_path_factory.mktemp("simulator")) as probe:
        yield probe


@pytest.fixture(scope="session")
def database() -> Iterator[str]:
    """A PostgreSQL: where it is."""
    with postgres.running() as dsn:
        yield dsn


@pytest.fixture(scope="session")
def probe_folder(mm_host: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The probe's bundle, unpacked."""
    folder = tmp_path_factory.mktemp("bundle")
    options = ["--sdk", SDK, "--build-python", sys.executable, "--output", folder]
    done = subprocess.run(
        [mm_host, "bundle", PROBE, *options], capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("*.tar.gz")
    shutil.unpack_archive(file, folder, filter="tar")
    (unpacked,) = (path for path in folder.iterdir() if path.is_dir())
    return unpacked


@pytest.fixture(scope="session")
def server(probe_folder: Path, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the probe, for all tests that do it no harm."""
    with serving(probe_folder, database, tmp_path_factory.mktemp("server")) as server:
        yield server
