"""Small scripts in processes of their own, which use the native module on the socket that they are given."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

SUPPORT = Path(__file__).parent
SOURCE = SUPPORT.parents[2] / "src"

#: What every script begins with.
PRELUDE = """
import asyncio, atexit, gc, os, signal, sys, threading, time
import echo
from mattermost_plugin import _native
path = sys.argv[1]
codec = echo.make_codec()
SAY = (echo.SERVICE + "Say", "SayRequest", "SayResponse")
PAIR = (echo.SERVICE + "Pair", "PairRequest", "PairResponse")
CHAT = (echo.SERVICE + "Chat", "SayRequest", "SayResponse")

def start(function, *args, daemon=True):
    thread = threading.Thread(target=function, args=args, daemon=daemon)
    thread.start()
    return thread

def until(condition):
    while not condition():
        time.sleep(0.001)

def serve(server, handle=lambda call: call.reply((call.args[0],))):
    while (call := server.recv()) is not None:
        handle(call)

def quietly(function, *args):
    try:
        return function(*args)
    except _native.RpcError:
        return None
"""


def script(body: str) -> list[str]:
    """Returns the command that runs a script with the names of ``PRELUDE``.

    Newer Pythons warn when a process with threads forks, which is what some of these tests are about.
    """
    return [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PRELUDE + textwrap.dedent(body)]


def environment() -> dict[str, str]:
    """Returns the environment in which the script finds the package and the test messages."""
    return {**os.environ, "PYTHONPATH": f"{SOURCE}{os.pathsep}{SUPPORT}", "PYTHONFAULTHANDLER": "1"}


def run(body: str, socket: str, timeout: float = 20) -> subprocess.CompletedProcess[str]:
    """Runs a script to its end."""
    return subprocess.run(
        [*script(body), socket], env=environment(), capture_output=True, text=True, timeout=timeout, check=False
    )


@contextlib.contextmanager
def running(body: str, socket: str) -> Iterator[subprocess.Popen[str]]:
    """Starts a script that the test talks to; it does not outlive the test."""
    process = subprocess.Popen([*script(body), socket], env=environment(), stdin=-1, stdout=-1, stderr=-1, text=True)
    with process:
        try:
            yield process
        finally:
            process.kill()
