"""`minimost` as an object: a Mattermost of Go's own parts, with one plugin. See tests/interop-go/README.md."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fair_clock import CLOCK

#: Seconds after which a command that has no answer is a failure.
PATIENCE = 60.0


class Refused(Exception):
    """The server could not do what it was told; the text is its own."""


@dataclass(frozen=True)
class Call:
    """A call of the API that the plugin made.

    Attributes:
        method: Its name in Go.
        args: The arguments as JSON, with Go's names.
        wrong: Where they differ from those that were expected, without reason.
        lost: Where they differ in what gob cannot carry.
    """

    method: str
    args: list[Any]
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Record:
    """A record in the server's log.

    Attributes:
        level: debug, info, warn or error.
        message: Its text.
        source: ``server`` for what go-plugin says itself, ``stderr`` for the process, ``plugin_stdout`` and ``plugin_stderr``, or
            ``api`` for what was logged by a call of the API.
        fields: The key-values given with it.
    """

    level: str
    message: str
    source: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What came of calling a hook.

    Attributes:
        id: Names this call in `Minimost.compare`.
        results: As JSON, with Go's names.
        failure: Why the call itself failed; "" when it did not.
    """

    id: int
    results: list[Any]
    failure: str


class Minimost:
    """A running server.

    Args:
        program: The executable.
        bundle: What it runs: a bundle, or an unpacked one.
        folder: Where it unpacks the bundle.
    """

    def __init__(self, program: Path, bundle: Path, folder: Path | None = None) -> None:
        options = [] if folder is None else ["-folder", str(folder)]
        self.process = subprocess.Popen(
            [program, *options, bundle], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self.pid = 0
        self._changed = threading.Condition()
        self._replies: dict[int, dict[str, Any]] = {}
        self._calls: list[Call] = []
        self._records: list[Record] = []
        self._ended = False
        self._count = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    # Commands.

    def do(self, command: str, *, patience: float = PATIENCE, **fields: Any) -> Any:
        """Has a command done; returns its result.

        Raises:
            Refused: It was not done.
            TimeoutError: There was no answer.
        """
        with self._changed:
            self._count += 1
            number = self._count
        return self._finish(self._send(number, command, fields), patience)

    def start(self) -> dict[str, Any]:
        """Starts the plugin's process, up to the list of its hooks."""
        started: dict[str, Any] = self.do("start")
        self.pid = int(started["pid"])
        return started

    def activate(self) -> None:
        """Calls OnActivate."""
        self.do("activate")

    def hook(self, name: str, *args: Any, **fields: Any) -> Reply:
        """Calls a hook.

        Args:
            name: Its name in Go.
            args: The arguments as JSON with Go's names; without, `fields` say what they are filled with.
            fields: More of minimost's ``hook``.
        """
        return self.finish(self.begin_hook(name, *args, **fields))

    def answer(self, method: str, *results: Any, **fields: Any) -> None:
        """Says what a method of the API returns from now on; ``*`` is all that have no answer of their own."""
        self.do("answer", method=method, answer={"results": list(results), **fields})

    def filled(self, method: str, seed: int, mode: str, *, errors: str = "", crossed: bool = False) -> list[Any]:
        """What the filler makes, with all types.

        Args:
            method: A hook or a method of the API.
            seed: Its seed.
            mode: ``full`` or ``zeros``.
            errors: "" for arguments; for results, which of them are filled: ``none``, ``only`` or ``all``.
            crossed: Whether they have been through gob.
        """
        place = {"method": method, "fill": seed, "mode": mode}
        if errors:
            place |= {"result": 0, "errors": errors}
        values: list[Any] = self.do("typed", place=place, crossed=crossed)
        return values

    def delivered(self, method: str, seed: int, mode: str, of: list[str], *, errors: str = "") -> list[Any]:
        """What the filler makes, as a plugin gets it: after gob. In a Config nothing is nil on a server, so there its zeros are known.

        Args:
            method: A hook or a method of the API.
            seed: Its seed.
            mode: ``full`` or ``zeros``.
            of: The types of the values in Go.
            errors: As for `filled`.
        """
        crossed = self.filled(method, seed, mode, errors=errors, crossed=True)
        whole = self.filled(method, seed, mode, errors=errors)
        values = zip(crossed, whole, of, strict=True)
        return [sent if go == "*model.Config" else got for got, sent, go in values]

    def compare(self, sent: Mapping[str, Any], got: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """Compares the values at two places in Go: what is wrong, and what gob lost."""
        comparison = self.do("compare", sent=sent, got=got)
        return _told(comparison["wrong"]), _told(comparison["lost"])

    def stop(self, *, patience: float = PATIENCE) -> float:
        """Ends the plugin; returns how long it took, in seconds in which the machine went on."""
        begin = CLOCK.now
        self.do("stop", patience=patience)
        return CLOCK.now - begin

    def begin_hook(self, name: str, *args: Any, **fields: Any) -> int:
        """Begins to call a hook; returns the number to ask `finish` for."""
        with self._changed:
            self._count += 1
            number = self._count
        call = {"name": name, "args": list(args), **fields} if args else {"name": name, **fields}
        return self._send(number, "hook", {"hook": call})

    def answered(self, number: int) -> bool:
        """Whether there is an answer that was not asked for yet."""
        with self._changed:
            return number in self._replies

    def finish(self, number: int) -> Reply:
        """Waits for the end of a hook that was begun."""
        result = self._finish(number, PATIENCE)
        return Reply(number, result["results"], result.get("failure", ""))

    def close(self) -> None:
        """Ends everything."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
            self._reader.join()

    # What happened.

    def calls(self, method: str) -> list[Call]:
        """All calls of a method of the API so far."""
        with self._changed:
            return [it for it in self._calls if it.method == method]

    def take_calls(self, method: str) -> list[Call]:
        """All calls of a method of the API so far, which are forgotten."""
        with self._changed:
            taken = [it for it in self._calls if it.method == method]
            self._calls = [it for it in self._calls if it.method != method]
            return taken

    def next_call(self, method: str, before: int) -> Call:
        """Waits for a call of a method of which there were so many before."""
        return self._await(lambda: next(iter(self.calls(method)[before:]), None), f"a call of {method}")

    def records(self) -> list[Record]:
        """The log so far."""
        with self._changed:
            return list(self._records)

    def troubles(self, *levels: str, ended: bool = False) -> list[Record]:
        """The records of these levels so far.

        Args:
            levels: Which are wanted.
            ended: Without what go-plugin and the host say themselves: after the end, that is what a machine was too slow for.
        """
        themselves = {"server", "mm-host"} if ended else set()
        records = [it for it in self.records() if it.level in levels]
        return [it for it in records if not {it.source, it.fields.get("source")} & themselves]

    def record(self, part: str, *, patience: float = PATIENCE) -> Record:
        """Waits for a record whose message has this text in it."""

        def find() -> Record | None:
            return next((it for it in self.records() if part in it.message), None)

        return self._await(find, f"a record with {part!r}", patience)

    # Inside.

    def _await(self, find: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
        with self._changed:
            if self._changed.wait_for(lambda: find() is not None or self._ended, patience) and find() is not None:
                return find()
        log = "\n".join(map(str, self.records()))
        raise AssertionError(f"no sign of {what} within {patience} s; the log:\n{log}")

    def _send(self, number: int, command: str, fields: dict[str, Any]) -> int:
        assert self.process.stdin is not None
        with self._changed:
            self.process.stdin.write(json.dumps({"id": number, "command": command, **fields}) + "\n")
            self.process.stdin.flush()
        return number

    def _finish(self, number: int, patience: float) -> Any:
        with self._changed:
            if not self._changed.wait_for(lambda: number in self._replies or self._ended, patience):
                raise TimeoutError(f"the server has not answered within {patience} s")
            if number not in self._replies:
                raise Refused("the server has ended")
            reply = self._replies.pop(number)
        if not reply["ok"]:
            raise Refused(reply.get("error", ""))
        return reply.get("result")

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told = json.loads(line)
            with self._changed:
                self._take(told)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _take(self, told: dict[str, Any]) -> None:
        event = told.get("event")
        if event == "log":
            self._records.append(Record(told["level"], told["message"], told["source"], told.get("fields", {})))
        elif event == "api":
            comparison = told.get("comparison") or {"wrong": [], "lost": []}
            call = Call(told["method"], told["args"], _told(comparison["wrong"]), _told(comparison["lost"]))
            self._calls.append(call)
            if call.method in LEVELS:
                self._records.append(_logged(call))
        else:
            self._replies[told["id"]] = told


#: Methods of the API that log, by the level at which they do.
LEVELS = {"LogDebug": "debug", "LogInfo": "info", "LogWarn": "warn", "LogError": "error"}


def _logged(call: Call) -> Record:
    """The record that the server makes of a call that logs."""
    message, pairs = call.args
    fields = dict(zip(pairs[::2], pairs[1::2], strict=True)) if pairs else {}
    return Record(LEVELS[call.method], message, "api", {str(key): str(value) for key, value in fields.items()})


#: A map of Go that was empty and is nil, or the other way round; both look alike.
_MAP = re.compile(r": sent (?P<type>\S.*) map\[\], got (?P=type) map\[\]$")


def but_maps(wrong: list[str], mode: str) -> list[str]:
    """Passes over empty maps that have become nil, among zeros: a dict of Python is never nil, so it cannot say which of both it is."""
    return [it for it in wrong if mode == "full" or not _MAP.search(it)]


def _told(differences: list[dict[str, str]]) -> list[str]:
    return [f"{it['path']}: sent {it['sent']}, got {it['got']}" for it in differences]


@contextmanager
def running(program: Path, bundle: Path, folder: Path | None = None) -> Iterator[Minimost]:
    """A server, ended at the end."""
    server = Minimost(program, bundle, folder)
    try:
        yield server
    finally:
        server.close()
