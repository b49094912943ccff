"""A plugin written for the earlier implementation's SDK runs here unchanged: everything that its authors could write."""

from __future__ import annotations

from typing import Any

PROGRAM = '''
    import logging
    from mattermost_plugin import (
        AlreadyExistsError, AsyncPluginAPIClient, HookName, NotFoundError, PermissionDeniedError, Plugin, PluginAPIClient,
        PluginAPIError, UnavailableError, ValidationError, hook,
    )
    from mattermost_plugin.exceptions import NotFoundError as SameError
    from mattermost_plugin.server import run_plugin

    class Earlier(Plugin):
        """Calls super().__init__(); has a handler in every form."""

        def __init__(self):
            super().__init__()
            self.seen = []

        @hook(HookName.OnActivate)
        def on_activate(self) -> None:
            assert isinstance(self.logger, logging.Logger)
            assert isinstance(self.api, PluginAPIClient)
            self.logger.info(f"server {self.api.get_server_version()}")

        @hook("OnDeactivate")
        async def on_deactivate(self) -> None:
            self.logger.info("goodbye")

        @hook(HookName.MessageWillBePosted)
        def filter_message(self, context, post):
            if "spam" in post.message.lower():
                return None, "Message rejected: spam detected"
            if post.message == "shout":
                post.message = "SHOUT"
                return post, ""
            if post.message == "quiet":
                return None
            return post, ""

        @hook(HookName.UserWillLogIn)
        def login(self, context, user):
            return "closed" if user.username == "old" else ""

        @hook(HookName.ExecuteCommand)
        def execute_command(self, context, args):
            try:
                self.api.get_user(args.user_id)
            except NotFoundError as error:
                assert isinstance(error, PluginAPIError) and isinstance(error, SameError)
                self.api.kv_set("key", b"value")
                self.api.create_post(channel_id=args.channel_id, user_id="bot", message="hi")
                return {"response_type": "ephemeral", "text": f"{error.id}: {self.seen}"}

        @hook(HookName.UserHasJoinedChannel)
        async def on_user_joined(self, context, channel_member, actor_id):
            self.seen.append(channel_member.user_id)

        @hook
        def serve_http(self, context, writer, request):
            writer.set_header("X-A", "b")
            writer.write_header(201)
            writer.write(f"{request.method} {request.get_header('x-b')}")

    if __name__ == "__main__":
        run_plugin(Earlier)
'''


def test_it_runs_unchanged(host: Any) -> None:
    created: list[Any] = []
    host.on("GetServerVersion", lambda _, __: {"result": "11.6.0"})
    host.on("KVSet", lambda request, _: created.append(request.key))
    host.on("CreatePost", lambda request, _: created.append(request.post.message) or {"post": request.post})
    host.fail("GetUser", "AppError", id="app.user.missing", message="No user.", status_code=404)
    host.start(PROGRAM)
    host.hook("OnActivate")
    host.log("server 11.6.0")

    def post(message: str) -> tuple[str | None, str]:
        answer = host.hook("MessageWillBePosted", post={"message": message})
        return (answer.post.message if answer.HasField("post") else None), answer.reason

    assert post("hello") == ("hello", "")
    assert post("buy SPAM") == (None, "Message rejected: spam detected")
    assert post("shout") == ("SHOUT", "")
    assert post("quiet") == (None, "")
    assert host.hook("UserWillLogIn", user={"username": "old"}).reason == "closed"
    assert host.hook("UserWillLogIn", user={"username": "new"}).reason == ""
    host.hook("UserHasJoinedChannel", channel_member={"user_id": "u1"})
    answer = host.hook("ExecuteCommand", args={"user_id": "u2", "channel_id": "c"}).command_response
    assert (answer.response_type, answer.text) == ("ephemeral", "app.user.missing: ['u1']")
    assert created == ["key", "hi"]
    host.hook("OnDeactivate")
    host.log("goodbye")
    assert host.stop()[0] == 0
