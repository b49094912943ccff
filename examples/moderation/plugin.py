"""Deciding hooks: reject, replace or silently drop what people post, edit and react to."""

from __future__ import annotations

import re

from mattermost_plugin import Allow, Dismiss, HookName, Plugin, Reject, Replace, hook
from mattermost_plugin.models import Context, Post, User
from mattermost_plugin.server import run_plugin

LINK = re.compile(r"https?://\S+")


class ModerationPlugin(Plugin):
    @hook(HookName.MessageWillBePosted)
    def check_new(self, context: Context, post: Post) -> Allow | Replace[Post] | Reject | Dismiss:
        if post.message.strip() == "+1":
            self.api.send_ephemeral_post(
                post.user_id,
                Post(channel_id=post.channel_id, message="Please use a reaction in place of “+1”."),
            )
            return Dismiss()
        return self.check(post)

    @hook(HookName.MessageWillBeUpdated)
    def check_edit(self, context: Context, new_post: Post, old_post: Post) -> Allow | Replace[Post] | Reject:
        return self.check(new_post)

    @hook(HookName.UserWillLogIn)
    def check_login(self, context: Context, user: User) -> str | None:
        if user.props.get("suspended") == "true":
            return "This account is suspended. Ask your administrator."
        return None

    @hook(HookName.MessageHasBeenDeleted)
    def note_deletion(self, context: Context, post: Post) -> None:
        self.logger.info("a message was deleted", extra={"channel_id": post.channel_id, "length": len(post.message)})

    def check(self, post: Post) -> Allow | Replace[Post] | Reject:
        limit = int(self.config.get("MaxLinks", 2))
        if len(LINK.findall(post.message)) > limit:
            return Reject(f"No more than {limit} links in one message, please.")
        masked = post.message
        for pattern in str(self.config.get("Secrets", "")).split():
            masked = re.sub(pattern, "[secret removed]", masked)
        if masked == post.message:
            return Allow()
        post.message = masked
        return Replace(post)


if __name__ == "__main__":
    run_plugin(ModerationPlugin)
