"""Answers requests as `respond` in tests/interop-go/cmd/refplugin does."""

from __future__ import annotations

from mattermost_plugin import HookName, Plugin, hook, run_plugin
from mattermost_plugin.http import HttpRequest, ResponseWriter
from mattermost_plugin.models import Context

#: What is written at a time.
PIECE = bytes(64 * 1024)


class Web(Plugin):
    """Small and large, there and back."""

    @hook(HookName.ServeHTTP)
    def serve(self, context: Context, writer: ResponseWriter, request: HttpRequest) -> None:
        """Answers with the length of the body, with zeros, or with a word."""
        writer.headers["Content-Type"] = "text/plain"
        if request.method == "POST":
            writer.write(str(sum(map(len, request.iter_body()))).encode())
        elif "size" in request.query:
            left = int(request.query["size"][0])
            while left > 0:
                writer.write(PIECE[:left])
                left -= len(PIECE)
        else:
            writer.write(b"hello")


if __name__ == "__main__":
    run_plugin(Web)
