"""A plugin that does what a disturbed server needs done: quickly, slowly, much at once, and badly."""

from __future__ import annotations

import json
import os
import time

from mattermost_plugin import HookName, Plugin, hook, route, run_plugin
from mattermost_plugin.http import HttpRequest
from mattermost_plugin.models import Context, Post


class Chaos(Plugin):
    """Each post says what becomes of it."""

    @hook(HookName.MessageWillBePosted)
    def check(self, context: Context, post: Post) -> Post:
        """Does what is asked for, and says so to the server before it answers."""
        told = json.loads(post.message)
        time.sleep(told.get("sleep", 0))
        if told.get("die"):
            os._exit(3)
        if told.get("raise"):
            raise ValueError("as you wish")
        self.api.kv_set(f"done-{told['n']}", b"x" * told.get("big", 1))
        post.message = f"done {told['n']}" + "y" * told.get("big", 0)
        return post

    @route.post("/echo", public=True)
    def echo(self, request: HttpRequest) -> bytes:
        """Gives a body back."""
        return request.body()


if __name__ == "__main__":
    run_plugin(Chaos)
