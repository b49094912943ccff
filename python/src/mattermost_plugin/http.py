"""HTTP in a plugin: what ``ServeHTTP`` hands over and takes, and what `PluginAPIClient.plugin_http` sends.

::

    @hook(HookName.ServeHTTP)
    def serve_http(self, context: Context, request: HttpRequest) -> HttpResponse:
        if request.path != "/hello":
            return HttpResponse(404)
        return HttpResponse(200, {"Content-Type": "text/plain"}, f"Hello, {request.user_id}!")

A handler may also return a dict with ``status_code``, ``headers`` and ``body``; yield events for a browser's ``EventSource``; or take a
`ResponseWriter` (``serve_http(self, context, writer, request)``) and write piece by piece. `mattermost_plugin.routes` has handlers by
path, and applications of web frameworks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mattermost_plugin._http.body import Content
from mattermost_plugin._http.events import EventData, Events, ServerSentEvent
from mattermost_plugin._http.headers import Headers
from mattermost_plugin._http.messages import HttpError, HttpRequest, HttpResponse
from mattermost_plugin._http.signature import WebhookSignature
from mattermost_plugin._http.writer import ResponseWriter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

__all__ = [
    "Content",
    "EventData",
    "Headers",
    "HttpError",
    "HttpRequest",
    "HttpResponse",
    "HttpResult",
    "ResponseWriter",
    "ServerSentEvent",
    "WebhookSignature",
]

#: What a handler of ``ServeHTTP`` may return.
HttpResult: TypeAlias = "HttpResponse | Mapping[str, object] | Events | None"
