"""`WebhookSignature`: whether a webhook comes from who it says, by a code made with a shared secret (HMAC)."""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING, Final

from mattermost_plugin._http.messages import HttpError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mattermost_plugin._http.messages import HttpRequest

__all__ = ["WebhookSignature"]

_ENCODINGS: Final = ("hex", "base64")


class WebhookSignature:
    """How the sender of a webhook signs what it sends.

    The defaults are GitHub's. Slack's and Mattermost-like schemes sign the time too, so that an old request cannot be sent again::

        GITHUB = WebhookSignature()
        SLACK = WebhookSignature("X-Slack-Signature", prefix="v0=", timestamp="X-Slack-Request-Timestamp",
                          signed=lambda time, body: b"v0:" + time.encode() + b":" + body)

    Attributes:
        header: The field with the signature.
        prefix: What it begins with.
        algorithm: A name that `hashlib` knows.
        encoding: ``hex`` or ``base64``.
        timestamp: The field with the time of sending, in seconds since the epoch; "" when there is none.
        max_age: Seconds by which that time may differ from now.
    """

    def __init__(
        self,
        header: str = "X-Hub-Signature-256",
        *,
        prefix: str = "sha256=",
        algorithm: str = "sha256",
        encoding: str = "hex",
        timestamp: str = "",
        max_age: float = 300.0,
        signed: Callable[[str, bytes], bytes] | None = None,
    ) -> None:
        """Describes a scheme.

        Args:
            header: The field with the signature.
            prefix: What it begins with.
            algorithm: A name that `hashlib` knows.
            encoding: ``hex`` or ``base64``.
            timestamp: The field with the time of sending.
            max_age: Seconds by which that time may differ from now.
            signed: Makes of timestamp and body what is signed; by default ``timestamp.body``, or the body alone without a timestamp.
        """
        if encoding not in _ENCODINGS:
            raise ValueError(f"encoding={encoding!r}: it is 'hex' or 'base64'")
        hmac.new(b"", b"", algorithm)  # an unknown algorithm is told here
        self.header = header
        self.prefix = prefix
        self.algorithm = algorithm
        self.encoding = encoding
        self.timestamp = timestamp
        self.max_age = max_age
        self._signed = signed

    def sign(self, body: bytes, secret: str | bytes, timestamp: str = "") -> str:
        """Returns the signature of a body: for requests that the plugin makes, and for tests."""
        key = secret.encode() if isinstance(secret, str) else secret
        code = hmac.new(key, self._content(timestamp, body), self.algorithm)
        if self.encoding == "hex":
            return self.prefix + code.hexdigest()
        import base64

        return self.prefix + base64.b64encode(code.digest()).decode()

    def matches(self, request: HttpRequest, secret: str | bytes, body: bytes | None = None) -> bool:
        """Returns whether the request carries the signature that the secret gives. Takes the same time wherever they differ.

        Args:
            request: The request.
            secret: What both sides know. Nothing matches an empty one.
            body: The body, when it was read already; in an ``async def`` handler ``await request.read()``.
        """
        given = request.get_header(self.header)
        timestamp = request.get_header(self.timestamp) if self.timestamp else ""
        if not secret or not given or (self.timestamp and not self._is_fresh(timestamp)):
            return False
        wanted = self.sign(request.body if body is None else body, secret, timestamp)
        return hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace"))

    def check(self, request: HttpRequest, secret: str | bytes, body: bytes | None = None) -> None:
        """Refuses a request without the right signature; see `matches`.

        Raises:
            HttpError: 401.
        """
        if not self.matches(request, secret, body):
            raise HttpError(401, "the signature is missing or wrong")

    def _content(self, timestamp: str, body: bytes) -> bytes:
        if self._signed is not None:
            return self._signed(timestamp, body)
        return timestamp.encode() + b"." + body if self.timestamp else body

    def _is_fresh(self, timestamp: str) -> bool:
        try:
            return abs(time.time() - float(timestamp)) <= self.max_age
        except ValueError:
            return False
