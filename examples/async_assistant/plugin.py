"""A bot that answers when it is mentioned, in a thread, with the thread as its memory. All handlers are async."""

from __future__ import annotations

import asyncio

from model import FakeModel, Model, Turn, make_model

from mattermost_plugin import HookName, Plugin, hook
from mattermost_plugin.models import Bot, Command, CommandArgs, CommandResponse, Context, Post
from mattermost_plugin.server import run_plugin

BOT = "assistant"


class AssistantPlugin(Plugin):
    def __init__(self) -> None:
        self.bot_id = ""
        self.model: Model = FakeModel()
        self.tasks: set[asyncio.Task[None]] = set()

    @hook(HookName.OnActivate)
    async def on_activate(self) -> None:
        self.model = make_model(str(self.config.get("Model", "fake")))
        self.bot_id = await self.aio.ensure_bot_user(
            Bot(username=BOT, display_name="Assistant", description="Answers in threads.")
        )
        await self.aio.register_command(Command(trigger="ask", auto_complete=True, auto_complete_hint="QUESTION"))

    @hook(HookName.ExecuteCommand)
    async def ask(self, context: Context, args: CommandArgs) -> CommandResponse:
        question = args.command.removeprefix("/ask").strip()
        if not question:
            return CommandResponse(response_type="ephemeral", text="What do you want to know? `/ask QUESTION`")
        answer = await self.model.answer([Turn("user", question)])
        return CommandResponse(response_type="ephemeral", text=answer)

    @hook(HookName.MessageHasBeenPosted)
    async def on_message(self, context: Context, post: Post) -> None:
        if post.user_id == self.bot_id or post.type:
            return
        if f"@{BOT}" not in post.message and not await self.is_my_thread(post):
            return
        # A model may think for longer than a hook may take: answer from a task of our own.
        task = asyncio.create_task(self.answer(post))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    @hook(HookName.OnDeactivate)
    async def on_deactivate(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def is_my_thread(self, post: Post) -> bool:
        if not post.root_id:
            return False
        return any(turn.role == "assistant" for turn in await self.conversation(post.root_id))

    async def conversation(self, root_id: str) -> list[Turn]:
        thread = await self.aio.get_post_thread(root_id)
        posts = sorted(thread.posts.values(), key=lambda post: post.create_at)
        return [
            Turn("assistant" if post.user_id == self.bot_id else "user", post.message.replace(f"@{BOT}", "").strip())
            for post in posts
            if not post.type
        ]

    async def answer(self, post: Post) -> None:
        root_id = post.root_id or post.id
        try:
            text = await self.model.answer(await self.conversation(root_id))
        except Exception:
            self.logger.exception("the model did not answer")
            text = "I could not find an answer; my administrator can read why in the log."
        await self.aio.create_post(channel_id=post.channel_id, user_id=self.bot_id, root_id=root_id, message=text)


if __name__ == "__main__":
    run_plugin(AssistantPlugin)
