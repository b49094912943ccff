"""The native client against a grpcio server."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import echo
import grpc_peer
import pytest
from echo import AppError, PlainError
from samples import FULL

from mattermost_plugin import _native

SAY = (echo.SERVICE + "Say", "SayRequest", "SayResponse")
PAIR = (echo.SERVICE + "Pair", "PairRequest", "PairResponse")
NOTHING = (echo.SERVICE + "Nothing", "NothingRequest", "NothingResponse")
EVERYTHING = (echo.SERVICE + "Everything", "EverythingRequest", "EverythingResponse")

pytestmark = pytest.mark.usefixtures("grpc_server")


class TestResults:
    def test_one_field_is_the_result(self, client: _native.Client) -> None:
        assert client.call(*SAY, ("Grüße", b"")) == "Grüße"

    def test_no_field_is_none(self, client: _native.Client) -> None:
        assert client.call(*NOTHING, ()) is None

    def test_several_fields_are_a_tuple(self, client: _native.Client) -> None:
        assert client.call(*PAIR, (7,)) == (7, "7")

    def test_objects_come_back_whole(self, client: _native.Client) -> None:
        assert client.call(*EVERYTHING, (FULL,)) == FULL


class TestMetadata:
    def test_the_token_and_the_deadline_travel(self, client: _native.Client, grpc_server: grpc_peer.Peer) -> None:
        client.call(*SAY, ("x", b""), 20)
        assert grpc_server.metadata["x-mm-token"] == "secret"
        assert grpc_server.remaining is not None
        assert 15 < grpc_server.remaining <= 20
        client.call(*SAY, ("x", b""))
        assert grpc_server.remaining is None or grpc_server.remaining > 1e6

    def test_the_user_agent_can_be_extended(
        self, socket: str, codec: _native.Codec, grpc_server: grpc_peer.Peer
    ) -> None:
        client = _native.Client(socket, codec, user_agent="todo/1.0")
        client.call(*SAY, ("x", b""))
        assert grpc_server.metadata["user-agent"] == f"todo/1.0 mattermost-plugin-native/{_native.version()}"
        assert "x-mm-token" not in grpc_server.metadata


class TestErrors:
    def test_a_status_becomes_an_exception(self, client: _native.Client) -> None:
        with pytest.raises(_native.RpcError) as raised:
            client.call(*SAY, ("error", b""))
        error = raised.value
        assert (error.code, error.code_name, error.message, error.details) == (5, "NOT_FOUND", "nothing here: ö", None)
        assert str(error) == "NOT_FOUND: nothing here: ö"
        assert error.args == (5, "nothing here: ö", None)

    def test_an_app_error_is_decoded(self, client: _native.Client) -> None:
        with pytest.raises(_native.RpcError) as raised:
            client.call(*SAY, ("details", b""))
        assert raised.value.details == AppError(id="app.x", message="Über", status_code=404, where="GetX")

    def test_a_plain_error_is_an_exception(self, client: _native.Client) -> None:
        with pytest.raises(_native.RpcError) as raised:
            client.call(*SAY, ("plain", b""))
        assert raised.value.details == PlainError(2, "no rows")

    def test_long_details_arrive(self, client: _native.Client) -> None:
        with pytest.raises(_native.RpcError) as raised:
            client.call(*SAY, ("huge", b""))
        assert raised.value.details == AppError(detailed_error="x" * 200_000)

    def test_strange_details_are_left_out(self, client: _native.Client) -> None:
        with pytest.raises(_native.RpcError, match="not found") as raised:
            client.call(*SAY, ("strange", b""))
        assert (raised.value.details, raised.value.__cause__) == (None, None)

    def test_broken_details_do_not_hide_the_status(self, client: _native.Client) -> None:
        with pytest.raises(_native.RpcError, match="not found") as raised:
            client.call(*SAY, ("broken", b""))
        assert raised.value.code == 5
        assert "AppError" in str(raised.value.__cause__)

    def test_an_unknown_method_is_unimplemented(self, client: _native.Client) -> None:
        with pytest.raises(_native.RpcError) as raised:
            client.call(echo.SERVICE + "Nope", "SayRequest", "SayResponse", ("x", b""))
        assert raised.value.code_name == "UNIMPLEMENTED"

    def test_wrong_arguments_are_not_sent(self, client: _native.Client, grpc_server: grpc_peer.Peer) -> None:
        with pytest.raises(TypeError, match=r"^SayRequest\.text: expected str, got int$"):
            client.call(*SAY, (1, b""))
        assert grpc_server.metadata == {}

    def test_wrong_use_is_told(self, client: _native.Client) -> None:
        with pytest.raises(ValueError, match="is no gRPC method"):
            client.call("no path\n", "SayRequest", "SayResponse", ("x", b""))
        with pytest.raises(ValueError, match="not a number"):
            client.call(*SAY, ("x", b""), float("nan"))

    def test_an_answer_that_does_not_fit_is_a_value_error(self, client: _native.Client) -> None:
        with pytest.raises(ValueError, match=r"^PairResponse\.first: has wire type 2, expected 0$"):
            client.call(SAY[0], "SayRequest", "PairResponse", ("x", b""))


class TestTime:
    def test_a_deadline_ends_the_call_here_and_there(self, client: _native.Client, grpc_server: grpc_peer.Peer) -> None:
        for timeout in grpc_server.heard():
            begin = time.monotonic()
            # By itself the server answers after half a minute.
            with pytest.raises(_native.RpcError) as raised:
                client.call(*SAY, ("sleep", b""), timeout)
            assert raised.value.code_name == "DEADLINE_EXCEEDED"
            assert time.monotonic() - begin > 0.75 * timeout
        assert grpc_server.cancelled.wait(20)

    @pytest.mark.parametrize("timeout", [0, -1, 1e-9])
    def test_no_time_is_an_error_at_once(self, client: _native.Client, timeout: float) -> None:
        with pytest.raises(_native.RpcError) as raised:
            client.call(*SAY, ("x", b""), timeout)
        assert raised.value.code_name == "DEADLINE_EXCEEDED"

    def test_a_very_long_time_is_accepted(self, client: _native.Client) -> None:
        assert client.call(*SAY, ("x", b""), float("inf")) == "x"
        assert client.call(*SAY, ("x", b""), 1e300) == "x"


class TestConnection:
    def test_many_threads_share_it(self, client: _native.Client) -> None:
        def work(name: int) -> list[object]:
            return [client.call(*SAY, (f"{name}.{n}", b"")) for n in range(50)]

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(work, range(8)))
        assert results == [[f"{name}.{n}" for n in range(50)] for name in range(8)]

    def test_other_threads_run_while_one_waits(self, client: _native.Client, grpc_server: grpc_peer.Peer) -> None:
        waiting = threading.Thread(target=client.call, args=(*SAY, ("sleep", b"")))
        waiting.start()
        assert grpc_server.entered.wait(5)
        assert client.call(*SAY, ("meanwhile", b"")) == "meanwhile"
        assert waiting.is_alive()
        grpc_server.release.set()
        waiting.join(5)
        assert not waiting.is_alive()

    def test_large_messages_travel(self, client: _native.Client) -> None:
        assert client.call(*SAY, ("", bytes(30 << 20))) == str(30 << 20)
        assert len(client.call(*SAY, ("x" * (20 << 20), b""))) == 20 << 20

    def test_after_close_it_says_so(self, client: _native.Client) -> None:
        client.call(*SAY, ("x", b""))
        client.close()
        client.close()
        with pytest.raises(RuntimeError, match="the client was closed"):
            client.call(*SAY, ("x", b""))

    def test_close_ends_running_calls(self, client: _native.Client, grpc_server: grpc_peer.Peer) -> None:
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(client.call, *SAY, ("sleep", b""))
            assert grpc_server.entered.wait(5)
            client.close()
            error = running.exception(5)
        assert isinstance(error, _native.RpcError)
        assert error.code_name in ("UNAVAILABLE", "CANCELLED")
        assert grpc_server.cancelled.wait(5)


def test_without_a_server_it_is_unavailable(codec: _native.Codec, tmp_path: Path) -> None:
    client = _native.Client(str(tmp_path / "nobody"), codec)
    with pytest.raises(_native.RpcError, match=r"cannot connect to .*nobody") as raised:
        client.call(*SAY, ("x", b""))
    assert raised.value.code_name == "UNAVAILABLE"


def test_it_connects_again_when_the_server_returns(socket: str, pb2: ModuleType, pb2_grpc: ModuleType) -> None:
    client = _native.Client(socket, echo.make_codec())
    first = grpc_peer.Peer(pb2, pb2_grpc).serve(socket)
    assert client.call(*SAY, ("1", b"")) == "1"
    first.stop(None).wait()
    with pytest.raises(_native.RpcError) as raised:  # noqa: PT012 (which of the calls is the first is not known)
        for _ in range(50):
            client.call(*SAY, ("x", b""))
            time.sleep(0.02)
    assert raised.value.code_name == "UNAVAILABLE"
    second = grpc_peer.Peer(pb2, pb2_grpc).serve(socket)
    assert client.call(*SAY, ("2", b"")) == "2"
    second.stop(None).wait()
