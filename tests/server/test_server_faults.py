"""What goes wrong in plugins, and what the administrator sees of it: errors of activation, records in the log, and no process left."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from fair_clock import CLOCK
from minimost import Minimost, Record, Refused, running
from plugins import WithSource, handler, posted, source
from processes import children, left_after


def post(server: Minimost, message: str = "hello") -> dict[str, object]:
    """Posts; returns what becomes of the post."""
    reply = server.hook("MessageWillBePosted", {}, {"Id": "p1", "Message": message})
    assert reply.results[1] == ""
    result: dict[str, object] = reply.results[0]
    return result


def unfiltered(server: Minimost) -> list[Record]:
    """What reached the server's own log without the host's seeing to its form; what go-plugin understands has a timestamp."""
    raw = ("stderr", "plugin_stdout", "plugin_stderr")
    return [it for it in server.records() if it.source in raw and "timestamp" not in it.fields]


def tracebacks(server: Minimost) -> list[Record]:
    """The records that say where in the Python code something happened."""
    return [it for it in server.records() if 'File "' in f"{it.message} {it.fields}"]


# Before the plugin runs.


def test_the_handshake_comes_before_python(minimost: Path, plugin_of: WithSource) -> None:
    # The server gives 3 s to the handshake, and imports may take half a minute. These take until the server has had its handshake.
    folder = plugin_of(source(before="while not os.path.exists('go on'):\n    time.sleep(0.01)"))
    with running(minimost, folder) as server:
        start = server._send(900, "start", {})
        assert server.record("using plugin").source == "server"
        assert not server.answered(start), "it asks for the plugin's hooks, which are not known yet"
        (folder / "go on").touch()
        assert "MessageWillBePosted" not in server._finish(start, 60)["implemented"]
        server.activate()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_of_this_name\n", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("def broken(:\n", "SyntaxError: invalid syntax"),
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
        (source("    @hook('OnActivat')\n    def start(self):\n        pass"), "did you mean OnActivate"),
    ],
)
def test_a_plugin_that_cannot_be_imported(minimost: Path, plugin_of: WithSource, text: str, said: str) -> None:
    with running(minimost, plugin_of(text)) as server:
        server.start()
        processes = [server.pid, *children(server.pid)]
        with pytest.raises(Refused) as caught:
            server.activate()
        assert said in str(caught.value)
        assert len(str(caught.value)) < 500
        assert left_after(processes, 2) == []
        # The whole traceback is one record.
        (record,) = tracebacks(server)
        assert record.level == "error"
        assert said in f"{record.message} {record.fields}"
        assert "plugin.py" in f"{record.message} {record.fields}"
        assert unfiltered(server) == []


def test_a_plugin_that_ends_before_it_runs(minimost: Path, plugin_of: WithSource) -> None:
    with running(minimost, plugin_of("import os\nos._exit(7)\n")) as server:
        server.start()
        with pytest.raises(Refused, match="7"):
            server.activate()


# While it is activated.


@pytest.mark.parametrize(
    ("body", "said"), [("os._exit(7)", "7"), ("os.kill(os.getpid(), 11)", "SIGSEGV"), ("sys.exit(1)", "SystemExit")]
)
def test_python_exits_in_on_activate(minimost: Path, plugin_of: WithSource, body: str, said: str) -> None:
    with running(minimost, plugin_of(handler("", body, "OnActivate"))) as server:
        server.start()
        processes = [server.pid, *children(server.pid)]
        with pytest.raises(Refused) as caught:
            server.activate()
        assert said in str(caught.value)
        assert left_after(processes, 2) == []


# While it runs.


def test_a_hook_that_raises(minimost: Path, plugin_of: WithSource) -> None:
    with running(minimost, plugin_of(posted("raise ValueError('too ü')"))) as server:
        server.start()
        server.activate()
        assert post(server)["Message"] == "hello"
        record = server.record("Faulty.check failed")
        assert record.level == "error"
        assert "ValueError: too ü" in f"{record.message} {record.fields}"
        assert tracebacks(server) == [record]
        assert "plugin.py" in f"{record.message} {record.fields}"
        # It goes on.
        assert post(server, "again")["Message"] == "again"
        server.do("ping")
        assert unfiltered(server) == []


def test_a_reply_of_the_wrong_type(minimost: Path, plugin_of: WithSource) -> None:
    with running(minimost, plugin_of(posted("return 42"))) as server:
        server.start()
        server.activate()
        assert post(server)["Message"] == "hello"
        record = server.record("Faulty.check returned 42")
        assert record.level == "error"
        assert "MessageWillBePosted takes" in record.message
        assert tracebacks(server) == []
        assert post(server, "again")["Message"] == "again"


LOGS = """
import logging
self.logger.debug("for developers")
self.logger.info("it happened", extra={"channel_id": "c1", "count": 3})
self.logger.warning("look at this")
self.logger.error("it failed")
logging.getLogger("library").warning("from a library")
"""


def test_records_keep_level_and_key_values(minimost: Path, plugin_of: WithSource) -> None:
    with running(minimost, plugin_of(posted(LOGS))) as server:
        server.start()
        server.activate()
        post(server)
        for text, level in [
            ("for developers", "debug"),
            ("it happened", "info"),
            ("look at this", "warn"),
            ("it failed", "error"),
            ("from a library", "warn"),
        ]:
            assert server.record(text).level == level
        fields = server.record("it happened").fields
        assert (fields["channel_id"], fields["count"]) == ("c1", "3")


PRINTS = """
for stream, word in ((sys.stdout, "OUT"), (sys.stderr, "ERR")):
    # One line that fits nowhere, then many, then what would end the server if it came as it is.
    print(word + "x" * 100 * 1024, file=stream)
    for number in range(1000):
        print(word, number, "y" * 100, file=stream)
    print('{"@message": 5, "@level": "error"}', file=stream)
    print("panic: " + word, file=stream)
    print(word, "the end", file=stream, flush=True)
"""


def test_much_is_printed(minimost: Path, plugin_of: WithSource) -> None:
    with running(minimost, plugin_of(posted(PRINTS))) as server:
        server.start()
        server.activate()
        begin = CLOCK.now
        assert post(server)["Message"] == "hello"
        assert CLOCK.now - begin < 10
        for word in ("OUT", "ERR"):
            last = server.record(f"{word} the end")
            assert last.source == "api"
            lines = [it for it in server.records() if it.message.startswith(f"{word} ") and "yyy" in it.message]
            assert lines, "nothing of what was printed is in the log"
        assert unfiltered(server) == []
        assert server.hook("MessageWillBePosted", {}, {"Message": "again"}).failure == ""
        assert server.stop() < 4


def test_output_before_the_handshake_is_no_handshake(minimost: Path, plugin_of: WithSource) -> None:
    with running(minimost, plugin_of(source(before="print('hello', flush=True)"))) as server:
        server.start()
        server.activate()
        assert server.record("hello").level == "info"


def test_python_dies_while_a_hook_runs(minimost: Path, plugin_of: WithSource) -> None:
    with running(minimost, plugin_of(posted("if post.message == 'die':\n    os._exit(3)"))) as server:
        server.start()
        server.activate()
        begin = CLOCK.now
        assert post(server, "die")["Message"] == "die"
        assert CLOCK.now - begin < 5
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            # Either the host has started Python again, or it has ended, so that the server starts it.
            if server.do("exited"):
                server.stop()
                server.start()
                server.activate()
                break
            if server.hook("MessageWillBePosted", {}, {"Message": "again"}).failure == "":
                break
            time.sleep(0.2)
        assert post(server, "again")["Message"] == "again"
        assert "3" in server.record("exit").message


# At the end.


def test_no_process_outlives_the_server(minimost: Path, plugin_of: WithSource) -> None:
    with running(minimost, plugin_of(posted("time.sleep(60)"))) as server:
        server.start()
        server.activate()
        processes = [server.pid, *children(server.pid)]
        assert len(processes) >= 2
        server.process.kill()
        assert left_after(processes, 2) == []


def test_no_process_outlives_a_server_that_dies_while_python_starts(minimost: Path, plugin_of: WithSource) -> None:
    marker = plugin_of("")
    (marker / "plugin.py").write_text(
        f"import os, pathlib, time\npathlib.Path({json.dumps(str(marker / 'pid'))}).write_text(str(os.getpid()))\ntime.sleep(60)\n"
    )
    server = Minimost(minimost, marker)
    try:
        server._send(1, "start", {})
        deadline = time.monotonic() + 60
        while not (marker / "pid").exists() or not (marker / "pid").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        python = int((marker / "pid").read_text())
        host = children(server.process.pid)
        server.process.kill()
        assert left_after([python, *host], 2) == []
    finally:
        server.close()


def test_an_end_while_a_hook_hangs(minimost: Path, plugin_of: WithSource) -> None:
    with running(minimost, plugin_of(posted("self.logger.info('it hangs')\ntime.sleep(60)"))) as server:
        server.start()
        server.activate()
        server.begin_hook("MessageWillBePosted", fill=1)
        server.record("it hangs")
        processes = [server.pid, *children(server.pid)]
        # 2 s are the server's own patience.
        assert server.stop() < 4
        assert left_after(processes, 2) == []


def test_a_grandchild_does_not_keep_the_server_waiting(minimost: Path, plugin_of: WithSource, tmp_path: Path) -> None:
    pid = tmp_path / "grandchild"
    body = f"child = subprocess.Popen(['sleep', '60'])\nopen({str(pid)!r}, 'w').write(str(child.pid))"
    with running(minimost, plugin_of(posted(body))) as server:
        server.start()
        server.activate()
        post(server)
        grandchild = int(pid.read_text())
        try:
            assert server.stop() < 3
        finally:
            if left_after([grandchild], 0):
                os.kill(grandchild, signal.SIGKILL)


def test_ctrl_c_in_the_servers_terminal_is_not_for_the_plugin(minimost: Path, plugin_of: WithSource) -> None:
    with running(minimost, plugin_of(posted("post.message = 'seen'\nreturn post"))) as server:
        server.start()
        server.activate()
        for process in [server.pid, *children(server.pid)]:
            os.kill(process, signal.SIGINT)
        time.sleep(0.2)
        assert post(server)["Message"] == "seen"
