"""Today's SDK on the host of an earlier release: grpcio with the protos that `tests/compat` keeps of it.

The other way round, a plugin with these protos on today's host, is in `tests/e2e/test_hello_node.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import width_mapping as mapping
from google.protobuf import json_format
from width_calls import CONFIGURATION, STREAMS, accepted, parameters, path_of, results, seed, signature
from width_filler import Filler
from width_host import Host
from width_peer import Peer
from width_protocol import API, HOOKS, ROOT, Protocol

from mattermost_plugin import _native
from mattermost_plugin._generated.codec_api import METHODS
from mattermost_plugin._generated.hooks import HOOKS as SPECS
from mattermost_plugin.api import PluginAPIClient

RELEASES = sorted(it for it in (ROOT / "tests" / "compat").iterdir() if it.is_dir())
assert RELEASES, "tests/compat has no release"


@pytest.fixture(scope="module", params=RELEASES, ids=lambda it: it.name)
def earlier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Protocol:
    """The official messages of a release's proto files."""
    return Protocol(tmp_path_factory.mktemp("earlier"), request.param)


@pytest.fixture
def peer(earlier: Protocol, socket: str) -> Iterator[Peer]:
    """The API as that release has it."""
    peer = Peer(earlier, socket)
    yield peer
    peer.close()


@pytest.fixture(params=["sync", "async"])
def host(request: pytest.FixtureRequest, earlier: Protocol) -> Iterator[Host]:
    """A host of that release, and a plugin of today with a handler for every hook."""
    with TemporaryDirectory(prefix="mm") as folder:
        host = Host(earlier, Path(folder), request.param)
        path = f"/{API}/LoadPluginConfiguration"
        answer = earlier.types(path)[1]
        host.peer.answers[path] = lambda *_: answer(**{answer.DESCRIPTOR.fields[0].name: b"{}"})
        yield host
        assert host.close() == 0


def in_words_of(cls: Any, message: Any) -> Any:
    """Returns a message as one of other protos, field by field by name, so that a number that changed is seen."""
    fields = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return json_format.ParseDict(fields, cls(), ignore_unknown_fields=True)


def test_every_method_that_the_host_has_works(
    peer: Peer, protocol: Protocol, codec: _native.Codec, socket: str
) -> None:
    there = {it.name for it in peer.protocol.service(API).methods}
    plain = [it for it in METHODS if it not in (*STREAMS, CONFIGURATION) and path_of(it).rpartition("/")[2] in there]
    assert len(plain) == len(there) - len(STREAMS) - 1, "a method of that release is gone"
    client = _native.Client(socket, codec, token=peer.token)
    api = PluginAPIClient(client, 10.0)
    for method in plain:
        path = path_of(method)
        (request, response), (old_request, old_response) = protocol.types(path), peer.protocol.types(path)
        nodes = list(signature(method).params.values())
        sent = Filler(seed(method)).fill(request, nodes)
        answer = Filler(seed(method) + 1).fill(old_response, results(method))
        peer.answers[path] = lambda *_, answer=answer: answer
        args = mapping.arguments(sent, nodes)
        got = getattr(api, method)(*(*args[:-1], *args[-1]) if signature(method).variadic else args)
        peer.requests[path].DiscardUnknownFields()
        assert mapping.wire_differences(in_words_of(old_request, sent), peer.requests[path]) == [], method
        expected = mapping.arguments(in_words_of(response, answer), results(method))
        assert mapping.differences(expected[0] if len(expected) == 1 else expected or None, got, method) == []
    client.close()


def test_every_hook_that_the_host_calls_arrives(host: Host, protocol: Protocol) -> None:
    assert host.hello.protocol_version == 1
    there = [it.name for it in host.protocol.service(HOOKS).methods]
    assert set(there) <= set(host.hello.hooks), "a hook of that release is gone"
    for go in there:
        spec = SPECS[go]
        if spec.stream:
            continue
        nodes = parameters(spec)
        request = Filler(seed(go)).fill(host.protocol.message(spec.request), nodes)
        host.will("return", accepted(spec))
        host.call(go, request)
        expected = mapping.arguments(in_words_of(protocol.message(spec.request), request), nodes)
        ((name, got),) = host.taken()
        assert name == go
        assert mapping.differences(expected, got, go) == []
