"""What only shows in a process of its own: signals, the end of the interpreter in every state, fork."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import grpc_peer
import pytest
from scripts import environment, run, running

#: How often each way to end is tried: the failures that this is about were races.
RUNS = 20

#: How often something is done that has to be quick once: a machine may stand still for a moment, but not every time.
TRIES = 5

#: Seconds after which what has not happened is a failure.
PATIENCE = 30.0

ENDS = {
    "nothing was used": "server = _native.Server(path, codec, echo.METHODS); client = _native.Client(path, codec)",
    "daemon threads wait": """
        server = _native.Server(path, codec, echo.METHODS)
        for _ in range(4): start(serve, server)
        until(lambda: server.idle() == 4)
    """,
    "plain threads wait": """
        server = _native.Server(path, codec, echo.METHODS)
        for _ in range(4): start(serve, server, daemon=False)
        until(lambda: server.idle() == 4)
    """,
    "plain threads wait after calls": """
        server = _native.Server(path, codec, echo.METHODS)
        for _ in range(4): start(serve, server, daemon=False)
        client = _native.Client(path, codec)
        for n in range(20): assert client.call(*SAY, (str(n), b"")) == str(n)
    """,
    "stopped": """
        server = _native.Server(path, codec, echo.METHODS)
        for _ in range(4): start(serve, server, daemon=False)
        until(lambda: server.idle() == 4)
        server.stop()
    """,
    "stopped at exit": """
        server = _native.Server(path, codec, echo.METHODS)
        for _ in range(4): start(serve, server)
        atexit.register(server.stop)
    """,
    "calls are in flight": """
        server = _native.Server(path, codec, echo.METHODS)
        for _ in range(4): start(serve, server, lambda call: time.sleep(100))
        client = _native.Client(path, codec)
        for _ in range(8): start(quietly, client.call, *SAY, ("x", b""))
        until(lambda: server.active() == 4)
    """,
    "calls are being answered": """
        server = _native.Server(path, codec, echo.METHODS)
        for _ in range(4): start(serve, server)
        client = _native.Client(path, codec)
        def loop():
            while True: quietly(client.call, *SAY, ("x", b""))
        for _ in range(4): start(loop)
        time.sleep(0.05)
    """,
    "stopped with calls in flight": """
        server = _native.Server(path, codec, echo.METHODS)
        for _ in range(4): start(serve, server, lambda call: time.sleep(100))
        client = _native.Client(path, codec)
        threads = [start(quietly, client.call, *SAY, ("x", b""), daemon=False) for _ in range(8)]
        until(lambda: server.active() == 4)
        server.stop()
    """,
    "futures are open": """
        server = _native.Server(path, codec, echo.METHODS)
        client = _native.Client(path, codec)
        async def main():
            futures = [client.call_async(*PAIR, (n,)) for n in range(8)]
            await asyncio.sleep(0.02)
            return futures
        futures = asyncio.run(main())
    """,
    "tasks are answering": """
        server = _native.Server(path, codec, echo.METHODS)
        client = _native.Client(path, codec)
        async def main():
            loop = asyncio.get_running_loop()
            def drain():
                for call in server.drain_async():
                    if call.args[0] % 2: call.reply((1, ""))
                    else: kept.append(call)
            loop.add_reader(server.fileno(), drain)
            futures = [client.call_async(*PAIR, (n,)) for n in range(8)]
            await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
        kept = []
        asyncio.run(main())
    """,
    "streams are open": """
        server = _native.Server(path, codec, echo.METHODS)
        client = _native.Client(path, codec)
        stream = client.stream(*CHAT)
        stream.write(("x", b""))
        call = server.recv()
        call.read_message()
        start(quietly, call.read_message)
        start(quietly, stream.read)
        time.sleep(0.01)
    """,
    "others wait for the shutdown": """
        server = _native.Server(path, codec, echo.METHODS)
        start(server.wait_shutdown)
        start(server.wait_shutdown, daemon=False)
        start(server.recv, 100, daemon=False)
        time.sleep(0.01)
    """,
    "objects are in a cycle": """
        server = _native.Server(path, codec, echo.METHODS)
        client = _native.Client(path, codec)
        cycle = [server, client, codec]; cycle.append(cycle)
        del server, client, codec, cycle
        gc.collect()
    """,
    "sys.exit in the middle of a call": """
        server = _native.Server(path, codec, echo.METHODS)
        for _ in range(2): start(serve, server, lambda call: time.sleep(100))
        client = _native.Client(path, codec)
        start(quietly, client.call, *SAY, ("x", b""))
        until(lambda: server.active() == 1)
        sys.exit(0)
    """,
}


@pytest.mark.parametrize("state", ENDS)
def test_the_interpreter_ends_cleanly_when(state: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    for number in range(RUNS):
        folder = tmp_path_factory.mktemp("s", numbered=True)
        begin = time.monotonic()
        result = run(ENDS[state], str(folder / "s"))
        seconds = time.monotonic() - begin
        assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), f"run {number}"
        assert seconds < 10, f"run {number} took {seconds:.1f} s"


class TestSignals:
    def test_ctrl_c_ends_a_call_at_once(self, grpc_server: grpc_peer.Peer, socket: str) -> None:
        body = f"""
            client = _native.Client(path, codec)
            for _ in range({TRIES}):
                sys.stdin.readline()
                try:
                    client.call(*SAY, ("sleep", b""))
                except KeyboardInterrupt:
                    print(time.monotonic(), flush=True)
            assert client.call(*SAY, ("after", b"")) == "after"
        """
        took = []
        with running(body, socket) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for _ in range(TRIES):
                grpc_server.entered.clear()
                process.stdin.write("go\n")
                process.stdin.flush()
                assert grpc_server.entered.wait(PATIENCE)
                sent = time.monotonic()
                process.send_signal(signal.SIGINT)
                took.append(float(process.stdout.readline()) - sent)
            output, errors = process.communicate(timeout=PATIENCE)
        assert (process.returncode, output, errors) == (0, "", "")
        assert min(took) < 0.1, took
        assert grpc_server.cancelled.wait(PATIENCE)

    @pytest.mark.parametrize("wait", ["server.recv()", "server.wait_shutdown()", "server.stop(60)"])
    def test_ctrl_c_ends_the_servers_waits(self, socket: str, wait: str) -> None:
        body = f"""
            server = _native.Server(path, codec, echo.METHODS)
            client = _native.Client(path, codec)
            start(quietly, client.call, *SAY, ("x", b""))
            if "stop" in {wait!r}:
                call = server.recv()
            else:
                server.recv().reply(("",))
            def interrupt():
                time.sleep(0.1)
                sent.append(time.monotonic())
                os.kill(os.getpid(), signal.SIGINT)
            sent, took = [], []
            for _ in range({TRIES}):
                try:
                    start(interrupt)
                    {wait}
                    print("it returned by itself")
                except KeyboardInterrupt:
                    took.append(time.monotonic() - sent[-1])
            print(min(took))
        """
        result = run(body, socket, PATIENCE)
        assert result.stderr == ""
        assert float(result.stdout) < 0.1

    def test_a_signal_handler_that_returns_does_not_end_the_call(
        self, grpc_server: grpc_peer.Peer, socket: str
    ) -> None:
        body = """
            signal.signal(signal.SIGUSR1, lambda *_: print("seen", flush=True))
            print(_native.Client(path, codec).call(*SAY, ("sleep", b"")))
        """
        with running(body, socket) as process:
            assert process.stdout is not None
            assert grpc_server.entered.wait(PATIENCE)
            process.send_signal(signal.SIGUSR1)
            assert process.stdout.readline() == "seen\n"
            grpc_server.release.set()
            output, errors = process.communicate(timeout=PATIENCE)
        assert (output, errors) == ("sleep\n", "")

    def test_ctrl_c_from_outside_ends_the_process(self, grpc_server: grpc_peer.Peer, socket: str) -> None:
        with running('_native.Client(path, codec).call(*SAY, ("sleep", b""))', socket) as process:
            assert grpc_server.entered.wait(PATIENCE)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE)
        assert errors.rstrip().endswith("KeyboardInterrupt")
        assert process.returncode == -signal.SIGINT


class TestFork:
    def test_the_child_is_told_and_the_parent_goes_on(self, socket: str) -> None:
        body = """
            server = _native.Server(path, codec, echo.METHODS)
            for _ in range(2): start(serve, server, lambda call: call.is_stream or call.reply((call.args[0],)))
            client = _native.Client(path, codec)
            stream = client.stream(*CHAT)
            assert client.call(*SAY, ("before", b"")) == "before"
            child = os.fork()
            if child == 0:
                uses = [
                    lambda: client.call(*SAY, ("x", b"")),
                    lambda: client.close(),
                    lambda: _native.Client(path, codec),
                    lambda: _native.Server(path + "2", codec, {}),
                    lambda: server.recv(), lambda: server.stop(), lambda: server.pending(), lambda: server.drain_async(),
                    lambda: stream.read(), lambda: stream.write(("x", b"")), lambda: stream.cancel(),
                ]
                for use in uses:
                    try:
                        use()
                    except RuntimeError as error:
                        assert "forked process" in str(error), error
                    else:
                        raise AssertionError("it worked")
                assert codec.decode("SayRequest", codec.encode("SayRequest", ("x", b"y"))) == ("x", b"y")
                del client, server, stream
                gc.collect()
                sys.exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
            assert os.path.exists(path)
            assert client.call(*SAY, ("after", b"")) == "after"
            print("ok")
        """
        result = run(body, socket)
        assert (result.stdout, result.stderr) == ("ok\n", "")

    def test_a_child_that_never_used_it_may(self, socket: str) -> None:
        body = """
            child = os.fork()
            if child == 0:
                server = _native.Server(path, codec, echo.METHODS)
                start(serve, server)
                assert _native.Client(path, codec).call(*SAY, ("child", b"")) == "child"
                sys.exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
            print("ok")
        """
        result = run(body, socket)
        assert (result.stdout, result.stderr) == ("ok\n", "")

    def test_subprocesses_inherit_nothing(self, socket: str) -> None:
        body = """
            import subprocess
            server = _native.Server(path, codec, echo.METHODS)
            start(serve, server)
            client = _native.Client(path, codec)
            client.call(*SAY, ("x", b""))
            look = (
                "import os; folder = '/proc/self/fd/'; "
                "print([os.path.realpath(folder + fd) for fd in os.listdir(folder) if int(fd) > 2])"
            )
            found = subprocess.run([sys.executable, "-c", look], close_fds=False, capture_output=True, text=True)
            assert "socket" not in found.stdout and "eventfd" not in found.stdout, found.stdout
            print("ok")
        """
        if not Path("/proc/self/fd").exists():
            pytest.skip("needs /proc")
        result = run(body, socket)
        assert (result.stdout, result.stderr) == ("ok\n", "")


def test_importing_it_brings_no_asyncio() -> None:
    code = "import sys; import mattermost_plugin._native; print([it for it in ('asyncio', 'datetime') if it in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=20, check=True
    )
    assert result.stdout == "[]\n"
