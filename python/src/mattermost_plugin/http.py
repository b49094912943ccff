"""HTTP in a plugin: what ``ServeHTTP`` hands over and takes, and what `PluginAPIClient.plugin_http` sends.

::

    @hook(HookName.ServeHTTP)
    def serve_http(self, context: Context, request: HttpRequest) -> HttpResponse:
        if request.path != "/hello":
            return HttpResponse(404)
        return HttpResponse(200, {"Content-Type": "text/plain"}, f"Hello, {request.user_id}!")

A handler may also return a dict with ``status_code``, ``headers`` and ``body``, or take a `ResponseWriter`
(``serve_http(self, context, writer, request)``) and write piece by piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

__all__ = ["Headers", "HttpRequest", "HttpResponse", "ResponseWriter"]

HeaderValues = Mapping[str, "str | Iterable[str]"]


class Headers(MutableMapping[str, str]):
    """Header fields: names without regard to case, one or more values each.

    ``headers["Accept"]`` is the first value, `get_all` gives all of them. Setting one replaces its values.
    """

    __slots__ = ("_values",)

    def __init__(self, fields: HeaderValues | None = None) -> None:
        self._values: dict[str, tuple[str, list[str]]] = {}
        for name, value in (fields or {}).items():
            values = [value] if isinstance(value, str) else list(value)
            self._values[name.lower()] = (_canonical(name), values)

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()][1][0]

    def __setitem__(self, name: str, value: str) -> None:
        self._values[name.lower()] = (_canonical(name), [str(value)])

    def __delitem__(self, name: str) -> None:
        del self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return (name for name, values in self._values.values() if values)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._values.get(name.lower(), ("", []))[1])

    def __repr__(self) -> str:
        # Names only: values hold cookies and tokens.
        return f"Headers({', '.join(self)})"

    def get_all(self, name: str) -> list[str]:
        """Returns all values of a field, none when it is not there."""
        return list(self._values.get(name.lower(), ("", []))[1])

    def add(self, name: str, value: str) -> None:
        """Adds a value to a field, besides those that it has."""
        self._values.setdefault(name.lower(), (_canonical(name), []))[1].append(str(value))

    def to_dict(self) -> dict[str, list[str]]:
        """Returns all fields with all their values."""
        return {name: list(values) for name, values in self._values.values() if values}


def _canonical(name: str) -> str:
    """Returns a name as the server spells it: ``content-type`` is ``Content-Type``."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


class HttpRequest:
    """An HTTP request, to the plugin or from it.

    Attributes:
        method: ``GET``, ``POST``, …
        url: Path and query. In ``ServeHTTP`` the path begins after ``/plugins/<id of the plugin>``.
        headers: The header fields.
        host: The host that the request was sent to; "" in a request that the plugin makes.
        remote_addr: Address and port of who asks.
        request_uri: The target as the client sent it.
        proto: Such as ``HTTP/1.1``.
    """

    def __init__(
        self,
        method: str = "GET",
        url: str = "/",
        *,
        headers: HeaderValues | None = None,
        body: bytes | str = b"",
        host: str = "",
        remote_addr: str = "",
        request_uri: str = "",
        proto: str = "HTTP/1.1",
    ) -> None:
        self.method = method
        self.url = url
        self.headers = Headers(headers)
        self.host = host
        self.remote_addr = remote_addr
        self.request_uri = request_uri
        self.proto = proto
        self._body: bytes | None = body.encode() if isinstance(body, str) else body
        self._next_piece: Callable[[], bytes | None] | None = None

    def __repr__(self) -> str:
        return f"HttpRequest({self.method!r}, {self.path!r})"

    @property
    def path(self) -> str:
        """The path, without the query."""
        return self.url.partition("?")[0]

    @property
    def query(self) -> dict[str, list[str]]:
        """The query's parameters, each with all its values."""
        from urllib.parse import parse_qs

        return parse_qs(self.url.partition("?")[2], keep_blank_values=True)

    @property
    def user_id(self) -> str:
        """Id of the user who is logged in, "" for anybody else. The server sets it; no client can."""
        return self.headers.get("Mattermost-User-Id", "")

    @property
    def body(self) -> bytes:
        """The whole body, read when first asked for. For a large one use `iter_body`.

        Raises:
            ConnectionError: The client gave up before it had sent everything.
        """
        if self._body is None:
            self._body = b"".join(self.iter_body())
        return self._body

    @body.setter
    def body(self, body: bytes) -> None:
        self._body = body

    def iter_body(self) -> Iterator[bytes]:
        """Yields the body piece by piece, as it arrives; once, when it has not been read yet."""
        if self._body is not None:
            yield self._body
            return
        next_piece, self._next_piece = self._next_piece, None
        while next_piece is not None:
            piece = next_piece()
            if piece is None:
                return
            yield piece

    def text(self) -> str:
        """Returns the body as text in UTF-8."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Returns what the body's JSON says.

        Raises:
            ValueError: The body is no JSON.
        """
        import json

        return json.loads(self.body)

    def get_header(self, name: str, default: str = "") -> str:
        """Returns the first value of a header field."""
        return self.headers.get(name, default)

    def get_all_headers(self, name: str) -> list[str]:
        """Returns all values of a header field."""
        return self.headers.get_all(name)


class HttpResponse:
    """An HTTP response, from the plugin or to it.

    Attributes:
        status_code: 200, 404, …
        headers: The header fields.
        body: The whole body.
    """

    def __init__(
        self,
        status_code: int = 200,
        headers: HeaderValues | None = None,
        body: bytes | str | dict[str, Any] | list[Any] = b"",
    ) -> None:
        """Makes a response.

        Args:
            status_code: 100 to 999.
            headers: Each with one value or several.
            body: Bytes; text, sent as UTF-8; or a dict or list, sent as JSON. The latter two set ``Content-Type`` when
                `headers` do not.
        """
        if not isinstance(status_code, int) or not 100 <= status_code <= 999:
            raise ValueError(f"status_code={status_code!r} is no HTTP status; it is a number from 100 to 999")
        self.status_code = status_code
        self.headers = Headers(headers)
        self.body = self._encoded(body)

    def _encoded(self, body: object) -> bytes:
        if isinstance(body, (bytes, bytearray, memoryview)):
            return bytes(body)
        if isinstance(body, str):
            self.headers.setdefault("Content-Type", "text/plain; charset=utf-8")
            return body.encode()
        if isinstance(body, (dict, list)):
            import json

            self.headers.setdefault("Content-Type", "application/json")
            return json.dumps(body).encode()
        raise TypeError(f"body is a {type(body).__name__}; it must be bytes, str, or a dict or list to send as JSON")

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status_code < 400

    def text(self) -> str:
        """Returns the body as text in UTF-8."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Returns what the body's JSON says.

        Raises:
            ValueError: The body is no JSON.
        """
        import json

        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"HttpResponse({self.status_code}, {len(self.body)} bytes)"


class ResponseWriter:
    """Writes a response piece by piece.

    In a handler written as ``def`` every piece is sent at once; in an ``async def`` one they are sent when it returns.

    Attributes:
        headers: The header fields; they can be changed until the first piece, or `write_header`.
        status_code: 200 unless `write_header` said otherwise.
    """

    def __init__(
        self, send_head: Callable[[int, Headers], None], send: Callable[[bytes], None], flush: Callable[[], None]
    ) -> None:
        self.headers = Headers()
        self.status_code = 200
        self._send_head = send_head
        self._send = send
        self._flush = flush
        self._head_sent = False

    @property
    def head_sent(self) -> bool:
        """Whether status and headers are on their way and cannot be changed any more."""
        return self._head_sent

    def set_header(self, name: str, value: str) -> None:
        """Sets a header field to one value."""
        self.headers[name] = value

    def add_header(self, name: str, value: str) -> None:
        """Adds a value to a header field."""
        self.headers.add(name, value)

    def write_header(self, status_code: int) -> None:
        """Sends status and headers; only the first call does anything.

        Args:
            status_code: 100 to 999.
        """
        if self._head_sent:
            return
        if not 100 <= status_code <= 999:
            raise ValueError(f"status_code={status_code!r} is no HTTP status; it is a number from 100 to 999")
        self.status_code = status_code
        self._head_sent = True
        self._send_head(status_code, self.headers)

    def write(self, data: bytes | str) -> int:
        """Sends a piece of the body, and before the first one status and headers.

        Returns:
            How many bytes it was.

        Raises:
            ConnectionError: The client has gone.
        """
        piece = data.encode() if isinstance(data, str) else bytes(data)
        self.write_header(self.status_code)
        if piece:
            self._send(piece)
        return len(piece)

    def flush(self) -> None:
        """Asks that everything written so far reaches the client now."""
        self.write_header(self.status_code)
        self._flush()
