"""`HttpRequest`, `HttpResponse`, and `HttpError`, which is a response to raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mattermost_plugin._http.body import Content, Incoming, encoded
from mattermost_plugin._http.headers import Headers, HeaderValues, check_status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from mattermost_plugin._http.body import Source

__all__ = ["HttpError", "HttpRequest", "HttpResponse"]


class HttpRequest(Incoming):
    """An HTTP request, to the plugin or from it.

    Attributes:
        method: ``GET``, ``POST``, …
        url: Path and query. In ``ServeHTTP`` the path begins after ``/plugins/<id of the plugin>``.
        headers: The header fields.
        host: The host that the request was sent to; "" in a request that the plugin makes.
        remote_addr: Address and port of who asks.
        request_uri: The target as the client sent it.
        proto: Such as ``HTTP/1.1``.
        trailers: Header fields that followed the body, once it was read to its end.
    """

    def __init__(
        self,
        method: str = "GET",
        url: str = "/",
        *,
        headers: HeaderValues | None = None,
        body: Content | str | dict[str, Any] | list[Any] = b"",
        host: str = "",
        remote_addr: str = "",
        request_uri: str = "",
        proto: str = "HTTP/1.1",
    ) -> None:
        """Makes a request to send with ``plugin_http``.

        Args:
            method: ``GET``, ``POST``, …
            url: ``/<id of the other plugin>/path?query``.
            headers: Each with one value or several.
            body: Bytes; text, sent as UTF-8; a dict or list, sent as JSON; or a binary file or an iterator of bytes, sent in pieces.
            host: The ``Host`` field.
            remote_addr: Address and port of who asks.
            request_uri: The target as it was sent; `url` when empty.
            proto: The version of HTTP.
        """
        self.method = method
        self.url = url
        self.headers = Headers(headers)
        self.host = host
        self.remote_addr = remote_addr
        self.request_uri = request_uri
        self.proto = proto
        self.trailers = Headers()
        whole, content_type = encoded(body)
        self._content: Any = body if whole is None else None
        self._body = b"" if whole is None else whole
        if content_type and not isinstance(body, str):
            self.headers.setdefault("Content-Type", content_type)

    def __repr__(self) -> str:
        return f"HttpRequest({self.method!r}, {self.path!r})"

    @property
    def path(self) -> str:
        """The path, without the query, as it was sent: percent-encoded."""
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
    def plugin_id(self) -> str:
        """Id of the plugin that asks, "" for a client; ``com.mattermost.server`` is the server itself."""
        return self.headers.get("Mattermost-Plugin-Id", "")

    def get_header(self, name: str, default: str = "") -> str:
        """Returns the first value of a header field."""
        return self.headers.get(name, default)

    def get_all_headers(self, name: str) -> list[str]:
        """Returns all values of a header field."""
        return self.headers.get_all(name)


class HttpResponse(Incoming):
    """An HTTP response, from the plugin or to it.

    Attributes:
        status_code: 200, 404, …
        headers: The header fields.
        trailers: Header fields that follow the body.
    """

    def __init__(
        self,
        status_code: int = 200,
        headers: HeaderValues | None = None,
        body: Content | AsyncIterator[bytes] | str | Mapping[str, Any] | list[Any] | None = b"",
    ) -> None:
        """Makes a response.

        Args:
            status_code: 100 to 999.
            headers: Each with one value or several.
            body: Bytes; text, sent as UTF-8; or a dict or list, sent as JSON. The latter two set ``Content-Type`` when
                `headers` do not. Or what is sent piece by piece: a file opened with mode ``rb``, or an iterator of bytes; in an
                ``async def`` handler also an async iterator.

        Raises:
            ValueError: The status is none.
            TypeError: The body is nothing that can be sent.
        """
        self.status_code = check_status(status_code)
        self.headers = Headers(headers)
        self.trailers = Headers()
        whole, content_type = encoded(body)
        self._content: Any = body if whole is None else None
        self._body = b"" if whole is None else whole
        if content_type:
            self.headers.setdefault("Content-Type", content_type)

    @classmethod
    def _arriving(cls, status_code: int, headers: HeaderValues, source: Source, *, on_loop: bool) -> HttpResponse:
        """Returns a response whose body is still to come. Any status is taken: it is the other side's."""
        response = cls(headers=headers)
        response.status_code = status_code
        response._arrives(source, on_loop=on_loop)
        return response

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status_code < 400

    def __repr__(self) -> str:
        size = f"{len(self._body)} bytes" if self._body is not None and self._content is None else "in pieces"
        return f"HttpResponse({self.status_code}, {size})"


class HttpError(Exception):
    """Ends a handler of HTTP with this answer. It is not logged: what it says is for the client.

    ::

        raise HttpError(404, "There is no item with this number.")

    Attributes:
        status_code: 400 to 599, as a rule.
        message: What went wrong, for the client: the ``error`` of a JSON object.
        headers: Header fields of the answer.
    """

    def __init__(self, status_code: int, message: str = "", headers: HeaderValues | None = None) -> None:
        super().__init__(status_code, message)
        self.status_code = check_status(status_code)
        self.message = message or _reason(status_code)
        self.headers = Headers(headers)

    def __str__(self) -> str:
        return f"{self.status_code}: {self.message}"

    def response(self) -> HttpResponse:
        """Returns the answer."""
        response = HttpResponse(self.status_code, body={"error": self.message})
        response.headers.take_over(self.headers)
        return response


def _reason(status_code: int) -> str:
    from http import HTTPStatus

    try:
        return HTTPStatus(status_code).phrase
    except ValueError:
        return "HTTP status"
