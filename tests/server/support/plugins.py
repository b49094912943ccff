"""Plugins that are written where they are tested."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

#: Makes, of the source of a plugin.py, an unpacked bundle.
WithSource = Callable[[str], Path]

_HEAD = """
import os, subprocess, sys, threading, time
from mattermost_plugin import HookName, Plugin, hook, run_plugin
"""

_TAIL = """
if __name__ == "__main__":
    run_plugin(Faulty)
"""


def source(body: str = "    pass", before: str = "") -> str:
    """Returns the source of a plugin.

    Args:
        body: What is in its class.
        before: What stands above the class.
    """
    return f"{_HEAD}{before}\n\nclass Faulty(Plugin):\n{body}\n{_TAIL}"


def handler(parameters: str, body: str, go: str) -> str:
    """Returns the source of a plugin with one handler.

    Args:
        parameters: Those of the handler after self, such as ``context, post``.
        body: What it does.
        go: Name of its hook.
    """
    lines = "\n".join(f"        {line}" for line in body.strip().splitlines())
    names = ", ".join(["self", *parameters.split()])
    return source(f"    @hook(HookName.{go})\n    def check({names}):\n{lines}\n")


def posted(body: str) -> str:
    """Returns the source of a plugin whose MessageWillBePosted does this with ``post``."""
    return handler("context post", body, "MessageWillBePosted")
