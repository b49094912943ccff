"""Programs of plugins for the tests, and what their answers are called."""

from __future__ import annotations

from typing import Any

HEAD = """
    import logging, threading, time, asyncio, os, sys
    from mattermost_plugin import *
    from mattermost_plugin.models import *
    from mattermost_plugin.server import run_plugin
"""

TAIL = """
    run_plugin(MyPlugin)
"""


def program(body: str, head: str = "") -> str:
    lines = "".join(f"    {line}\n" if line else "\n" for line in body.strip("\n").splitlines())
    return f"{HEAD}\n{head}\n{lines}\n{TAIL}"


def field_of(host: Any, method: str) -> str:
    """Returns the name of the one field of a response."""
    name: str = host.protocol.message(f"{method}Response").DESCRIPTOR.fields[0].name
    return name
