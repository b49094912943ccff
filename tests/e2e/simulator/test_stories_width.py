"""No method of the API and no hook is without a test in the simulator."""

from __future__ import annotations

import ast
from pathlib import Path

from mattermost_plugin._generated.codec_api import METHODS
from mattermost_plugin._generated.hooks import HOOKS

HERE = Path(__file__).parent
#: Hooks whose arguments are streams have their tests in these files.
STREAMS = {"ServeHTTP": "test_http.py", "ServeMetrics": "test_http.py", "FileWillBeUploaded": "test_http.py"}


def calls() -> set[str]:
    """The methods that the stories call: every ``api.NAME(``."""
    found: set[str] = set()
    for path in HERE.glob("test_stories_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                of = node.func.value
                if isinstance(of, ast.Name) and of.id == "api":
                    found.add(node.func.attr)
    return found


def test_every_method_is_called() -> None:
    assert calls() == set(METHODS)


def test_every_hook_is_seen() -> None:
    texts = "".join(
        path.read_text(encoding="utf-8") for path in HERE.glob("test_stories_*.py") if path != Path(__file__)
    )
    names = {spec.go for spec in HOOKS.values()}
    assert {go for go in names if f'"{go}"' not in texts} == set(STREAMS)
    for go, file in STREAMS.items():
        assert f"HookName.{go}" in (HERE.parent / file).read_text(encoding="utf-8") or go == "ServeHTTP"
