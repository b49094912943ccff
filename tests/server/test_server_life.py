"""A plugin's life on the server: start, activation, settings, health, end, and what an administrator sees of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fair_clock import CLOCK
from minimost import Minimost, Refused, running
from probe_peer import ProbePeer, listening
from processes import alive, children, left_after, standing_still

from mattermost_plugin import HookRejected
from mattermost_plugin._generated.hooks import HOOKS

#: Milliseconds that a server which ends waits for OnDeactivate.
DEACTIVATE = 10_000


@pytest.fixture
def own_peer() -> Iterator[ProbePeer]:
    """A peer for one test."""
    with listening() as peer:
        yield peer


@pytest.fixture(params=["MINIMOST", "MINIMOST_9_8"], ids=["newest", "9.8"])
def program(request: pytest.FixtureRequest) -> Path:
    """The newest server, with go-plugin 1.7.0, or one of 9.8, with go-plugin 1.6.0."""
    return Path(os.environ[request.param])


@pytest.fixture
def idle(program: Path, probe_folder: Path, own_peer: ProbePeer) -> Iterator[Minimost]:
    """A server that has not started the probe yet."""
    with running(program, probe_folder) as server:
        server.do("configure", configuration={"socket": own_peer.socket})
        yield server


def test_it_starts_from_the_file_that_an_admin_uploads(program: Path, probe_bundle: Path, own_peer: ProbePeer) -> None:
    with running(program, probe_bundle) as server:
        server.do("configure", configuration={"socket": own_peer.socket})
        started = server.start()
        server.activate()
        assert started["plugin"] == "org.example.probe"
        assert server.stop() < 2


def test_a_life(idle: Minimost, own_peer: ProbePeer) -> None:
    started = idle.start()
    # The host answers ServeMetrics itself.
    assert set(started["implemented"]) == {go for go, spec in HOOKS.items() if not spec.stream} | {"ServeMetrics"}
    assert own_peer.order == []
    idle.activate()
    # The server leaves the first OnConfigurationChange to the plugin.
    assert own_peer.order == ["OnConfigurationChange", "OnActivate"]
    own_peer.call("get_server_version")
    processes = [idle.pid, *children(idle.pid)]
    assert own_peer.pid in processes

    idle.do("ping")
    assert idle.hook("OnConfigurationChange").results == [None]
    assert own_peer.order[2:] == ["OnConfigurationChange"]
    idle.do("deactivate", limit=DEACTIVATE)
    assert own_peer.order[3:] == ["OnDeactivate"]
    assert idle.stop() < 2
    assert left_after(processes, 2) == []
    # As when it is disabled and enabled again.
    idle.start()
    idle.activate()
    assert own_peer.order[4:] == ["OnConfigurationChange", "OnActivate"]


def test_it_ends_without_deactivation_too(idle: Minimost) -> None:
    idle.start()
    idle.activate()
    processes = [idle.pid, *children(idle.pid)]
    assert idle.stop() < 2
    assert left_after(processes, 2) == []


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (HookRejected("No licence: ask your administrator."), "No licence: ask your administrator."),
        (KeyError("token"), "KeyError: 'token'"),
    ],
)
def test_a_plugin_that_does_not_want_to_start(
    idle: Minimost, own_peer: ProbePeer, error: BaseException, text: str
) -> None:
    own_peer.raises("OnActivate", error)
    idle.start()
    processes = [idle.pid, *children(idle.pid)]
    with pytest.raises(Refused) as caught:
        idle.activate()
    assert str(caught.value) == text
    assert left_after(processes, 2) == []
    tracebacks = [it for it in idle.records() if "Traceback" in f"{it.message}{it.fields}"]
    assert [it.level for it in tracebacks] == ([] if isinstance(error, HookRejected) else ["error"])


@pytest.mark.parametrize("delay", [150, 1000])
def test_a_record_that_the_server_is_taking_when_it_ends_the_plugin_comes_once(
    idle: Minimost, own_peer: ProbePeer, delay: int
) -> None:
    # For the first the plugin waits, for the second it does not: the server has it all the same.
    own_peer.raises("UserHasLoggedIn", KeyError("token"))
    idle.start()
    idle.activate()
    idle.answer("LogError", delay=delay)
    idle.hook("UserHasLoggedIn", fill=1, mode="full")
    idle.record("user_has_logged_in failed")
    idle.stop()
    assert [it.source for it in idle.records() if "user_has_logged_in failed" in it.message] == ["api"]


def test_a_failing_on_configuration_change_does_not_keep_it_from_starting(idle: Minimost, own_peer: ProbePeer) -> None:
    own_peer.raises("OnConfigurationChange", ValueError("the address is no address"))
    idle.start()
    idle.activate()
    assert own_peer.order == ["OnConfigurationChange", "OnActivate"]
    assert idle.record("OnConfigurationChange").level == "error"


def test_health_is_the_hosts_own(idle: Minimost, own_peer: ProbePeer) -> None:
    idle.start()
    idle.activate()
    own_peer.call("get_server_version")
    # Python is stopped as a debugger would: whether the plugin lives is not for it to answer.
    with standing_still(own_peer.pid):
        begin = CLOCK.now
        idle.do("ping")
        assert CLOCK.now - begin < 2
    assert alive(own_peer.pid)
