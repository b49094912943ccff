"""What `mm-host new` makes, as an administrator installs it: bundled, started by Go's go-plugin, and used."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from minimost import Minimost, running


@pytest.fixture(scope="session")
def bundle(mm_host: Path, bundled: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a new plugin with everything in it."""
    folder = tmp_path_factory.mktemp("new")
    subprocess.run([mm_host, "new", "dice", "--with", "command,http,jobs,webapp"], cwd=folder, check=True)
    return bundled(folder / "dice")


def start(server: Minimost, is_first: bool) -> None:
    """Activates the plugin on a node that is the first to take the job's interval, or is not."""
    server.do("configure", configuration={})
    server.answer("*", fill=1)
    server.answer("KVSetWithOptions", is_first, None)
    server.answer("GetUser", {"Id": "u1", "Username": "anna"}, None)
    server.start()
    server.activate()


def stop(server: Minimost) -> None:
    """Deactivates it, which ends the job's timer, and sees that nothing went wrong."""
    server.do("deactivate", limit=10_000)
    assert server.troubles("warn", "error") == []
    assert server.stop() < 3
    assert server.troubles("warn", "error", ended=True) == []


def test_the_command_answers(minimost: Path, bundle: Path) -> None:
    with running(minimost, bundle) as server:
        start(server, is_first=True)
        (registered,) = server.calls("RegisterCommand")
        assert (registered.args[0]["Trigger"], registered.args[0]["AutoComplete"]) == ("dice", True)
        for typed, answer in (("/dice", "Hello, anna!"), ("/dice Ben", "Hello, Ben!")):
            reply = server.hook("ExecuteCommand", {}, {"Command": typed, "UserId": "u1", "ChannelId": "c1"})
            response, error = reply.results
            assert (reply.failure, error, response["ResponseType"]) == ("", None, "ephemeral")
            assert response["Text"] == answer
        stop(server)


def test_the_job_runs_on_the_node_that_is_first(minimost: Path, bundle: Path) -> None:
    with running(minimost, bundle) as server:
        start(server, is_first=True)
        assert server.record("the job runs").level == "info"
        key, _, options = server.calls("KVSetWithOptions")[0].args
        assert key.startswith("job-")
        assert (options["Atomic"], options["OldValue"], options["ExpireInSeconds"]) == (True, None, 1200)
        stop(server)


def test_the_job_does_not_run_on_another(minimost: Path, bundle: Path) -> None:
    with running(minimost, bundle) as server:
        start(server, is_first=False)
        server.next_call("KVSetWithOptions", 0)
        stop(server)
        assert not [it for it in server.records() if "the job runs" in it.message]
