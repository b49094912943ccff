"""A greeting command, a word filter, and a welcome for people who join a channel."""

from mattermost_plugin import HookName, Plugin, Reject, hook
from mattermost_plugin.models import ChannelMember, Command, CommandArgs, CommandResponse, Context, Post, User
from mattermost_plugin.server import run_plugin


class HelloPlugin(Plugin):
    @hook(HookName.OnActivate)
    def on_activate(self) -> None:
        self.api.register_command(
            Command(
                trigger="hello",
                auto_complete=True,
                auto_complete_desc="Says hello to you, or to somebody else",
                auto_complete_hint="[name]",
            )
        )
        self.logger.info("hello_python is ready on Mattermost %s", self.api.get_server_version())

    @hook(HookName.ExecuteCommand)
    def execute_command(self, context: Context, args: CommandArgs) -> CommandResponse:
        name = args.command.removeprefix("/hello").strip()
        if not name:
            name = self.api.get_user(args.user_id).username
        return CommandResponse(response_type="ephemeral", text=f"Hello, {name}! This is Python speaking.")

    @hook(HookName.MessageWillBePosted)
    def filter_message(self, context: Context, post: Post) -> Reject | None:
        words = [word.strip().lower() for word in str(self.config.get("BlockedWords", "")).split(",")]
        for word in words:
            if word and word in post.message.lower():
                return Reject(f"Please leave out “{word}”.")
        return None

    @hook(HookName.UserHasJoinedChannel)
    def welcome(self, context: Context, channel_member: ChannelMember, actor: User | None) -> None:
        user = self.api.get_user(channel_member.user_id)
        self.api.create_post(
            channel_id=channel_member.channel_id,
            user_id=user.id,
            message=f"Welcome, @{user.username}! Try `/hello`.",
            props={"from_plugin": "true"},
        )


if __name__ == "__main__":
    run_plugin(HelloPlugin)
