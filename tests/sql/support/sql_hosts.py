"""The probe plugin in the simulator and under the miniature Mattermost, and the tests' side of it."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minimost import Minimost

#: The plugin.
PROBE = Path(__file__).parents[1] / "probe"
SDK = Path(__file__).parents[3] / "python" / "src"


class Probe:
    """The tests' side of the plugin."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "probe.sock")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        self._listener.settimeout(60)
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._count = 0
        self._link: socket.socket

    def accept(self) -> None:
        """Waits for the plugin, also after it was started again."""
        self._link, _ = self._listener.accept()
        threading.Thread(target=self._read, args=(self._link,), daemon=True).start()

    def begin(self, case: str, *, module: str = "cases", **args: Any) -> Callable[[], Any]:
        """Starts a case; what is returned waits for it."""
        self._count += 1
        number = self._count
        answers = self._answers[number] = queue.Queue()
        request = {"id": number, "module": module, "case": case, "args": args}
        self._link.sendall((json.dumps(request) + "\n").encode())

        def wait() -> Any:
            answer = answers.get(timeout=120)
            assert not answer["error"], answer["error"]
            return answer["result"]

        return wait

    def run(self, case: str, *, module: str = "cases", **args: Any) -> Any:
        """Runs a case; fails with its traceback."""
        return self.begin(case, module=module, **args)()

    def close(self) -> None:
        self._listener.close()

    def _read(self, link: socket.socket) -> None:
        for line in link.makefile("r", encoding="utf-8"):
            answer = json.loads(line)
            self._answers[answer["id"]].put(answer)


@contextmanager
def simulator(mm_host: Path, folder: Path) -> Iterator[Probe]:
    """The probe in the simulator."""
    probe = Probe(folder)
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(folder / "cache"),
        "PLUGIN_SQL_PROBE": probe.path,
        "PLUGIN_SQL_PATH": os.pathsep.join(path for path in sys.path if "site-packages" in path),
    }
    environment.pop("PYTHONPATH", None)
    host = subprocess.Popen(
        [mm_host, "dev", PROBE, "--sdk", SDK, "--python", sys.executable],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=environment,
    )
    try:
        probe.accept()
        yield probe
    finally:
        assert host.stdin is not None
        host.stdin.close()
        host.wait(30)
        probe.close()


class Server:
    """The miniature Mattermost with a database, and the probe as its plugin.

    Attributes:
        minimost: The server.
        probe: The tests' side of the plugin.
    """

    def __init__(self, minimost: Minimost, probe: Probe) -> None:
        self.minimost = minimost
        self.probe = probe

    def state(self) -> dict[str, Any]:
        """What the plugin has open at the database."""
        state: dict[str, Any] = self.minimost.do("database state")
        return state


@contextmanager
def serving(folder: Path, database: str, work: Path, connections: int = 8) -> Iterator[Server]:
    """A server whose pool has so many connections, with the probe activated."""
    probe = Probe(work)
    os.environ["PLUGIN_SQL_PROBE"] = probe.path
    os.environ["PLUGIN_SQL_PATH"] = os.pathsep.join(path for path in sys.path if "site-packages" in path)
    minimost = Minimost(Path(os.environ["MINIMOST"]), folder)
    try:
        if database:
            minimost.do("database", dsn=database, connections=connections)
        minimost.start()
        minimost.activate()
        probe.accept()
        yield Server(minimost, probe)
    finally:
        minimost.close()
        probe.close()
