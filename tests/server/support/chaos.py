"""Disturbs a plugin under a server, by a schedule that its seed determines, and looks at what must hold all the same.

By hand, for any length: ``cargo xtask chaos --minutes 30 --seed 7``. What must hold:

* No call waits longer than its deadline allows, whatever died or stood still meanwhile.
* A reply is that of its call, and what it says was done has reached the server.
* When the disturbance is over, the next calls do what they should.
* In the end there is no process, no temporary file, no descriptor and no memory more than at the beginning.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from fair_clock import CLOCK
from minimost import Minimost, Refused
from processes import alive, children, left_after
from web_client import Web

#: Seconds that a hook which holds up a post may take, by the host's deadlines.
DEADLINE = 5.0
#: Seconds more for whatever stands still for a while, and for a slow machine.
GRACE = 10.0
#: Seconds after a disturbance until calls must do what they should again.
RECOVERY = 45.0
#: Bytes by which the host's memory may be larger in the end; what it keeps of buffers is below.
MEMORY = 24 << 20


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Attributes:
        kind: Name of a method of `Run`.
        numbers: What else there is to know.
        pause: Seconds to wait afterwards.
    """

    kind: str
    numbers: dict[str, float]
    pause: float


def schedule(seed: int) -> Iterator[Step]:
    """Makes the schedule of a seed, which has no end."""
    luck = random.Random(seed)  # noqa: S311 - it is to be repeated
    while True:
        kind = luck.choice(_KINDS)
        numbers = {
            "calls": luck.randint(1, 12),
            "sleep": luck.choice([0, 0, 0.05, 0.3, 1.0]),
            "big": luck.choice([0, 0, 1000, 100_000, 2_000_000]),
            "still": luck.uniform(0.1, 2.0),
            "cut": luck.randint(0, 300_000),
        }
        yield Step(kind, numbers, luck.uniform(0, 0.4))


@dataclass
class Made:
    """A call that was made.

    Attributes:
        number: Its number.
        took: Seconds until its reply.
        message: The message that came back; "" when the call failed.
    """

    number: int
    took: float
    message: str


@dataclass
class Run:
    """A server under disturbance.

    Attributes:
        server: The server; its plugin is that of `tests/server/chaos`.
        say: Where the steps are told.
        pids: Every process of the plugin that was seen.
        counts: How often each thing happened.
    """

    server: Minimost
    say: Callable[[str], None]
    pids: set[int] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    _number: int = 0
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(64))
    _calls: list[Future[Made]] = field(default_factory=list)
    _web: Web | None = None
    _kept: Counter[str] = field(default_factory=Counter)

    # The life of the plugin, as a server sees to it.

    def begin(self) -> None:
        """Starts the plugin and activates it."""
        self.server.start()
        self.server.activate()
        self._web = Web(self.server.do("listen", hook={"name": "ServeHTTP"}))
        self._see()

    def settle(self) -> None:
        """Waits until calls do what they should; starts the plugin again when it has ended, as a server does."""
        deadline = CLOCK.now + RECOVERY
        good = 0
        while good < 3:
            assert CLOCK.now < deadline, f"calls do not succeed {RECOVERY} s after the last disturbance"
            try:
                if self.server.do("exited"):
                    self.server.stop()
                    self.begin()
                    self._count("starts by the server")
                made = self._call({}).result()
            except Refused:
                # It died between two of these. What was on its way to it may be the death of the next one, too.
                with suppress(Refused):
                    self.server.stop()
                with suppress(Refused):
                    self.begin()
                continue
            good = good + 1 if made.message.startswith("done ") else 0
            if not good:
                time.sleep(0.1)
        self._see()

    def end(self) -> None:
        """Waits for all calls and judges them."""
        for future in self._calls:
            self._judge(future)
        self._calls.clear()
        self._note_kept()
        twice = [key for key, known in self._kept.items() if known > 1]
        assert twice == [], f"done more than once: {twice}"

    def _note_kept(self) -> None:
        # The values are large and runs may be long: the keys are enough.
        self._kept.update(str(it.args[0]) for it in self.server.take_calls("KVSet"))

    # Steps.

    def burst(self, numbers: dict[str, float]) -> None:
        """Many calls at once."""
        for _ in range(int(numbers["calls"])):
            self._later({"sleep": numbers["sleep"], "big": int(numbers["big"])})

    def fail(self, numbers: dict[str, float]) -> None:
        """A handler that raises, among others."""
        self._later({"raise": True})
        self.burst(numbers)

    def late(self, numbers: dict[str, float]) -> None:
        """A handler that takes longer than it may."""
        self._later({"sleep": DEADLINE + numbers["still"]})

    def die(self, numbers: dict[str, float]) -> None:
        """The process ends in a handler, while others run."""
        self.burst(numbers)
        self._later({"die": True})

    def kill(self, numbers: dict[str, float]) -> None:
        """SIGKILL for the process, while calls run."""
        self.burst(numbers)
        self._signal(self._pythons(), signal.SIGKILL)

    def kill_host(self, numbers: dict[str, float]) -> None:
        """SIGKILL for the host, while calls run."""
        self.burst(numbers)
        self._signal([self.server.pid], signal.SIGKILL)

    def freeze(self, numbers: dict[str, float]) -> None:
        """The process stands still for a while."""
        self._still(self._pythons(), numbers)

    def freeze_host(self, numbers: dict[str, float]) -> None:
        """The host stands still for a while."""
        self._still([self.server.pid], numbers)

    def restart(self, numbers: dict[str, float]) -> None:
        """The plugin is disabled and enabled, while calls run."""
        self.burst(numbers)
        with suppress(Refused):
            self.server.stop()
        with suppress(Refused):
            self.begin()

    def cut(self, numbers: dict[str, float]) -> None:
        """A client goes in the middle of its request."""
        assert self._web is not None
        length = int(numbers["cut"]) + 1000
        head = f"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n".encode()
        with suppress(OSError), self._web.connect(head + b"z" * int(numbers["cut"])):
            pass

    def web(self, numbers: dict[str, float]) -> None:
        """A request of HTTP with a body, both ways."""
        assert self._web is not None
        body = b"w" * int(numbers["cut"])
        # The process may be gone in the middle of its answer: what was to kill it may have waited for its turn.
        with suppress(OSError, http.client.HTTPException):
            answer = self._web.ask("POST", "/echo", body)
            assert answer.status != 200 or answer.body == body, "somebody else's body"

    # Inside.

    def do(self, step: Step) -> None:
        """Does a step."""
        self._count(step.kind)
        getattr(self, step.kind)(step.numbers)
        time.sleep(step.pause)
        # What is over needs not be kept.
        for future in [it for it in self._calls if it.done()]:
            self._calls.remove(future)
            self._judge(future)

    def _call(self, told: dict[str, object]) -> Future[Made]:
        self._number += 1
        return self._pool.submit(self._make, self._number, told)

    def _later(self, told: dict[str, object]) -> None:
        self._calls.append(self._call(told))

    def _make(self, number: int, told: dict[str, object]) -> Made:
        begin = CLOCK.now
        message = json.dumps({"n": number, **told})
        try:
            reply = self.server.hook("MessageWillBePosted", {}, {"Id": "p", "Message": message})
            post = reply.results[0] if reply.results and not reply.failure else None
        except Refused:
            post = None
        text = str(post["Message"]) if post else ""
        return Made(number, CLOCK.now - begin, text)

    def _judge(self, future: Future[Made]) -> None:
        made = future.result()
        assert made.took < DEADLINE + GRACE, f"call {made.number} took {made.took:.1f} s"
        if made.message.startswith("done "):
            said = made.message.removeprefix("done ").rstrip("y")
            assert said == str(made.number), f"call {made.number} got the reply of {said}"
            key = f"done-{said}"
            self._note_kept()
            known = self._kept[key]
            assert known == 1, f"{key} was acknowledged and reached the server {known} times"
            self._count("replies")
        else:
            self._count("passed over")

    def _pythons(self) -> list[int]:
        found = []
        for pid in children(self.server.pid) if alive(self.server.pid) else []:
            with suppress(OSError):
                if b"plugin.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(pid)
        return found

    def _see(self) -> None:
        self.pids |= {self.server.pid, *children(self.server.pid)}

    def _signal(self, pids: list[int], number: int) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _still(self, pids: list[int], numbers: dict[str, float]) -> None:
        self._signal(pids, signal.SIGSTOP)
        try:
            self.burst(numbers)
            time.sleep(numbers["still"])
        finally:
            self._signal(pids, signal.SIGCONT)

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


#: Calls and disturbances, by how often they come.
_KINDS = (
    *["burst"] * 6,
    *["web"] * 3,
    *["fail", "late", "die", "kill", "freeze", "freeze_host", "cut", "cut"],
    *["restart", "kill_host"],
)
#: Steps after which the plugin must come to itself before the next.
_GRAVE = {"die", "kill", "kill_host", "freeze_host", "restart"}


@dataclass(frozen=True)
class Footprint:
    """What a host has.

    Attributes:
        descriptors: Open ones.
        memory: Resident bytes.
    """

    descriptors: int
    memory: int

    @staticmethod
    def of(pid: int) -> Footprint:
        """Looks at a process."""
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return Footprint(len(list(Path(f"/proc/{pid}/fd").iterdir())), pages * os.sysconf("SC_PAGE_SIZE"))


def disturb(
    program: Path, plugin: Path, seed: int, seconds: float, say: Callable[[str], None] = print
) -> dict[str, int]:
    """Runs the schedule of a seed for so long.

    Args:
        program: `minimost`.
        plugin: An unpacked bundle with the plugin of `tests/server/chaos`.
        seed: Determines the schedule.
        seconds: How long steps are begun.
        say: Where the steps are told.

    Returns:
        How often each thing happened.

    Raises:
        AssertionError: Something does not hold; the steps told so far and the seed show the way to it.
    """
    say(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        before = os.environ.get("TMPDIR")
        os.environ["TMPDIR"] = temporary
        try:
            server = Minimost(program, plugin)
        finally:
            os.environ.pop("TMPDIR")
            if before is not None:
                os.environ["TMPDIR"] = before
        run = Run(server, say)
        try:
            _run(run, seed, seconds)
            server.stop()
            left = left_after(sorted(run.pids), 3)
            assert left == [], f"processes are left: {left}"
            files = sorted(str(it) for it in Path(temporary).rglob("*"))
            assert files == [], f"temporary files are left: {files}"
        finally:
            server.close()
    say(", ".join(f"{count} {what}" for what, count in sorted(run.counts.items())))
    return run.counts


def _run(run: Run, seed: int, seconds: float) -> None:
    run.begin()
    run.settle()
    # Buffers are as large as they get by these.
    for _ in range(4):
        run.burst({"calls": 12, "sleep": 0, "big": 2_000_000})
        run.end()
    run.settle()
    first = Footprint.of(run.server.pid)
    deadline = CLOCK.now + seconds
    for number, step in enumerate(schedule(seed)):
        if CLOCK.now >= deadline:
            break
        run.say(f"{number}: {step.kind} {step.numbers}")
        run.do(step)
        if step.kind in _GRAVE:
            run.settle()
    run.end()
    run.settle()
    _back_to(first, run)


def _back_to(first: Footprint, run: Run) -> None:
    """Waits until the host has no more than in the beginning: what calls held is given back as they end."""
    deadline = CLOCK.now + RECOVERY
    while True:
        last = Footprint.of(run.server.pid)
        # What the kernel has not closed yet, and a connection that is being kept for the next request.
        if last.descriptors <= first.descriptors + 8 and last.memory <= first.memory + MEMORY:
            return
        assert CLOCK.now < deadline, f"the host had {first} and has {last}"
        time.sleep(0.5)
