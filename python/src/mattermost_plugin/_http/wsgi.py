"""WSGI applications (PEP 3333): Flask, Django, Bottle, … on the threads of the plugin's handlers."""

from __future__ import annotations

import io
import logging
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from mattermost_plugin._http.body import PieceReader
from mattermost_plugin._http.headers import Headers
from mattermost_plugin._http.mounts import base_path
from mattermost_plugin._http.writer import PIECE
from mattermost_plugin._runtime.endpoints import Endpoint
from mattermost_plugin._runtime.pool import waiting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from mattermost_plugin._http.access import Access
    from mattermost_plugin._runtime.http_exchange import HttpServing
    from mattermost_plugin.plugin import Plugin

    Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

__all__ = ["WsgiEndpoint"]

_log = logging.getLogger("mattermost_plugin.wsgi")


class WsgiEndpoint(Endpoint):
    """A WSGI application under a path.

    Besides what WSGI says, environments have ``mattermost.user_id``, ``mattermost.plugin_id`` (of the plugin that asks) and
    ``mattermost.context``.
    """

    def __init__(self, plugin: Plugin, application: Application, mounted_at: str, access: Access) -> None:
        self.label = f"{getattr(application, '__name__', type(application).__name__)} at {mounted_at or '/'}"
        self._plugin = plugin
        self._application = application
        self._mounted_at = mounted_at
        self._access = access

    def run(self, serving: HttpServing, run_awaitable: Callable[[Awaitable[Any]], Any]) -> None:
        """Lets the application answer."""
        self._access.check(serving.request)
        response = _Response(serving)
        result = self._application(self._environment(serving), response.start)
        try:
            # A stream may take for ever, and must not take a handler's place for so long.
            with waiting():
                for piece in result:
                    # A piece that is empty says nothing, not even that the head may go.
                    if piece:
                        response.write(piece)
            response.end()
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def _environment(self, serving: HttpServing) -> dict[str, Any]:
        request = serving.request
        raw_path, _, query = request.url.partition("?")
        secure = request.get_header("X-Forwarded-Proto").lower() == "https"
        host, _, port = request.host.rpartition(":")
        environment: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": _native_text(base_path(self._plugin, request, self._mounted_at)),
            "PATH_INFO": _native_text(raw_path[len(self._mounted_at) :]),
            "QUERY_STRING": query,
            "SERVER_NAME": (host if port.isdecimal() and host else request.host) or "localhost",
            "SERVER_PORT": port if port.isdecimal() and host else ("443" if secure else "80"),
            "SERVER_PROTOCOL": request.proto or "HTTP/1.1",
            "REMOTE_ADDR": request.remote_addr.rpartition(":")[0].strip("[]") or request.remote_addr,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if secure else "http",
            "wsgi.input": io.BufferedReader(PieceReader(partial(next, request.iter_body(), None)), PIECE),
            "wsgi.input_terminated": True,
            "wsgi.errors": _Errors(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "mattermost.user_id": request.user_id,
            "mattermost.plugin_id": request.plugin_id,
            "mattermost.context": serving.context,
        }
        for name, values in request.headers.to_dict().items():
            key = name.upper().replace("-", "_")
            # An underscore in a name would let a client pass one field off as another.
            if "_" not in name:
                known = key in ("CONTENT_TYPE", "CONTENT_LENGTH")
                environment[key if known else f"HTTP_{key}"] = ",".join(values).encode().decode("latin-1")
        if request.host:
            environment.setdefault("HTTP_HOST", request.host)
        return environment


class _Response:
    """What ``start_response`` begins."""

    def __init__(self, serving: HttpServing) -> None:
        self._serving = serving
        self._status = 0
        self._fields: list[tuple[str, str]] = []

    def start(self, status: str, fields: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        """Is ``start_response``."""
        if exc_info is not None and self._serving.writer.head_sent:
            raise exc_info[1].with_traceback(exc_info[2])
        if exc_info is None and self._status:
            raise RuntimeError("the application began a second response")
        code = status.partition(" ")[0]
        if not code.isdecimal():
            raise ValueError(f"{status!r} is no status; it begins with a number")
        self._status, self._fields = int(code), list(fields)
        return self.write

    def write(self, piece: bytes) -> None:
        """Sends a piece, and before the first one the head. What an application gives bit by bit is meant to be seen bit by bit."""
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise TypeError(f"the application gave a {type(piece).__name__}; WSGI wants bytes")
        self._head()
        self._serving.writer.write(piece)
        if "Content-Length" not in self._serving.writer.headers:
            self._serving.writer.flush()

    def end(self) -> None:
        """Ends the response."""
        self._head()
        self._serving.writer.end()

    def _head(self) -> None:
        writer = self._serving.writer
        if writer.head_sent:
            return
        if not self._status:
            raise RuntimeError("the application gave a body before it called start_response")
        headers = Headers()
        for name, value in self._fields:
            headers.add(name, _utf8(value))
        writer.headers.take_over(headers)
        writer.write_header(self._status)


class _Errors(io.TextIOBase):
    """``wsgi.errors``: lines become log records."""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        for line in text.rstrip().splitlines():
            _log.error("%s", line)
        return len(text)


def _native_text(text: str) -> str:
    """Returns a path as WSGI wants it: decoded to bytes, each of which is a character."""
    return unquote_to_bytes(text).decode("latin-1")


def _utf8(value: str) -> str:
    """Returns a header field's value of WSGI, whose characters are bytes, as text."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
