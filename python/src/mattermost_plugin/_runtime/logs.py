"""Records of `logging` to the host, several at a time, from a thread of their own.

The handler sits on the root logger, so that what libraries log arrives too. Logging never blocks a handler of the plugin and never
calls itself: what is logged while records travel, or when the host cannot be reached, goes to standard error, which the host
reads as well.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from mattermost_plugin._runtime import host_protocol as host
from mattermost_plugin._runtime.tracebacks import format_exception

if TYPE_CHECKING:
    from mattermost_plugin import _native

__all__ = ["HostHandler", "install", "level_from_host"]

#: One entry of ``host.WriteLogsRequest``, in the order of its table.
Record = tuple[int, str, str, int, dict[str, str], str]

#: Records that may wait; further ones are counted and dropped, so that a plugin that logs in a loop keeps its memory.
_MAX_WAITING: Final = 10_000
_MAX_BATCH: Final = 200
_MAX_TEXT: Final = 256 * 1024
_SEND_TIMEOUT: Final = 5.0

#: Attributes that every record has; all others came by ``extra=``.
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def level_to_host(levelno: int) -> int:
    """Returns the host's level for one of Python's."""
    if levelno >= logging.ERROR:
        return host.LEVEL_ERROR
    if levelno >= logging.WARNING:
        return host.LEVEL_WARN
    return host.LEVEL_INFO if levelno >= logging.INFO else host.LEVEL_DEBUG


def level_from_host(level: int) -> int:
    """Returns Python's level for the host's least level; everything when it did not say."""
    return {host.LEVEL_INFO: logging.INFO, host.LEVEL_WARN: logging.WARNING, host.LEVEL_ERROR: logging.ERROR}.get(
        level, logging.DEBUG
    )


class HostHandler(logging.Handler):
    """Keeps records until `connect`, then sends them as they come.

    Records that are made before the hello wait; should it never come, `close` prints them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._waiting: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
        self._client: _native.Client | None = None
        self._sender: threading.Thread | None = None
        self._pid = os.getpid()
        self._dropped = 0
        self._level = host.LEVEL_UNSPECIFIED

    def connect(self, client: _native.Client, level: int) -> None:
        """Sends what waits and all that follows.

        Args:
            client: The connection.
            level: The host's least level; what waits and is below it is dropped.
        """
        self._client = client
        self._level = level
        self._sender = threading.Thread(target=self._send_all, name="mattermost-logs", daemon=True)
        self._sender.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Takes a record; never waits for the host."""
        try:
            entry = to_entry(record)
        except Exception:
            self.handleError(record)
            return
        if os.getpid() != self._pid or threading.current_thread() is self._sender:
            _print(entry)
        elif self._waiting.qsize() >= _MAX_WAITING:
            self._dropped += 1
        else:
            self._waiting.put(entry)

    def finish(self, timeout: float = 2.0) -> None:
        """Sends what waits and ends; what could not be sent is printed. Later records are printed too.

        Args:
            timeout: Seconds to wait for the host at most.
        """
        sender = self._sender
        if sender is not None and os.getpid() == self._pid:
            self._waiting.put(None)
            sender.join(timeout)
        self._pid = -1
        # The sender may still be taking some, when the host is slow.
        with contextlib.suppress(queue.Empty):
            while True:
                entry = self._waiting.get_nowait()
                if entry is not None:
                    _print(entry)

    def close(self) -> None:
        """Called by `logging` at the interpreter's exit."""
        self.finish(timeout=0.5)
        super().close()

    def _send_all(self) -> None:
        """Sends batches until `finish` puts the end mark."""
        ending = False
        while not ending:
            batch: list[Record] = []
            entry = self._waiting.get()
            while entry is not None:
                if entry[0] >= self._level:
                    batch.append(entry)
                if len(batch) >= _MAX_BATCH or self._waiting.empty():
                    break
                entry = self._waiting.get()
            ending = entry is None
            if self._dropped:
                batch.append(_dropped_entry(self._dropped))
                self._dropped = 0
            if batch:
                self._send(batch)

    def _send(self, batch: list[Record]) -> None:
        assert self._client is not None  # noqa: S101 (the thread starts with it)
        path, request, response = host.WRITE_LOGS
        try:
            self._client.call(path, request, response, (batch,), _SEND_TIMEOUT)
        except Exception as error:
            for entry in batch:
                _print(entry)
            sys.stderr.write(f"mattermost_plugin: the host takes no log records ({error}); they are written here\n")


def to_entry(record: logging.LogRecord) -> Record:
    """Returns a record as the host wants it."""
    fields = {name: _as_text(value) for name, value in vars(record).items() if name not in _STANDARD}
    trace = ""
    if record.exc_info and record.exc_info[1] is not None:
        trace = format_exception(record.exc_info[1])
    elif record.exc_text:
        trace = record.exc_text
    if record.stack_info:
        trace = f"{trace}\n{record.stack_info}" if trace else record.stack_info
    return (
        level_to_host(record.levelno),
        _cut(record.getMessage()),
        record.name,
        int(record.created * 1000),
        fields,
        _cut(trace),
    )


def _as_text(value: Any) -> str:
    return _cut(value if isinstance(value, str) else str(value))


def _cut(text: str) -> str:
    """Keeps a text to a size that fits a message, and to characters that UTF-8 has."""
    if len(text) > _MAX_TEXT:
        text = f"{text[:_MAX_TEXT]}… ({len(text) - _MAX_TEXT} more characters)"
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _dropped_entry(count: int) -> Record:
    import time

    text = f"{count} log records were dropped: they came faster than the host takes them"
    return (host.LEVEL_WARN, text, "mattermost_plugin.runtime", time.time_ns() // 1_000_000, {}, "")


def _print(entry: Record) -> None:
    level, message, logger, _, fields, trace = entry
    name = {host.LEVEL_DEBUG: "DEBUG", host.LEVEL_INFO: "INFO", host.LEVEL_WARN: "WARN"}.get(level, "ERROR")
    shown = "".join(f" {key}={value}" for key, value in fields.items())
    text = f"{name} {logger}: {message}{shown}\n"
    if trace:
        text += f"{trace}\n"
    try:
        sys.stderr.write(text)
    except (OSError, ValueError):
        # Nobody is left to tell.
        return


def install() -> HostHandler:
    """Puts the handler on the root logger, in the place of handlers that print: the host would get their lines as well."""
    root = logging.getLogger()
    for present in list(root.handlers):
        if type(present) is logging.StreamHandler and present.stream in (sys.stderr, sys.stdout):
            root.removeHandler(present)
    handler = HostHandler()
    root.addHandler(handler)
    # Everything is kept until the hello tells what the host wants.
    logging.getLogger("mattermost_plugin").setLevel(logging.DEBUG)
    logging.captureWarnings(True)
    return handler


def apply_level(level: int) -> None:
    """Keeps what the host would drop from being sent: the plugin's own records by `level`, libraries' from INFO on.

    A level that the plugin chose for the root logger stays.

    Args:
        level: The host's least level, as in ``HelloResponse``.
    """
    least = level_from_host(level)
    logging.getLogger("mattermost_plugin").setLevel(least)
    root = logging.getLogger()
    if root.level == logging.WARNING:
        root.setLevel(max(least, logging.INFO))
