"""A Python that dies while it is told of an event, and code that changes under load.

The event is told again where its handler allows that, else dropped, and counted in either case; a change of code loses no call.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

from minimost import Minimost, running
from plugins import WithSource, posted, source
from processes import plugin_process
from scraped import asked, parsed
from web_client import wait_until

HOOK = "UserHasBeenCreated"


def mortal(options: str) -> str:
    """A plugin whose handler tells of each attempt; it dies in the first one for Anna, in every one for Ben."""
    return source(f"""
    @hook(HookName.{HOOK}{options})
    def created(self, context, user):
        self.api.kv_set(f"{{user.username}} tried", str(os.getpid()).encode())
        if user.username == "ben" or (user.username == "anna" and not os.path.exists("died")):
            open("died", "w").close()
            os.kill(os.getpid(), 9)
        self.api.kv_set(f"{{user.username}} done", b"x")
""")


def happened(server: Minimost) -> list[str]:
    """The keys that were set, in order."""
    return [str(it.args[0]) for it in server.calls("KVSet")]


def tell(server: Minimost, name: str) -> None:
    """Tells of a user; returns when the server would."""
    server.hook(HOOK, {}, {"Id": "u1", "Username": name})


def counted(server: Minimost) -> tuple[float, float, float]:
    """How many calls went well, were lost, and were made again."""
    metrics = parsed(asked(server))
    calls = {
        it.labels["outcome"]: it.value
        for it in metrics["mm_host_hook_calls"].samples
        if it.name.endswith("_total") and it.labels["hook"] == HOOK
    }
    retries = metrics["mm_host_hook_retries"].samples if "mm_host_hook_retries" in metrics else []
    retried = sum(it.value for it in retries if it.name.endswith("_total") and it.labels["hook"] == HOOK)
    return calls.get("ok", 0), calls.get("unavailable", 0), retried


def test_an_idempotent_handler_is_called_once_more(minimost: Path, plugin_of: WithSource) -> None:
    with running(minimost, plugin_of(mortal(", idempotent=True"))) as server:
        server.start()
        server.activate()
        first = plugin_process(server.pid)
        tell(server, "anna")
        assert happened(server) == ["anna tried", "anna tried", "anna done"]
        assert plugin_process(server.pid) != first
        assert counted(server) == (1, 0, 1)
        # Once, and no more: what kills it again is dropped.
        tell(server, "ben")
        assert happened(server)[3:] == ["ben tried", "ben tried"]
        record = server.record("1 events were dropped (UserHasBeenCreated 1) because the plugin's process was gone")
        assert (record.level, record.fields["dropped_user_has_been_created"]) == ("warn", "1")
        # It goes on, with a new process.
        tell(server, "carl")
        assert happened(server)[5:] == ["carl tried", "carl done"]
        assert counted(server) == (2, 1, 2)


def test_what_another_handler_was_told_of_is_dropped_and_counted(minimost: Path, plugin_of: WithSource) -> None:
    with running(minimost, plugin_of(mortal(""))) as server:
        server.start()
        server.activate()
        tell(server, "anna")
        assert happened(server) == ["anna tried"]
        record = server.record("1 events were dropped (UserHasBeenCreated 1) because the plugin's process was gone")
        assert record.level == "warn"
        # The next one waits for the new process.
        tell(server, "carl")
        assert happened(server)[1:] == ["carl tried", "carl done"]
        assert counted(server) == (1, 1, 0)


def version(number: int) -> str:
    """A plugin that answers with its version, after a moment in which it could be lost."""
    return posted(f"time.sleep(0.02)\npost.message = 'version {number}'\nreturn post")


def test_the_code_changes_under_load_and_no_call_is_lost(minimost: Path, plugin_of: WithSource) -> None:
    folder = plugin_of(version(1))
    manifest = json.loads((folder / "plugin.json").read_text())
    manifest["server"]["python"]["workers"] = 2
    # It is the same file as in other bundles.
    (folder / "plugin.json").unlink()
    (folder / "plugin.json").write_text(json.dumps(manifest))
    with running(minimost, folder) as server:
        server.start()
        server.activate()
        over, answers = threading.Event(), list[str]()

        def answered(number: int) -> None:
            wait_until(lambda: f"version {number}" in answers, f"an answer of version {number}")

        def post() -> None:
            while not over.is_set():
                reply = server.hook("MessageWillBePosted", {}, {"Id": "p1", "Message": "lost"})
                answers.append(reply.failure or str(reply.results[0]["Message"]))

        def loaded() -> int:
            return sum("the plugin was loaded anew" in it.message for it in server.records())

        callers = [threading.Thread(target=post) for _ in range(8)]
        for caller in callers:
            caller.start()
        try:
            answered(1)
            for number in (2, 3):
                (folder / "plugin.py").write_text(version(number))
                os.kill(server.pid, signal.SIGHUP)
                server._await(lambda number=number: loaded() == number - 1 or None, "the new code")
                answered(number)
        finally:
            over.set()
            for caller in callers:
                caller.join()
        assert set(answers) == {"version 1", "version 2", "version 3"}
        last = server.hook("MessageWillBePosted", {}, {"Id": "p1", "Message": "lost"})
        assert last.results[0]["Message"] == "version 3"
