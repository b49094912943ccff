"""The probe of tests/server in the simulator: every hook goes to the test, and the test calls the API through the plugin."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import ROOT, SDK

from mattermost_plugin.models import Channel, Team, User

sys.path.insert(0, str(ROOT / "tests" / "server" / "support"))

from probe_peer import ProbePeer

PROBE = ROOT / "tests" / "server" / "probe"
PLUGIN_ID = "org.example.probe"
PATIENCE = 30.0


class Session:
    """A running `mm-host dev` with the probe.

    Args:
        mm_host: The executable.
    """

    def __init__(self, mm_host: Path) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="mm")
        self.peer = ProbePeer(str(Path(self._folder.name) / "probe"))
        # What hooks say that must say something.
        self.peer.returns("OnSharedChannelsPing", True)
        self.peer.returns("RunDataRetention", 0)
        environment = {**os.environ, "XDG_CACHE_HOME": str(Path(self._folder.name) / "cache"), "NO_COLOR": "1"}
        environment.pop("PYTHONPATH", None)
        command = [mm_host, "dev", PROBE, "--sdk", SDK, "--python", sys.executable, "--log-level", "debug"]
        self.process = subprocess.Popen(
            [*command, "--config", f"socket={self.peer.socket}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment,
        )
        self._said = 0
        self.lines: list[str] = []
        self.log: list[str] = []
        for stream, keep in ((self.process.stdout, self.lines), (self.process.stderr, self.log)):
            threading.Thread(target=self._read, args=(stream, keep), daemon=True).start()
        self.say(":status")

    def _read(self, stream: Any, keep: list[str]) -> None:
        # One by one: others look at the list meanwhile.
        for line in stream:
            keep.append(line.rstrip("\n"))  # noqa: PERF401

    def say(self, line: str) -> list[str]:
        """Plays a line of a script; returns what was shown of it, once the hooks that it has set off have returned."""
        known = len(self.lines)
        self._said += 1
        # A comment is shown when its turn comes.
        end = f"# {self._said}"
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n{end}\n")
        self.process.stdin.flush()
        self.until(lambda: end in self.lines[known:], f"an answer to {line}")
        return self.lines[known + 1 : self.lines.index(end, known)]

    def until(self, holds: Callable[[], Any], what: str) -> Any:
        """Waits for something; returns it."""
        deadline = time.monotonic() + PATIENCE
        while not (found := holds()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{what}; the log:\n" + "\n".join(self.log[-30:]))
            time.sleep(0.01)
        return found

    def logged(self, text: str) -> str:
        """Waits for a line of the log with this in it."""

        def look() -> str | None:
            # What is logged is shown before and after an action.
            self.say(":wait 0ms")
            return next((line for line in list(self.log) if text in line), None)

        found: str = self.until(look, f"no {text!r} in the log")
        return found

    def taken(self, go: str) -> list[tuple[Any, ...]]:
        """What a hook was given so far, after everything that was set off has happened."""
        self.say(":wait 0ms")
        return self.peer.taken[go]

    def close(self) -> None:
        """Ends the script, and the plugin with it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
            self.peer.close()
            self._folder.cleanup()


class Api:
    """The plugin's API as the test calls it: every attribute is a method."""

    def __init__(self, peer: ProbePeer) -> None:
        self._peer = peer

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args: self._peer.call(name, *args)


@dataclass(frozen=True)
class World:
    """A server and some of what is in it."""

    session: Session
    team: Team
    square: Channel
    admin: User
    anna: User
    ben: User
    carol: User
