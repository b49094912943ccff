"""Log records on their way to the host: what is kept, what is dropped, and what happens when there is no host."""

from __future__ import annotations

import gc
import logging
import os
import queue
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from mattermost_plugin import _native
from mattermost_plugin._runtime import logs
from mattermost_plugin._runtime.codec import make_codec

LOG = logging.getLogger("mattermost_plugin.plugin")


@pytest.fixture
def handler() -> Iterator[logs.HostHandler]:
    root = logging.getLogger()
    before = list(root.handlers), root.level
    root.handlers = []
    handler = logs.install()
    yield handler
    handler.finish(0.2)
    root.handlers, root.level = before[0], before[1]
    logging.captureWarnings(False)
    logging.getLogger("mattermost_plugin").setLevel(logging.NOTSET)


@pytest.fixture
def client(host: Any) -> Iterator[_native.Client]:
    client = _native.Client(host.socket("host"), make_codec(), token=host.token)
    yield client
    client.close()


def test_a_record_has_everything(host: Any, handler: logs.HostHandler, client: _native.Client) -> None:
    handler.connect(client, 1)
    try:
        {}["missing"]
    except KeyError:
        LOG.exception("it %s", "failed", extra={"channel": "c1", "count": 3}, stack_info=True)
    record = host.log("it failed")
    assert (record.level, record.logger) == (4, "mattermost_plugin.plugin")
    assert dict(record.fields) == {"channel": "c1", "count": "3"}
    assert record.traceback.startswith("Traceback (most recent call last):")
    assert "KeyError: 'missing'\nStack (most recent call last):" in record.traceback
    assert abs(record.time_ms - time.time() * 1000) < 5000


@pytest.mark.parametrize(
    ("level", "sent"),
    [(logging.DEBUG, 1), (logging.INFO, 2), (25, 2), (logging.WARNING, 3), (logging.ERROR, 4), (logging.CRITICAL, 4)],
)
def test_levels(host: Any, handler: logs.HostHandler, client: _native.Client, level: int, sent: int) -> None:
    handler.connect(client, 1)
    LOG.log(level, "text")
    assert host.log("text").level == sent


def test_records_come_in_order_and_several_at_a_time(
    host: Any, handler: logs.HostHandler, client: _native.Client
) -> None:
    for number in range(500):
        LOG.info("record %d", number)
    handler.connect(client, 1)
    handler.finish()
    assert [record.message for record in host.records] == [f"record {number}" for number in range(500)]


def test_what_the_host_does_not_keep_is_not_sent(host: Any, handler: logs.HostHandler, client: _native.Client) -> None:
    LOG.info("before the hello")
    logs.apply_level(3)
    handler.connect(client, 3)
    LOG.info("after it")
    LOG.warning("kept")
    logging.getLogger("library").info("a library's")
    handler.finish()
    assert [record.message for record in host.records] == ["kept"]


def test_libraries_are_heard_from_info_on(host: Any, handler: logs.HostHandler, client: _native.Client) -> None:
    logs.apply_level(1)
    handler.connect(client, 1)
    logging.getLogger("library").debug("noise")
    logging.getLogger("library").info("news")
    LOG.debug("own")
    handler.finish()
    assert [(record.logger, record.message) for record in host.records] == [
        ("library", "news"),
        ("mattermost_plugin.plugin", "own"),
    ]


def test_a_level_that_the_plugin_chose_stays(handler: logs.HostHandler) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    logs.apply_level(2)
    assert logging.getLogger().level == logging.DEBUG
    assert logging.getLogger("mattermost_plugin").level == logging.INFO


def test_warnings_are_records(host: Any, handler: logs.HostHandler, client: _native.Client) -> None:
    handler.connect(client, 1)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn("old thing", stacklevel=1)
    assert host.log("old thing").logger == "py.warnings"


def test_handlers_that_print_are_replaced() -> None:
    root = logging.getLogger()
    before = list(root.handlers)
    own = logging.FileHandler(os.devnull)
    root.handlers = [logging.StreamHandler(), logging.StreamHandler(sys.stdout), own]
    handler = logs.install()
    try:
        assert root.handlers == [own, handler]
    finally:
        handler.finish(0.1)
        own.close()
        root.handlers = before
        logging.captureWarnings(False)


def test_broken_arguments_harm_nobody(
    host: Any, handler: logs.HostHandler, client: _native.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    handler.connect(client, 1)
    # Straight to the handler: pytest's own raises.
    handler.handle(logging.makeLogRecord({"msg": "%d items", "args": ("many",)}))
    LOG.info("fine")
    host.log("fine")
    assert "--- Logging error ---" in capsys.readouterr().err


def test_odd_texts_travel(host: Any, handler: logs.HostHandler, client: _native.Client) -> None:
    handler.connect(client, 1)
    LOG.info("half \ud83d a character, ü and 𝄞", extra={"key": "\udcff"})
    record = host.log("a character")
    assert record.message == "half \\ud83d a character, ü and 𝄞"
    assert record.fields["key"] == "\\udcff"


def test_a_huge_text_is_cut(host: Any, handler: logs.HostHandler, client: _native.Client) -> None:
    handler.connect(client, 1)
    LOG.info("x" * 300_000)
    message = host.log("xxx").message
    assert message.endswith("… (37856 more characters)")
    assert len(message) < 270_000


def test_what_comes_too_fast_is_counted(
    host: Any, handler: logs.HostHandler, client: _native.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_MAX_WAITING", 10)
    for _ in range(25):
        LOG.info("again")
    handler.connect(client, 1)
    record = host.log("15 log records were dropped: they came faster than the host takes them")
    assert record.level == 3


def test_without_a_host_records_are_printed(
    tmp_path: Any, handler: logs.HostHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    client = _native.Client(str(tmp_path / "nobody.sock"), make_codec())
    handler.connect(client, 1)
    LOG.warning("lost?", extra={"a": 1})
    handler.finish(5)
    errors = capsys.readouterr().err
    assert "WARN mattermost_plugin.plugin: lost? a=1\n" in errors
    assert "mattermost_plugin: the host takes no log records (UNAVAILABLE" in errors


def test_after_the_end_records_are_printed(handler: logs.HostHandler, capsys: pytest.CaptureFixture[str]) -> None:
    LOG.info("early")
    handler.finish(0.1)
    LOG.info("late")
    assert capsys.readouterr().err == "INFO mattermost_plugin.plugin: early\nINFO mattermost_plugin.plugin: late\n"


def test_the_end_does_not_wait_for_what_the_sender_has_taken_meanwhile(handler: logs.HostHandler) -> None:
    class Taken(queue.SimpleQueue[Any]):
        def empty(self) -> bool:
            # It was not, when it was asked.
            return False

    waiting, handler._waiting = handler._waiting, Taken()
    ending = threading.Thread(target=handler.finish, args=(0.1,), daemon=True)
    ending.start()
    ending.join(20)
    handler._waiting = waiting
    assert not ending.is_alive()


def test_logging_does_not_wait_for_a_slow_host(host: Any, handler: logs.HostHandler, client: _native.Client) -> None:
    going_on = threading.Event()

    def slow(message: Any, _: grpc.ServicerContext) -> Any:
        going_on.wait(20)
        host.records.extend(message.records)

    host._write_logs = slow
    handler.connect(client, 1)
    for _ in range(100):
        LOG.info("quick")
    # Not one of them has been taken yet.
    assert host.records == []
    going_on.set()
    host.log("quick")


def test_a_forked_child_prints(host: Any, handler: logs.HostHandler, client: _native.Client) -> None:
    handler.connect(client, 1)
    read, write = os.pipe()
    # The child is to destroy nothing of grpcio's: the threads that may hold its locks are not there.
    gc.collect()
    child = os.fork()
    if child == 0:
        gc.disable()
        os.dup2(write, 2)
        sys.stderr = os.fdopen(2, "w", buffering=1)
        LOG.info("from the child")
        os._exit(0)
    os.close(write)
    if not select.select([read], [], [], 20)[0]:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert os.read(read, 1000) == b"INFO mattermost_plugin.plugin: from the child\n"
    os.close(read)
    handler.finish()
    assert [record for record in host.records if record.logger != "py.warnings"] == []
