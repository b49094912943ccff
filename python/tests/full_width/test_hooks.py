"""Every hook, with a plugin process run by the real runtime and grpcio as its host: handlers as ``def`` and as ``async def``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
import pytest
import width_mapping as mapping
import width_types as types
from width_calls import accepted, parameters, seed
from width_filler import Filler, Random, Zeros
from width_host import Host
from width_peer import detail_of
from width_protocol import HOOKS as SERVICE
from width_protocol import Protocol
from width_types import Node

from mattermost_plugin import Allow, Dismiss, HookRejected, Reject, Replace, errors
from mattermost_plugin._generated.codec_hooks import METHODS
from mattermost_plugin._generated.hooks import HOOKS, HookSpec
from mattermost_plugin.http import HttpResponse

STREAMS = sorted(spec.go for spec in HOOKS.values() if spec.stream)
PLAIN = sorted(spec.go for spec in HOOKS.values() if not spec.stream)
VERDICTS = sorted(spec.go for spec in HOOKS.values() if spec.outcome == "verdict" and not spec.stream)
REJECTIONS = sorted(spec.go for spec in HOOKS.values() if spec.outcome == "rejection")
#: Hooks whose one result is a value, not a decision.
VALUES = sorted(
    {go for go in PLAIN if METHODS[HOOKS[go].snake]} - {*VERDICTS, *REJECTIONS} - {"ConfigurationWillBeSaved"}
)
FILLERS = (Filler, Zeros, Random)


@pytest.fixture(scope="module", params=["sync", "async"])
def host(request: pytest.FixtureRequest, protocol: Protocol) -> Iterator[Host]:
    """A plugin with a handler for every hook, and its host."""
    with TemporaryDirectory(prefix="mm") as folder:
        host = Host(protocol, Path(folder), request.param)
        serve_configuration(host)
        yield host
        assert host.close() == 0


def serve_configuration(host: Host) -> None:
    path = "/mattermost.plugin.v1.PluginApi/LoadPluginConfiguration"
    response = host.protocol.types(path)[1]
    host.peer.answers[path] = lambda *_: response(**{response.DESCRIPTOR.fields[0].name: b"{}"})


def request_of(host: Host, spec: HookSpec, filler: type[Filler] = Filler) -> Any:
    return filler(seed(spec.go)).fill(host.protocol.message(spec.request), parameters(spec))


def response_fields(host: Host, spec: HookSpec) -> list[Any]:
    return list(host.protocol.message(spec.response).DESCRIPTOR.fields)


class TestWidth:
    """Upstream, the protos and the SDK have the same hooks; none of the tests below can miss one."""

    def test_all_hooks_are_there_besides_implemented(self, surface: dict[str, Any], protocol: Protocol) -> None:
        upstream = sorted(it["name"] for it in surface["hooks"])
        upstream.remove("Implemented")
        assert sorted(it.name for it in protocol.service(SERVICE).methods) == upstream
        assert sorted(HOOKS) == upstream
        assert sorted(path.rpartition("/")[2] for path, _, _ in METHODS.values()) == upstream
        assert sorted([*PLAIN, *STREAMS]) == upstream

    def test_no_parameter_is_missing(self, surface: dict[str, Any], protocol: Protocol) -> None:
        for described in surface["hooks"]:
            if described["name"] in ("Implemented", *STREAMS):
                continue
            spec = HOOKS[described["name"]]
            assert len(spec.params) == len(described["params"]), spec.go
            assert [it.name for it in protocol.message(spec.request).DESCRIPTOR.fields] == list(spec.params), spec.go

    def test_the_hello_lists_them_all(self, surface: dict[str, Any], host: Host) -> None:
        assert list(host.hello.hooks) == sorted(HOOKS)
        assert host.hello.plugin_class == "Everything"
        assert host.hello.surface_version == surface["upstream"]["version"]
        assert host.hello.protocol_version == 1


class TestArguments:
    """What grpcio sends is what the handler gets, typed as its signature says."""

    @pytest.mark.parametrize("go", PLAIN)
    def test_every_argument_arrives(self, host: Host, go: str) -> None:
        spec, nodes = HOOKS[go], parameters(HOOKS[go])
        for filler in FILLERS:
            request = request_of(host, spec, filler)
            host.will("return", accepted(spec))
            host.call(go, request)
            ((name, got),) = host.taken()
            path = f"{go} {filler.__name__}"
            assert name == go
            assert mapping.differences(mapping.arguments(request, nodes), got, path) == []
            for value, node, parameter in zip(got, nodes, spec.params, strict=True):
                assert types.mistyped(value, node, f"{path} {parameter}") == []


class TestResults:
    """What a handler returns is what grpcio gets."""

    @pytest.mark.parametrize("go", VERDICTS)
    def test_every_form_of_a_verdict(self, host: Host, go: str) -> None:
        spec = HOOKS[go]
        field, _ = response_fields(host, spec)
        response = host.protocol.message(spec.response)
        node = Node("model", types.model(field.message_type.name))
        official = Filler(seed(go)).model(host.protocol.message(field.message_type.full_name)(), node.cls)
        model = mapping.model(official, node.cls)
        replaced, refused = response(**{field.name: official}), response(reason="Not here ü")
        request = request_of(host, spec)
        # The server takes nothing at all from this hook for a refusal.
        allowed = response(post=request.new_post) if go == "MessageWillBeUpdated" else response()
        forms = [
            (model, replaced),
            (Replace(model), replaced),
            ((model, ""), replaced),
            ((None, "Not here ü"), refused),
            (Reject("Not here ü"), refused),
            (None, allowed),
            (Allow, allowed),
            (Allow(), allowed),
            ((None, ""), allowed),
        ]
        if go == "MessageWillBePosted":
            dismissed = response(reason="plugin.message_will_be_posted.dismiss_post")
            forms += [(Dismiss, dismissed), (Dismiss(), dismissed)]
        for result, expected in forms:
            host.will("return", result)
            assert mapping.wire_differences(expected, host.call(go, request)) == [], result

    @pytest.mark.parametrize("go", REJECTIONS)
    def test_every_form_of_a_rejection(self, host: Host, go: str) -> None:
        for result, reason in [
            (None, ""),
            ("", ""),
            ("No ü", "No ü"),
            (Reject("No"), "No"),
            (Allow, ""),
            (Allow(), ""),
        ]:
            host.will("return", result)
            assert host.call(go, request_of(host, HOOKS[go])).reason == reason

    @pytest.mark.parametrize("go", VALUES)
    def test_every_value(self, host: Host, go: str) -> None:
        spec = HOOKS[go]
        cls = host.protocol.message(spec.response)
        nodes = [result_node(it) for it in response_fields(host, spec)]
        for filler in FILLERS:
            expected = filler(seed(go)).fill(cls, nodes)
            values = mapping.arguments(expected, nodes)
            host.will("return", values[0] if values else None)
            assert mapping.wire_differences(expected, host.call(go, request_of(host, spec))) == [], filler.__name__

    def test_a_configuration_is_replaced_kept_or_refused(self, host: Host) -> None:
        spec = HOOKS["ConfigurationWillBeSaved"]
        response = host.protocol.message(spec.response)
        official = Filler(3).model(host.protocol.message("Config")(), types.model("Config"))
        config = mapping.model(official, types.model("Config"))
        for result, expected in [
            (config, response(config=official)),
            (Replace(config), response(config=official)),
            ((config, ""), response(config=official)),
            (None, response()),
            (Allow, response()),
        ]:
            host.will("return", result)
            assert mapping.wire_differences(expected, host.call(spec.go, request_of(host, spec))) == []
        for result in (Reject("No."), (None, "No.")):
            host.will("return", result)
            error, detail = failed(host, spec)
            assert (error.code(), error.details()) == (grpc.StatusCode.UNKNOWN, "No.")
            assert detail == host.protocol.message("ErrorValue")(message="No.")

    def test_a_command_may_be_answered_by_text(self, host: Host) -> None:
        spec = HOOKS["ExecuteCommand"]
        for result, expected in [
            ("Hello.", {"response_type": "ephemeral", "text": "Hello."}),
            ({"text": "Hello.", "username": "u"}, {"text": "Hello.", "username": "u"}),
            (None, {}),
        ]:
            host.will("return", result)
            answer = host.call(spec.go, request_of(host, spec))
            assert answer.HasField("command_response")
            assert {it.name: value for it, value in answer.command_response.ListFields()} == expected


def result_node(descriptor: Any) -> Node:
    """Returns what a result is by its descriptor: a value, a model or models."""
    node = types.declared(descriptor)
    return Node(node.kind, _SCALARS.get(descriptor.name), node.parts) if node.kind == "scalar" else node


_SCALARS = {"result": int}


def failed(host: Host, spec: HookSpec) -> tuple[Any, Any]:
    """Calls a hook that fails; returns the error and the message in its details."""
    with pytest.raises(grpc.RpcError) as caught:
        host.call(spec.go, request_of(host, spec))
    return caught.value, detail_of(caught.value, host.protocol)


def tells_its_errors(spec: HookSpec) -> bool:
    """Whether an exception is a result of the hook. Not where it would refuse something that nobody meant to refuse."""
    return spec.outcome in ("error", "app_error") and spec.kind != "decides"


class TestFailures:
    """What a handler raises is the status that grpcio gets; what it says in the details depends on the hook's results."""

    @pytest.mark.parametrize("go", PLAIN)
    def test_an_exception_is_a_status(self, host: Host, go: str) -> None:
        host.will("raise", ValueError("too ü"))
        error, detail = failed(host, HOOKS[go])
        assert (error.code(), error.details()) == (grpc.StatusCode.UNKNOWN, "ValueError: too ü")
        if tells_its_errors(HOOKS[go]):
            assert detail == host.protocol.message("ErrorValue")(message="ValueError: too ü")
        else:
            assert detail is None

    @pytest.mark.parametrize("go", PLAIN)
    def test_a_refusal_travels_in_its_own_words(self, host: Host, go: str) -> None:
        host.will("raise", HookRejected("Not today."))
        if go in (*VERDICTS, *REJECTIONS):
            # These have a result that says so.
            assert host.call(go, request_of(host, HOOKS[go])).reason == "Not today."
            return
        error, detail = failed(host, HOOKS[go])
        assert (error.code(), error.details()) == (grpc.StatusCode.UNKNOWN, "Not today.")
        if HOOKS[go].outcome == "app_error":
            assert (detail.DESCRIPTOR.name, detail.message, detail.where) == ("AppError", "Not today.", go)
            assert detail.id
        else:
            assert detail == host.protocol.message("ErrorValue")(message="Not today.")

    def test_a_long_text_does_not_lose_the_status(self, host: Host) -> None:
        host.will("raise", ValueError("x" * 100_000))
        error, detail = failed(host, HOOKS["OnInstall"])
        assert error.code() == grpc.StatusCode.UNKNOWN
        assert error.details().startswith("ValueError: xxx")
        assert detail.message.startswith("ValueError: xxx")

    @pytest.mark.parametrize("go", [go for go in PLAIN if tells_its_errors(HOOKS[go])])
    def test_an_error_of_the_api_keeps_what_it_says(self, host: Host, go: str) -> None:
        raised = errors.NotFoundError(
            "No such user.", id="app.user.missing", detailed_error="u1", where="GetUser", request_id="r1"
        )
        host.will("raise", raised)
        _, detail = failed(host, HOOKS[go])
        app_error = host.protocol.message("AppError")(
            id="app.user.missing",
            message="No such user.",
            detailed_error="u1",
            where="GetUser",
            request_id="r1",
            status_code=404,
        )
        if HOOKS[go].outcome == "app_error":
            assert detail == app_error
        else:
            assert detail == host.protocol.message("ErrorValue")(message="No such user.", app_error=app_error)


class TestStreams:
    """Hooks whose arguments and results are streams, with everything filled that may be there."""

    CONTENT = bytes(range(256)) * 600

    def pieces(self) -> list[bytes]:
        return [self.CONTENT[start : start + 50_000] for start in range(0, len(self.CONTENT), 50_000)]

    @pytest.mark.parametrize("go", [go for go in STREAMS if HOOKS[go].stream == "http_exchange"])
    def test_an_http_exchange(self, host: Host, go: str) -> None:
        spec = HOOKS[go]
        message = host.protocol.message(spec.request)
        start = Filler(seed(go)).message(host.protocol.message(f"{go}Start")())
        end = message(body_end={"trailers": {"X-Sum": {"values": ["1"]}}})
        host.will("return", HttpResponse(207, {"X-Many": ["1", "2"], "Content-Type": "x/y"}, self.CONTENT))
        answers = host.call(go, iter([message(start=start), *(message(body=it) for it in self.pieces()), end]))

        ((name, (context, request)),) = host.taken()
        assert name == go
        node = parameters(spec)[0]
        assert mapping.differences(mapping.model(start.context, node.cls), context, go) == []
        head = start.request
        for attribute in ("method", "url", "proto", "host", "remote_addr", "request_uri"):
            assert request[attribute] == getattr(head, attribute), attribute
        # Names of header fields are compared without regard to case.
        sent = {name.lower(): list(head.header[name].values) for name in head.header}
        assert {name.lower(): values for name, values in request["headers"].items()} == sent
        assert request["body"] == self.CONTENT

        first, *rest = answers
        assert first.head.status_code == 207
        # What the server had set is sent back as it was, be it a name of a header field or none.
        given = {name: list(start.response_header[name].values) for name in start.response_header}
        header = {name: list(first.head.header[name].values) for name in first.head.header}
        own = {"X-Many": ["1", "2"], "Content-Type": ["x/y"], "Content-Length": [str(len(self.CONTENT))]}
        assert header == {**given, **own}
        assert {it.WhichOneof("part") for it in rest} == {"body"}
        assert b"".join(it.body for it in rest) == self.CONTENT

    @pytest.mark.parametrize("go", [go for go in STREAMS if HOOKS[go].stream == "http_exchange"])
    def test_a_failing_handler_answers_500(self, host: Host, go: str) -> None:
        message = host.protocol.message(HOOKS[go].request)
        start = Filler(1).message(host.protocol.message(f"{go}Start")())
        host.will("raise", ValueError("no"))
        first, *_ = host.call(go, iter([message(start=start), message(body_end={})]))
        assert first.head.status_code == 500
        given = {name: list(start.response_header[name].values) for name in start.response_header}
        header = {name: list(first.head.header[name].values) for name in first.head.header}
        assert {name: values for name, values in header.items() if name in given} == given

    def test_a_file_is_read_and_judged(self, host: Host) -> None:
        spec = HOOKS["FileWillBeUploaded"]
        message = host.protocol.message(spec.request)
        start = Filler(seed(spec.go)).message(host.protocol.message("FileWillBeUploadedStart")())
        info = Filler(7).model(host.protocol.message("FileInfo")(), types.model("FileInfo"))
        model = mapping.model(info, types.model("FileInfo"))
        for result, expected in [
            (model, {"info": info}),
            (Replace(model), {"info": info}),
            (Reject("No."), {"reason": "No."}),
            ((None, "No."), {"reason": "No."}),
            (None, {}),
        ]:
            host.will("return", result)
            requests = [message(start=start), *(message(content=it) for it in self.pieces()), message(content_end={})]
            (answer,) = host.call(spec.go, iter(requests))
            ((_, (context, got, content)),) = host.taken()
            assert mapping.differences(mapping.model(start.context, type(context)), context, "context") == []
            assert mapping.differences(mapping.model(start.info, type(got)), got, "info") == []
            assert content == self.CONTENT
            outcome = host.protocol.message("FileWillBeUploadedResult")
            wanted = outcome(**{_like(outcome, name): value for name, value in expected.items()})
            assert mapping.wire_differences(wanted, answer.result) == []


def _like(message: Any, name: str) -> str:
    """Returns the field of this name, or the one that ends in it."""
    return next(it.name for it in message.DESCRIPTOR.fields if it.name.endswith(name))
