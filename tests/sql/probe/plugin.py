"""A plugin that runs the functions of its `cases` modules when a test says so, and tells what came of it."""

import contextvars
import importlib
import json
import os
import socket
import threading
import traceback

from mattermost_plugin import HookName, Plugin, hook
from mattermost_plugin.models import Context, Post
from mattermost_plugin.server import run_plugin


class Probe(Plugin):
    @hook(HookName.OnActivate)
    def on_activate(self) -> None:
        threading.Thread(target=self.listen, daemon=True).start()

    @hook(HookName.MessageWillBePosted)
    def in_a_hook(self, context: Context, post: Post) -> str | None:
        """Runs the case that a message names, so that it has the time of a hook."""
        module, _, name = post.message.partition(" ")
        answer = run({"module": module, "case": name, "args": {}})
        post.message = json.dumps(answer)
        return post

    def listen(self) -> None:
        link = socket.socket(socket.AF_UNIX)
        link.connect(os.environ["PLUGIN_SQL_PROBE"])
        lock = threading.Lock()
        for line in link.makefile("r", encoding="utf-8"):
            request = json.loads(line)

            def work(request=request):
                answer = json.dumps({"id": request["id"], **run(request)}) + "\n"
                with lock:
                    link.sendall(answer.encode())

            threading.Thread(target=contextvars.Context().run, args=(work,), daemon=True).start()


def run(request):
    try:
        module = importlib.import_module(request["module"])
        return {"result": getattr(module, request["case"])(**request["args"]), "error": ""}
    except BaseException:
        return {"result": None, "error": traceback.format_exc()}


if __name__ == "__main__":
    run_plugin(Probe)
