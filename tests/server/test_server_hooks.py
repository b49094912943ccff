"""Every hook: what Go gives, Python gets; what Python gives, Go gets. Field by field, with Go's own gob between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import go_values
import pytest
import width_mapping as mapping
import width_types as types
from minimost import Minimost, Reply, but_maps
from probe_peer import ProbePeer

from mattermost_plugin import HookRejected, Reject, Replace
from mattermost_plugin._generated.hooks import HOOKS

#: Types of Go, by hook.
Types = dict[str, list[str]]

#: The seeds of arguments and results.
ARGS, RESULTS = 1, 2
MODES = ("full", "zeros")

#: Hooks with bytes beside their values.
STREAMS = {"FileWillBeUploaded", "ServeHTTP", "ServeMetrics"}
#: Called by the server at the beginning and at the end; test_server_life.py looks at them.
LIFE = {"OnActivate", "OnDeactivate"}
CALLED = sorted(set(HOOKS) - STREAMS - LIFE)
VERDICTS = [go for go in CALLED if HOOKS[go].outcome == "verdict"]
REJECTIONS = [go for go in CALLED if HOOKS[go].outcome == "rejection"]
#: Hooks with an error among their results.
FALLIBLE = [go for go in CALLED if HOOKS[go].outcome in ("error", "app_error") and HOOKS[go].kind != "decides"]
#: Their error refuses what was asked, which a handler that merely failed must not do.
REFUSING = [go for go in CALLED if HOOKS[go].refusal == "error"]
#: Hooks whose reply Go decodes over the value that it sent.
MERGED = {"MessageWillBePosted", "ChannelMemberWillBeAdded", "TeamMemberWillBeAdded"}
ERRORS = ("error", "*model.AppError")


@pytest.fixture(scope="module")
def params(surface: dict[str, Any]) -> Types:
    """The types of the parameters of every hook in Go."""
    return {it["name"]: [param["type"] for param in it["params"]] for it in surface["hooks"]}


@pytest.fixture(scope="module")
def results(surface: dict[str, Any]) -> Types:
    """The types of the results of every hook in Go."""
    return {it["name"]: it["results"] for it in surface["hooks"]}


def test_no_hook_is_forgotten(surface: dict[str, Any], server: Minimost) -> None:
    upstream = {it["name"]: [*(one["type"] for one in it["params"]), *it["results"]] for it in surface["hooks"]}
    streams = {go for go, of in upstream.items() if any(it.startswith(("io.", "http.", "*http.")) for it in of)}
    assert streams == STREAMS == {go for go, spec in HOOKS.items() if spec.stream}
    assert {*CALLED, *STREAMS, *LIFE, "Implemented"} == set(upstream)
    values = {go for go in CALLED if [it for it in upstream[go] if it not in ERRORS]}
    assert values.issuperset({*VERDICTS, *REJECTIONS})


def harmless(go: str, results: Types) -> Any:
    """Returns something that the hook takes."""
    plain = {"bool": True, "int64": 1}
    return next((plain[it] for it in results[go] if it in plain and HOOKS[go].outcome != "verdict"), None)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("go", CALLED)
def test_python_gets_what_go_gives(
    server: Minimost, peer: ProbePeer, params: Types, results: Types, go: str, mode: str
) -> None:
    peer.returns(go, harmless(go, results))
    reply = server.hook(go, fill=ARGS, mode=mode)
    assert reply.failure == ""
    nodes, sent = go_values.nodes_of(HOOKS[go]), server.delivered(go, ARGS, mode, params[go])
    expected = tuple(go_values.value(it, node) for it, node in zip(sent, nodes, strict=True))
    got = peer.taken[go].pop()
    assert mapping.differences(expected, got, go) == []
    for it, node, name in zip(got, nodes, HOOKS[go].params, strict=True):
        assert types.mistyped(it, node, name) == []


def given_back(server: Minimost, reply: Reply, go: str, mode: str, index: int, errors: str = "none") -> list[str]:
    """Says where a result differs from what Python was given to return, but for what Go's gob loses as well."""
    sent = {"method": go, "fill": RESULTS, "mode": mode, "result": index, "errors": errors}
    wrong, lost = server.compare(sent, {"hook": reply.id, "result": index})
    assert mode == "zeros" or lost == []
    return but_maps(wrong, mode)


def python_results(server: Minimost, results: Types, go: str, mode: str) -> list[Any]:
    """Returns the filled results that are no errors, as Python has them."""
    filled = server.filled(go, RESULTS, mode, errors="none")
    return [
        go_values.value(it, go_values.node_of(of))
        for it, of in zip(filled, results[go], strict=True)
        if of not in ERRORS
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("go", CALLED)
def test_go_gets_what_python_gives(server: Minimost, peer: ProbePeer, results: Types, go: str, mode: str) -> None:
    values = python_results(server, results, go, mode)
    if go in VERDICTS:
        peer.returns(go, Replace(values[0]))
    else:
        assert len(values) <= 1
        peer.returns(go, values[0] if values else None)
    # Where the reply is decoded over an argument, keys of maps stay; there are none among zeros. Elsewhere the argument is another
    # value in any case, since one that is given back as it came is not sent.
    reply = server.hook(go, fill=ARGS, mode=mode if go in MERGED else "full")
    assert reply.failure == ""
    assert len(reply.results) == len(results[go])
    if values:
        assert given_back(server, reply, go, mode, 0) == []
    # The reason to refuse, or the error.
    assert reply.results[1:] in ([], [None], [""])
    if not values:
        assert reply.results in ([], [None])


@pytest.mark.parametrize("go", VERDICTS)
def test_go_gets_the_reason_of_a_refusal(server: Minimost, peer: ProbePeer, go: str) -> None:
    peer.returns(go, Reject("Not here ü🦊"))
    reply = server.hook(go, fill=ARGS)
    assert (reply.failure, reply.results[1]) == ("", "Not here ü🦊")
    if go in MERGED:
        sent = {"method": go, "fill": ARGS, "arg": 1}
        assert server.compare(sent, {"hook": reply.id, "result": 0}) == ([], [])
    else:
        assert reply.results[0] is None


@pytest.mark.parametrize("go", VERDICTS)
def test_no_decision_leaves_things_as_they_are(server: Minimost, peer: ProbePeer, go: str) -> None:
    peer.returns(go, None)
    reply = server.hook(go, fill=ARGS)
    assert (reply.failure, reply.results[1]) == ("", "")
    if go in MERGED or go == "MessageWillBeUpdated":
        sent = {"method": go, "fill": ARGS, "arg": 1}
        assert server.compare(sent, {"hook": reply.id, "result": 0}) == ([], [])
    else:
        assert reply.results[0] is None


@pytest.mark.parametrize("go", REJECTIONS)
def test_a_rejection_is_its_text(server: Minimost, peer: ProbePeer, go: str) -> None:
    for returned, reason in [(Reject("No ü"), "No ü"), ("No", "No"), (None, "")]:
        peer.returns(go, returned)
        reply = server.hook(go, fill=ARGS)
        assert (reply.failure, reply.results) == ("", [reason])


def test_hooks_at_the_same_time_do_not_mix(server: Minimost, peer: ProbePeer) -> None:
    peer.computes("UserWillLogIn", lambda _, user: f"{user.username}, not {user.nickname}")

    def login(number: int) -> Any:
        user = {"Id": str(number), "Username": f"user {number}", "Nickname": "x" * (number * 997 % 5000)}
        return server.hook("UserWillLogIn", {}, user).results

    with ThreadPoolExecutor(16) as callers:
        answers = list(callers.map(login, range(400)))
    assert answers == [[f"user {number}, not {'x' * (number * 997 % 5000)}"] for number in range(400)]


@pytest.mark.parametrize("go", FALLIBLE)
def test_go_gets_what_python_raises(server: Minimost, peer: ProbePeer, results: Types, go: str) -> None:
    index = len(results[go]) - 1
    error = server.filled(go, RESULTS, "full", errors="only")[index]
    if results[go][index] == "*model.AppError":
        error = {"type": "*model.AppError", "value": error}
    peer.raises(go, go_values.error(error))
    reply = server.hook(go, fill=ARGS)
    assert reply.failure == ""
    sent = {"method": go, "fill": RESULTS, "result": index, "errors": "only"}
    wrong, lost = server.compare(sent, {"hook": reply.id, "result": index})
    assert (wrong, lost) == ([], [])


@pytest.mark.parametrize("go", FALLIBLE)
def test_another_exception_is_a_failure_in_its_own_words(
    server: Minimost, peer: ProbePeer, results: Types, go: str
) -> None:
    peer.raises(go, ValueError("too ü"))
    reply = server.hook(go, fill=ARGS)
    assert reply.failure == ""
    error = reply.results[-1]
    if results[go][-1] == "error":
        assert error == {"Code": 0, "Err": "ValueError: too ü"}
    else:
        assert (error["Message"], error["Where"]) == ("ValueError: too ü", go)
        assert 100 <= error["StatusCode"] <= 999


@pytest.mark.parametrize("go", REFUSING)
def test_an_error_that_refuses_is_only_what_the_handler_says(server: Minimost, peer: ProbePeer, go: str) -> None:
    peer.raises(go, ValueError("too ü"))
    reply = server.hook(go, fill=ARGS)
    assert "ValueError: too ü" in reply.failure, "the call fails, and the server goes on as if nobody had been asked"
    peer.raises(go, HookRejected("Not today ü."))
    reply = server.hook(go, fill=ARGS)
    assert (reply.failure, reply.results[-1]) == ("", {"Code": 0, "Err": "Not today ü."})
