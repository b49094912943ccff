"""Plugins as bundles under the miniature Mattermost: `mm-host bundle` makes them, Go's own go-plugin, net/rpc and gob run them.

`cargo xtask test --only go` builds what is needed. Without `minimost` (no Go on this machine) nothing here is collected.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))
sys.path.insert(0, str(Path(__file__).parents[2] / "python" / "tests" / "full_width" / "support"))

from minimost import Minimost, running
from plugins import WithSource
from probe_peer import ProbePeer, listening, probed

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

collect_ignore_glob = [] if "MINIMOST" in os.environ else ["test_*.py"]


@pytest.fixture(scope="session")
def surface() -> dict[str, Any]:
    """What upstream's Go source declares."""
    described: dict[str, Any] = json.loads((ROOT / "surface" / "surface.json").read_text())
    return described


@pytest.fixture(scope="session")
def minimost() -> Path:
    """The program `minimost`."""
    return Path(os.environ["MINIMOST"])


@pytest.fixture(scope="session")
def older_minimost() -> Path:
    """The program as a server of 9.8."""
    return Path(os.environ["MINIMOST_9_8"])


@pytest.fixture(scope="session")
def bundled(mm_host: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Makes the bundle of a plugin's folder, as its author does."""

    def bundle(plugin: Path) -> Path:
        folder = tmp_path_factory.mktemp("bundle")
        options = ["--sdk", ROOT / "python" / "src", "--build-python", sys.executable, "--output", folder]
        done = subprocess.run(
            [mm_host, "bundle", plugin, *options], capture_output=True, text=True, timeout=900, check=False
        )
        assert done.returncode == 0, done.stderr
        (file,) = folder.glob("*.tar.gz")
        return file

    return bundle


@pytest.fixture(scope="session")
def probe_bundle(bundled: Callable[[Path], Path]) -> Path:
    """The bundle of the probe."""
    return bundled(HERE / "probe")


@pytest.fixture(scope="session")
def probe_folder(minimost: Path, probe_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The probe's bundle as the server unpacks it."""
    folder = tmp_path_factory.mktemp("probe")
    with running(minimost, probe_bundle, folder):
        pass
    (unpacked,) = folder.iterdir()
    return unpacked


@pytest.fixture(scope="session")
def streams_folder(probe_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unpacked bundle with the plugin that streams."""
    folder = tmp_path_factory.mktemp("streams") / "plugin"
    shutil.copytree(probe_folder, folder, copy_function=os.link)
    (folder / "plugin.py").unlink()
    shutil.copy(HERE / "streams" / "plugin.py", folder / "plugin.py")
    return folder


@pytest.fixture(scope="module")
def peer() -> Iterator[ProbePeer]:
    """The test's side of the probe."""
    with listening() as peer:
        yield peer


@pytest.fixture(scope="module")
def server(minimost: Path, probe_folder: Path, peer: ProbePeer) -> Iterator[Minimost]:
    """A server with the probe, activated."""
    with probed(minimost, probe_folder, peer) as server:
        yield server


@pytest.fixture
def plugin_of(probe_folder: Path, tmp_path: Path) -> WithSource:
    """An unpacked bundle like the probe's, with another plugin in it: what does not change is the same file."""

    def make(source: str) -> Path:
        folder = tmp_path / "plugin"
        shutil.copytree(probe_folder, folder, copy_function=os.link)
        (folder / "plugin.py").unlink()
        (folder / "plugin.py").write_text(source, encoding="utf-8")
        return folder

    return make
