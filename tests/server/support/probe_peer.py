"""The test's side of the probe: what its hooks were given, what they return, and calls of the API through it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from minimost import Minimost, running

PATIENCE = 30.0


class ProbePeer:
    """Listens for the probe.

    Args:
        socket: Path of the socket.
    """

    def __init__(self, socket: str) -> None:
        self.socket = socket
        self.pid = 0
        #: What was given to hooks, by name, the newest last.
        self.taken: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self.order: list[str] = []
        self._answers: dict[str, tuple[str, Any]] = {}
        self._listener = Listener(socket, "AF_UNIX", backlog=64)
        self._calls: Connection[Any, Any] | None = None
        self._there = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def returns(self, go: str, value: object) -> None:
        """Says what a hook returns from now on; ``None`` until something is said."""
        self._answers[go] = ("return", value)

    def computes(self, go: str, result: Callable[..., object]) -> None:
        """Says what a hook makes of its arguments from now on."""
        self._answers[go] = ("compute", result)

    def raises(self, go: str, error: BaseException) -> None:
        """Says what a hook raises from now on."""
        self._answers[go] = ("raise", error)

    def call(self, method: str, *args: object) -> Any:
        """Calls the API from the plugin.

        Args:
            method: Its name in Python.
            args: What it is given.

        Raises:
            Exception: What the call raised in the plugin.
        """
        assert self._there.wait(PATIENCE), "the probe has not come"
        assert self._calls is not None
        self._calls.send((method, args))
        assert self._calls.poll(PATIENCE), f"{method} has not returned"
        how, value = self._calls.recv()
        if how == "raise":
            raise value
        return value

    def close(self) -> None:
        """Lets the probe go."""
        if self._calls is not None:
            self._calls.close()
        # A thread that still waits would go on with whatever gets the listener's number next, once a signal has interrupted it.
        self._closing = True
        Client(self.socket).close()
        self._thread.join(PATIENCE)
        self._listener.close()

    def _listen(self) -> None:
        while True:
            connection = self._listener.accept()
            if self._closing:
                connection.close()
                return
            # Whoever is at the other end may be killed at any time.
            with suppress(EOFError, OSError):
                self._attend(connection)

    def _attend(self, connection: Connection[Any, Any]) -> None:
        go, args = connection.recv()
        if go == "obey":
            (self.pid,) = args
            self._calls = connection
            self._there.set()
            return
        self.order.append(go)
        self.taken[go].append(args)
        how, value = self._answers.get(go, ("return", None))
        connection.send(("return", value(*args)) if how == "compute" else (how, value))
        connection.close()


@contextmanager
def listening() -> Iterator[ProbePeer]:
    """A peer on a socket of its own, whose path is short enough for the system."""
    with TemporaryDirectory(prefix="mm") as folder:
        peer = ProbePeer(str(Path(folder) / "probe"))
        try:
            yield peer
        finally:
            peer.close()


@contextmanager
def probed(program: Path, folder: Path, peer: ProbePeer) -> Iterator[Minimost]:
    """A server with the probe, activated.

    Args:
        program: Which server.
        folder: The probe's bundle, unpacked.
        peer: Whom the probe turns to.
    """
    with running(program, folder) as server:
        server.do("configure", configuration={"Socket": peer.socket})
        server.start()
        server.activate()
        yield server
