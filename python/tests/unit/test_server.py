"""`run_plugin` without a host: what it says to people."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mattermost_plugin import Plugin
from mattermost_plugin.server import run_plugin

SOURCE = Path(__file__).parents[2] / "src"


def run(tmp_path: Path, program: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "plugin.py"
    file.write_text(program)
    environment = {"PYTHONPATH": str(SOURCE), "PATH": os.environ["PATH"]}
    return subprocess.run([sys.executable, str(file)], env=environment, capture_output=True, text=True, timeout=20)


def test_by_hand_it_says_how_to_run_a_plugin(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        "from mattermost_plugin import Plugin, run_plugin\nclass MyPlugin(Plugin): ...\nrun_plugin(MyPlugin)\n",
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "MyPlugin: a plugin is started by mm-host, not by hand: run `mm-host dev DIR` with the folder that holds plugin.json\n"
    )


class MyPlugin(Plugin): ...


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        (MyPlugin(), "not an instance of MyPlugin; write run_plugin(MyPlugin), without calling MyPlugin"),
        (int, "not int;"),
        (None, "not an instance of NoneType;"),
    ],
)
def test_something_else_than_a_plugin_class(argument: object, text: str) -> None:
    with pytest.raises(TypeError) as caught:
        run_plugin(argument)  # type: ignore[arg-type]
    assert "run_plugin() takes the plugin's class, a subclass of mattermost_plugin.Plugin, " in str(caught.value)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("method", "line", "text"),
    [
        (
            "@hook('OnActivated')\n    def f(self): ...",
            3,
            "@hook('OnActivated'): there is no such hook; did you mean OnActivate",
        ),
        (
            "@hook('OnActivate')\n    def f(self, x): ...",
            3,
            "P.f, the handler of OnActivate, takes 1 argument besides self (x), but the hook passes 0; write: def f(self)",
        ),
        (
            "@hook('OnActivate')\n    def f(self): ...\n    @hook('OnActivate')\n    def g(self): ...",
            2,
            "P.f and P.g both handle OnActivate",
        ),
    ],
)
def test_a_wrong_handler_is_one_message_with_the_plugins_line(
    tmp_path: Path, method: str, line: int, text: str
) -> None:
    done = run(tmp_path, f"from mattermost_plugin import Plugin, hook\nclass P(Plugin):\n    {method}\n")
    assert done.returncode == 1
    first, place, *source, message = done.stderr.splitlines()
    assert first == "Traceback (most recent call last):"
    assert re.fullmatch(rf'  File ".*\.py", line {line}, in (P|<module>)', place)
    assert not [it for it in source if "File " in it]
    assert message.startswith(f"mattermost_plugin.errors.HookDefinitionError: {text}")


def test_an_old_python_is_told_so() -> None:
    program = "import sys; sys.version_info = (3, 9, 1); import mattermost_plugin"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, timeout=20
    )
    assert done.stderr.splitlines()[-1].startswith(
        "ImportError: mattermost_plugin needs Python 3.10 or newer, this is 3.9; give the plugin a newer interpreter"
    )
