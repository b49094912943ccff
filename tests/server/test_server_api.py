"""Every method of the API: what Python gives, Go gets; what Go answers, Python gets; and every way to fail."""

from __future__ import annotations

import json
from typing import Any

import go_values
import pytest
import width_mapping as mapping
import width_types as types
from conftest import ROOT
from minimost import LEVELS, Minimost, but_maps
from probe_peer import ProbePeer

from mattermost_plugin import errors
from mattermost_plugin._generated.codec_api import METHODS
from mattermost_plugin.api import PluginAPIClient

#: The seeds of arguments and results.
ARGS, RESULTS = 3, 4
MODES = ("full", "zeros")

NAMES = {path.rpartition("/")[2]: name for name, (path, _, _) in METHODS.items()}
#: Methods with bytes beside their values.
STREAMS = {"InstallPlugin", "PluginHTTP", "UploadData"}
#: Its one argument is where the result goes.
CONFIGURATION = {"LoadPluginConfiguration"}
CALLED = sorted(set(NAMES) - STREAMS - CONFIGURATION)
ERRORS = ("error", "*model.AppError")


@pytest.fixture(scope="module")
def upstream(surface: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The methods as Go declares them, by name."""
    return {it["name"]: it for it in surface["api"]}


def test_no_method_is_forgotten(upstream: dict[str, dict[str, Any]]) -> None:
    def streams(it: dict[str, Any]) -> bool:
        of = [*(one["type"] for one in it["params"]), *it["results"]]
        return any(one.startswith(("io.", "http.", "*http.")) for one in of)

    assert {go for go, it in upstream.items() if streams(it)} == STREAMS
    assert {*CALLED, *STREAMS, *CONFIGURATION} == set(upstream)


def arguments(server: Minimost, go: str, mode: str) -> list[Any]:
    """Returns the filled arguments of a method as Python gives them."""
    declared = types.signature_of(getattr(PluginAPIClient, NAMES[go]))
    filled = server.filled(go, ARGS, mode)
    return [go_values.value(it, node) for it, node in zip(filled, declared.params.values(), strict=True)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("go", [go for go in CALLED if go not in LEVELS])
def test_arguments_and_results(
    server: Minimost, peer: ProbePeer, upstream: dict[str, dict[str, Any]], go: str, mode: str
) -> None:
    server.answer(go, fill=RESULTS, mode=mode, errors="none", expect=ARGS, expect_mode=mode)
    before = len(server.calls(go))
    got = peer.call(NAMES[go], *arguments(server, go, mode))
    call = server.next_call(go, before)
    assert but_maps(call.wrong, mode) == []
    assert mode == "zeros" or call.lost == []

    declared = types.signature_of(getattr(PluginAPIClient, NAMES[go])).result
    nodes = list(declared.parts) if declared.kind == "tuple" else [] if declared == types.NONE else [declared]
    of = upstream[go]["results"]
    delivered = server.delivered(go, RESULTS, mode, of, errors="none")
    sent = [it for it, one in zip(delivered, of, strict=True) if one not in ERRORS]
    values = tuple(go_values.value(it, node) for it, node in zip(sent, nodes, strict=True))
    expected = values if len(values) > 1 else values[0] if values else None
    assert mapping.differences(expected, got, go) == []
    assert types.mistyped(got, declared, go) == []


FALLIBLE = sorted(
    it["name"]
    for it in json.loads((ROOT / "surface" / "surface.json").read_text())["api"]
    if it["name"] in CALLED and it["results"] and it["results"][-1] in ERRORS
)


@pytest.mark.parametrize("go", FALLIBLE)
def test_errors(server: Minimost, peer: ProbePeer, upstream: dict[str, dict[str, Any]], go: str) -> None:
    kinds = [it for it in upstream[go]["results"] if it in ERRORS]
    assert kinds == upstream[go]["results"][-1:]
    server.answer(go, fill=RESULTS, errors="only")
    error = server.filled(go, RESULTS, "full", errors="only")[-1]
    if kinds == ["*model.AppError"]:
        error = {"type": "*model.AppError", "value": error}
    expected = go_values.error(error, method=NAMES[go])
    with pytest.raises(type(expected)) as caught:
        peer.call(NAMES[go], *arguments(server, go, "full"))
    assert mapping.differences(expected, caught.value, go) == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, errors.ValidationError), (403, errors.PermissionDeniedError), (404, errors.NotFoundError)],
)
def test_the_status_of_an_app_error_is_a_class(
    server: Minimost, peer: ProbePeer, status: int, kind: type[errors.PluginAPIError]
) -> None:
    server.answer("GetUser", None, {"Id": "app.user", "Message": "No", "StatusCode": status, "Where": "GetUser"})
    with pytest.raises(kind) as caught:
        peer.call("get_user", "u1")
    assert (caught.value.id, caught.value.message, caught.value.where) == ("app.user", "No", "GetUser")


@pytest.mark.parametrize("code", range(8))
def test_well_known_errors_keep_their_number(server: Minimost, peer: ProbePeer, code: int) -> None:
    server.answer("GetUploadSession", None, {"Err": "sorry ü", "Code": code})
    kind = errors.NotFoundError if code == 2 else errors.PlainError
    with pytest.raises(kind) as caught:
        peer.call("get_upload_session", "u1")
    assert (type(caught.value), caught.value.code, caught.value.message) == (kind, code, "sorry ü")


@pytest.mark.parametrize("go", sorted(LEVELS))
def test_logging_sends_texts(server: Minimost, peer: ProbePeer, go: str) -> None:
    peer.call(NAMES[go], "it happened ü", "text", "a", "number", 1, "none", None, "yes", True, "list", [1, "x"])
    # The host logs too, when it likes.
    server.record("it happened ü")
    ((_, pairs),) = [it.args for it in server.calls(go) if it.args[0] == "it happened ü"]
    assert all(isinstance(it, str) for it in pairs)
    given = dict(zip(pairs[::2], pairs[1::2], strict=True))
    assert given.keys() == {"text", "number", "none", "yes", "list"}
    assert (given["text"], given["number"]) == ("a", "1")


def test_settings_come_as_json(server: Minimost, peer: ProbePeer) -> None:
    # The keys are lower-cased by the server; the SDK finds them in any case.
    server.do("configure", configuration={"socket": peer.socket, "maxitems": 3, "words": ["ä", None, 1.5]})
    config = peer.call("load_plugin_configuration")
    assert (config["MaxItems"], config["words"]) == (3, ["ä", None, 1.5])


def test_a_method_that_the_server_lacks_says_so(server: Minimost, peer: ProbePeer) -> None:
    server.do("forget", method="GetUser")
    try:
        with pytest.raises(errors.NotSupportedByServer) as caught:
            peer.call("get_user", "u1")
        assert "5.2" in str(caught.value)
    finally:
        server.do("forget")
    # The connection lives on.
    server.answer("GetUser", {"Username": "anna"}, None)
    assert peer.call("get_user", "u1").username == "anna"
