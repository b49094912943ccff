"""Every method of the API, by both clients: each argument arrives as it was given, each result comes back as annotated."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import width_mapping as mapping
import width_types as types
from width_calls import CONFIGURATION, STREAMS, path_of, results, seed, signature
from width_filler import Absent, Filler, Random, Zeros
from width_peer import Peer
from width_protocol import API, Protocol

from mattermost_plugin._generated import keywords
from mattermost_plugin._generated.codec_api import METHODS
from mattermost_plugin._runtime import codec_kinds as kinds
from mattermost_plugin._runtime.codec import call_fields
from mattermost_plugin.api import AsyncPluginAPIClient, PluginAPIClient
from mattermost_plugin.config import PluginConfig
from mattermost_plugin.errors import PluginAPIError
from mattermost_plugin.http import HttpRequest, HttpResponse

Call = Callable[..., Any]

#: What the clients have besides the methods of the API.
OWN = ("plugin_http_stream", "server_version", "supports", "with_timeout")
PLAIN = sorted(set(METHODS) - {*STREAMS, CONFIGURATION})

FILLERS = [Filler, Zeros, Random]


class TestWidth:
    """Upstream, the protos and both clients have the same methods; none of the tests below can miss one."""

    def test_all_methods_are_there(self, surface: dict[str, Any], protocol: Protocol) -> None:
        upstream = sorted(it["name"] for it in surface["api"])
        assert upstream
        assert [it.name for it in sorted(protocol.service(API).methods, key=lambda it: it.name)] == upstream
        assert sorted(path.rpartition("/")[2] for path, _, _ in METHODS.values()) == upstream
        assert {path.rpartition("/")[0] for path, _, _ in METHODS.values()} == {f"/{API}"}

    def test_both_clients_have_exactly_these(self) -> None:
        for client in (PluginAPIClient, AsyncPluginAPIClient):
            public = {name for name in dir(client) if not name.startswith("_")}
            assert public == {*METHODS, *OWN}

    def test_a_python_name_is_the_go_name(self) -> None:
        for name, (path, request, response) in METHODS.items():
            go = path.rpartition("/")[2]
            assert name.replace("_", "") == go.lower()
            assert (request, response) == (f"{go}Request", f"{go}Response")

    def test_no_parameter_is_missing(self, surface: dict[str, Any], protocol: Protocol) -> None:
        for described in surface["api"]:
            name = next(it for it, (path, _, _) in METHODS.items() if path.endswith(f"/{described['name']}"))
            given = [it.removeprefix("_mm_") for it in signature(name).params]
            # Go's caller brings an object to fill with the settings; here it is the result.
            assert len(given) == len(described["params"]) - (name == CONFIGURATION), name
            if name not in STREAMS:
                assert given == [it.name for it in protocol.types(path_of(name))[0].DESCRIPTOR.fields], name

    def test_no_result_is_missing(self, surface: dict[str, Any]) -> None:
        for described in surface["api"]:
            name = next(it for it, (path, _, _) in METHODS.items() if path.endswith(f"/{described['name']}"))
            wanted = [it for it in described["results"] if it not in ("error", "*model.AppError")]
            count = 1 if name in (CONFIGURATION, "plugin_http") else len(wanted)
            assert len(results(name)) == count, name

    def test_both_clients_are_declared_alike(self) -> None:
        for name in METHODS:
            assert signature(name) == types.signature_of(getattr(AsyncPluginAPIClient, name)), name

    def test_keywords_are_the_fields_of_their_models(self) -> None:
        declared = [name for name in vars(keywords) if name.endswith("Fields")]
        used = {it.params for it in map(_one_model, METHODS) if it.by_fields}
        assert len(declared) == len(used) > 20
        for name in declared:
            cls = types.model(name.removesuffix("Fields"))
            assert cls is not None
            given = {key: types.parse(text) for key, text in _raw_annotations(getattr(keywords, name)).items()}
            assert given == types.fields_of(cls), name


class _OneModel:
    def __init__(self, declared: types.Signature) -> None:
        self.by_fields = declared.by_fields
        self.params = tuple(it.cls for it in declared.params.values())


def _one_model(method: str) -> _OneModel:
    return _OneModel(signature(method))


def _raw_annotations(cls: Any) -> dict[str, str]:
    return {key: getattr(it, "__forward_arg__", it) for key, it in cls.__annotations__.items()}


class TestArguments:
    """What is given to a client arrives at grpcio, decoded by the official protobuf."""

    @pytest.mark.parametrize("method", PLAIN)
    def test_every_argument_arrives(self, peer: Peer, call: Call, method: str) -> None:
        declared = signature(method)
        request, response = peer.protocol.types(path_of(method))
        nodes = list(declared.params.values())
        peer.answers[path_of(method)] = lambda *_: Filler(1).fill(response, results(method))
        for filler in FILLERS:
            sent = filler(seed(method)).fill(request, nodes)
            args = mapping.arguments(sent, nodes)
            if declared.variadic:
                args = (*args[:-1], *args[-1])
            peer.requests.clear()
            call(method, *args)
            assert list(peer.requests) == [path_of(method)]
            assert mapping.wire_differences(sent, peer.requests[path_of(method)]) == [], filler.__name__

    @pytest.mark.parametrize("method", [it for it in PLAIN if _one_model(it).by_fields])
    def test_the_fields_of_a_model_do_as_well(self, peer: Peer, call: Call, method: str) -> None:
        nodes = list(signature(method).params.values())
        request, response = peer.protocol.types(path_of(method))
        sent = Filler(seed(method)).fill(request, nodes)
        peer.answers[path_of(method)] = lambda *_: Filler(1).fill(response, results(method))
        (model,) = mapping.arguments(sent, nodes)
        call(method, **{name: getattr(model, name) for name in types.fields_of(type(model))})
        assert mapping.wire_differences(sent, peer.requests[path_of(method)]) == []

    @pytest.mark.parametrize("method", [it for it in PLAIN if signature(it).variadic])
    def test_pairs_may_be_keywords(self, peer: Peer, call: Call, method: str) -> None:
        peer.answers[path_of(method)] = lambda *_: peer.protocol.types(path_of(method))[1]()
        call(method, "text", "first", 1, second=[True])
        assert [mapping.plain(it) for it in peer.requests[path_of(method)].key_value_pairs] == [
            "first",
            1,
            "second",
            [True],
        ]


class TestResults:
    """What grpcio answers comes back as the method's annotation says, recursively."""

    @pytest.mark.parametrize("method", PLAIN)
    def test_every_result_comes_back(self, peer: Peer, call: Call, method: str) -> None:
        nodes, args = results(method), blank(method)
        response = peer.protocol.types(path_of(method))[1]
        for filler in (*FILLERS, Absent):
            answer = filler(seed(method) + 1).fill(response, nodes)
            peer.answers[path_of(method)] = lambda *_, answer=answer: answer
            got = call(method, *args)
            expected = mapping.arguments(answer, nodes)
            path = f"{method} {filler.__name__}"
            assert mapping.differences(expected[0] if len(nodes) == 1 else expected or None, got, path) == []
            assert types.mistyped(got, signature(method).result, path) == []

    @pytest.mark.parametrize("method", PLAIN)
    def test_a_model_is_missing_only_where_its_annotation_says_so(self, peer: Peer, call: Call, method: str) -> None:
        peer.answers[path_of(method)] = lambda *_: peer.protocol.types(path_of(method))[1]()
        nodes = results(method)
        # A struct by value is always there, possibly empty.
        is_pointer = [it[2] for it in call_fields(METHODS[method][2])] == [kinds.MESSAGE | kinds.OPTIONAL]
        if is_pointer and not nodes[0].optional:
            with pytest.raises(PluginAPIError, match=f"^{method}: the server reported success but gave no "):
                call(method, *blank(method))
        else:
            assert types.mistyped(call(method, *blank(method)), signature(method).result, method) == []


def blank(method: str) -> tuple[Any, ...]:
    """Returns the simplest arguments of a method."""
    empty: dict[str, Callable[[types.Node], Any]] = {
        "scalar": lambda it: it.cls(),
        "enum": lambda it: next(iter(it.cls)),
        "model": lambda it: it.cls(),
        "list": lambda it: [],
        "dict": lambda it: {},
        "any": lambda it: None,
    }
    declared = signature(method)
    fixed = {name: it for name, it in declared.params.items() if name != declared.variadic}
    return tuple(None if it.optional else empty[it.kind](it) for it in fixed.values())


class TestConfiguration:
    """The one method that the public client overrides."""

    def test_settings_are_read_from_json(self, peer: Peer, call: Call) -> None:
        response = peer.protocol.types(path_of(CONFIGURATION))[1]
        (field,) = response.DESCRIPTOR.fields
        peer.answers[path_of(CONFIGURATION)] = lambda *_: response(**{field.name: b'{"Words": ["a", 1.5, null]}'})
        config = call(CONFIGURATION)
        assert isinstance(config, PluginConfig)
        assert dict(config) == {"words": ["a", 1.5, None]}


class TestStreams:
    """Arguments that are too large for one message; what the clients offer of them: bytes, or a binary file."""

    CONTENT = bytes(range(256)) * 1000

    @pytest.mark.parametrize("method", ["install_plugin", "upload_data"])
    @pytest.mark.parametrize("as_file", [False, True], ids=["bytes", "file"])
    def test_an_upload_arrives_whole(self, peer: Peer, call: Call, method: str, as_file: bool) -> None:
        path = path_of(method)
        start = Filler(seed(method)).message(peer.protocol.message(f"{path.rpartition('/')[2]}Start")())
        answer = Filler(2).fill(peer.protocol.types(path)[1], results(method))
        peer.answers[path] = lambda *_: answer
        declared = signature(method)
        content: Any = io.BytesIO(self.CONTENT) if as_file else self.CONTENT
        nodes = [it for it in declared.params.values() if it.kind != "other"]
        values = iter(mapping.arguments(start, nodes))
        got = call(method, *(content if it.kind == "other" else next(values) for it in declared.params.values()))

        first, *rest = peer.requests[path]
        assert mapping.wire_differences(start, first.start) == []
        assert {it.WhichOneof("part") for it in rest} == {"content"}
        assert len(rest) > 1
        assert b"".join(it.content for it in rest) == self.CONTENT
        assert mapping.differences(mapping.arguments(answer, results(method))[0], got, method) == []
        assert types.mistyped(got, declared.result, method) == []

    def test_an_http_request_and_its_answer(self, peer: Peer, call: Call) -> None:
        path = path_of("plugin_http")
        response = peer.protocol.types(path)[1]
        peer.answers[path] = lambda *_: [
            response(head={"status_code": 418, "header": {"X-One": {"values": ["1", "2"]}}}),
            response(body=b"first "),
            response(body=b"second"),
            response(body_end={"trailers": {"X-Sum": {"values": ["9"]}}}),
        ]
        request = HttpRequest(
            "PATCH",
            "/other/path?x=1&x=2",
            headers={"X-Token": ["a", "b"], "Accept": "text/plain"},
            body=self.CONTENT,
            host="chat.example.com",
            remote_addr="192.0.2.1:80",
            request_uri="/raw",
            proto="HTTP/1.0",
        )
        got = call("plugin_http", request)

        first, *body, last = peer.requests[path]
        assert (first.head.method, first.head.url, first.head.proto) == ("PATCH", "/other/path?x=1&x=2", "HTTP/1.0")
        assert (first.head.proto_major, first.head.proto_minor) == (1, 0)
        assert (first.head.host, first.head.remote_addr) == ("chat.example.com", "192.0.2.1:80")
        assert first.head.request_uri == "/raw"
        sent = {name: list(first.head.header[name].values) for name in first.head.header}
        assert sent == {"X-Token": ["a", "b"], "Accept": ["text/plain"]}
        assert {it.WhichOneof("part") for it in body} == {"body"}
        assert b"".join(it.body for it in body) == self.CONTENT
        assert last.WhichOneof("part") == "body_end"
        assert last.body_end.error == ""
        assert type(got) is HttpResponse
        assert (got.status_code, got.body) == (418, b"first second")
        assert got.headers.to_dict() == {"X-One": ["1", "2"]}
