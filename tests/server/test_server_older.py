"""A server of 9.8: its structs, its net/rpc services, the go-plugin and the yamux of then. One bundle runs on it and on the newest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import go_values
import pytest
import surfaces
import width_mapping as mapping
import width_types as types
from minimost import LEVELS, Minimost
from probe_peer import ProbePeer, probed

from mattermost_plugin import Replace
from mattermost_plugin._generated.codec_api import METHODS
from mattermost_plugin._generated.hooks import HOOKS
from mattermost_plugin._generated.since import SINCE
from mattermost_plugin.api import PluginAPIClient
from mattermost_plugin.errors import NotSupportedByServer
from mattermost_plugin.version import ServerVersion

ARGS, RESULTS = 6, 7
ERRORS = ("error", "*model.AppError")

API, HOOKS_OF_THEN = surfaces.methods(surfaces.older(), "api"), surfaces.methods(surfaces.older(), "hooks")
VERSION: str = surfaces.older()["upstream"]["version"]
NAMES = {path.rpartition("/")[2]: name for name, (path, _, _) in METHODS.items()}
#: What test_server_api.py and test_server_life.py look at.
ELSEWHERE = {"LoadPluginConfiguration", "Implemented", "OnActivate", "OnDeactivate", *LEVELS}
CALLED = sorted(go for go, it in API.items() if not surfaces.streams(it) and go not in ELSEWHERE)
ASKED = sorted(go for go, it in HOOKS_OF_THEN.items() if not surfaces.streams(it) and go not in ELSEWHERE)
MISSING = sorted(set(NAMES) - set(API))


@pytest.fixture(scope="module")
def server(older_minimost: Path, probe_folder: Path, peer: ProbePeer) -> Iterator[Minimost]:
    """A server of 9.8 with the probe, activated."""
    with probed(older_minimost, probe_folder, peer) as server:
        yield server


def test_it_is_another_server() -> None:
    assert MISSING
    assert set(API) < set(NAMES)
    assert set(HOOKS_OF_THEN) - {"Implemented"} < set(HOOKS)


def arguments(server: Minimost, go: str) -> list[Any]:
    """Returns the filled arguments of a method as Python gives them."""
    declared = types.signature_of(getattr(PluginAPIClient, NAMES[go]))
    filled = server.filled(go, ARGS, "full")
    return [go_values.value(it, node) for it, node in zip(filled, declared.params.values(), strict=True)]


def but_translation(wrong: list[str]) -> list[str]:
    """Passes over what an exception in an ``Any`` does not keep: whether its text is to be translated."""
    return [it for it in wrong if not it.endswith(".SkipTranslation: sent bool true, got bool false")]


@pytest.mark.parametrize("go", CALLED)
def test_arguments_and_results(server: Minimost, peer: ProbePeer, go: str) -> None:
    server.answer(go, fill=RESULTS, errors="none", expect=ARGS)
    before = len(server.calls(go))
    got = peer.call(NAMES[go], *arguments(server, go))
    call = server.next_call(go, before)
    assert (but_translation(call.wrong), call.lost) == ([], [])

    declared = types.signature_of(getattr(PluginAPIClient, NAMES[go])).result
    nodes = list(declared.parts) if declared.kind == "tuple" else [] if declared == types.NONE else [declared]
    of = API[go]["results"]
    delivered = server.delivered(go, RESULTS, "full", of, errors="none")
    sent = [it for it, one in zip(delivered, of, strict=True) if one not in ERRORS]
    values = tuple(go_values.value(it, node) for it, node in zip(sent, nodes, strict=True))
    expected = values if len(values) > 1 else values[0] if values else None
    assert mapping.differences(expected, got, go) == []


@pytest.mark.parametrize("go", ASKED)
def test_hooks(server: Minimost, peer: ProbePeer, go: str) -> None:
    results = HOOKS_OF_THEN[go]["results"]
    filled = server.filled(go, RESULTS, "full", errors="none")
    pairs = zip(filled, results, strict=True)
    values = [go_values.value(it, go_values.node_of(of)) for it, of in pairs if of not in ERRORS]
    peer.returns(go, Replace(values[0]) if HOOKS[go].outcome == "verdict" else values[0] if values else None)
    reply = server.hook(go, fill=ARGS)
    assert reply.failure == ""
    if values:
        sent = {"method": go, "fill": RESULTS, "result": 0, "errors": "none"}
        wrong, lost = server.compare(sent, {"hook": reply.id, "result": 0})
        assert (but_translation(wrong), lost) == ([], [])

    params = [it["type"] for it in HOOKS_OF_THEN[go]["params"]]
    given = server.delivered(go, ARGS, "full", params)
    expected = tuple(go_values.value(it, node) for it, node in zip(given, go_values.nodes_of(HOOKS[go]), strict=True))
    assert mapping.differences(expected, peer.taken[go].pop(), go) == []


def something(node: types.Node) -> Any:
    """Returns an argument that a method takes."""
    return next(iter(node.cls)) if node.kind == "enum" else go_values.value(None, node)


@pytest.mark.parametrize("go", MISSING)
def test_what_it_lacks_is_not_supported(server: Minimost, peer: ProbePeer, go: str) -> None:
    declared = types.signature_of(getattr(PluginAPIClient, NAMES[go]))
    server.answer("GetServerVersion", VERSION)
    assert peer.call("supports", go) is False
    with pytest.raises(NotSupportedByServer) as caught:
        peer.call(NAMES[go], *map(something, declared.params.values()))
    assert (caught.value.needs, caught.value.have) == (SINCE[NAMES[go]], VERSION)
    assert ServerVersion(caught.value.needs) > VERSION


def test_what_it_has_is_supported(server: Minimost, peer: ProbePeer) -> None:
    server.answer("GetServerVersion", VERSION)
    assert [go for go in sorted(API) if not peer.call("supports", go)] == []
    assert peer.call("server_version") == VERSION


def test_settings_that_are_gone_today_can_be_changed(server: Minimost, peer: ProbePeer) -> None:
    server.answer("GetConfig", fill=ARGS)
    server.answer("SaveConfig", None, expect=ARGS)
    config = peer.call("get_config")
    config.log_settings.verbose_diagnostics = False
    before = len(server.calls("SaveConfig"))
    peer.call("save_config", config)
    call = server.next_call("SaveConfig", before)
    assert call.wrong == ["A.LogSettings.VerboseDiagnostics: sent bool true, got bool false"]
    assert call.lost == []
