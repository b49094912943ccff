"""Handlers of hooks: what mypy and pyright accept, and what they have to refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mattermost_plugin import Allow, Dismiss, HookName, Plugin, Reject, Replace, hook
from mattermost_plugin.models import User

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import BinaryIO

    from mattermost_plugin.files import ReplacementFile, UploadedFile
    from mattermost_plugin.http import HttpRequest, HttpResponse, ResponseWriter
    from mattermost_plugin.models import (
        ChannelMember,
        CommandArgs,
        CommandResponse,
        Config,
        Context,
        FileInfo,
        Post,
    )


class RightPlugin(Plugin):
    @hook(HookName.OnActivate)
    def on_activate(self) -> None: ...

    @hook("OnDeactivate")
    async def stop(self) -> None: ...

    @hook
    def message_has_been_posted(self, context: Context, post: Post) -> None: ...

    @hook()
    def message_has_been_updated(self, context: Context, new_post: Post, old_post: Post) -> None: ...

    @hook(HookName.MessageWillBePosted)
    def check(self, context: Context, post: Post) -> Allow | Replace[Post] | Reject | Dismiss:
        return Allow() if post.message else Reject("Say something.")

    @hook("message_will_be_updated")
    async def check_edit(self, context: Context, new_post: Post, old_post: Post) -> tuple[Post | None, str]:
        return new_post, ""

    @hook(HookName.UserWillLogIn)
    def check_login(self, context: Context, user: User) -> str:
        return "" if user.is_bot else "Bots only."

    @hook(HookName.ChannelWillBeArchived)
    def check_archive(self, context: Any, channel: Any) -> Reject | None: ...

    @hook(HookName.ExecuteCommand)
    def run(self, context: Context, args: CommandArgs) -> dict[str, str]:
        return {"response_type": "ephemeral", "text": args.command}

    @hook(HookName.UserHasJoinedChannel)
    def welcome(self, context: Context, channel_member: ChannelMember, actor: User | None) -> None: ...

    @hook(HookName.ConfigurationWillBeSaved)
    def check_configuration(self, new_config: Config) -> Replace[Config] | None: ...

    @hook(HookName.ServeHTTP)
    def serve(self, context: Context, request: HttpRequest) -> HttpResponse | None: ...

    @hook(HookName.ServeMetrics)
    async def metrics(self, context: Context, writer: ResponseWriter, request: HttpRequest) -> None: ...

    @hook(HookName.FileWillBeUploaded)
    def upload(self, context: Context, info: FileInfo, file: BinaryIO, output: BinaryIO) -> None: ...


class RightOptions(Plugin):
    @hook(HookName.MessageWillBePosted, deadline=2.5, on_error="reject", rejection="Try again.")
    def check(self, context: Context, post: Post) -> Reject | None: ...

    @hook("UserHasBeenCreated", idempotent=True, deadline=10)
    def welcome(self, context: Context, user: User) -> None: ...

    @hook(on_error="allow")
    def user_will_log_in(self, context: Context, user: User) -> str:
        return ""

    @hook(HookName.MessagesWillBeConsumed, deadline=1)
    async def consume(self, posts: list[Post]) -> list[Post]:
        return posts


class WrongOptions(Plugin):
    # assert-type-error-mypy: "No overload variant of \"__call__\" of \"Hook\""
    # assert-type-error-pyright: "No overloads for \"__call__\"|is not assignable"
    @hook(HookName.MessageWillBePosted, on_error="deny")
    def check(self, context: Context, post: Post) -> Reject | None: ...

    # assert-type-error-mypy: "No overload variant of \"__call__\" of \"Hook\""
    # assert-type-error-pyright: "No overloads for \"__call__\"|is not assignable"
    @hook(HookName.MessageWillBeUpdated, idempotent=True)
    def check_edit(self, context: Context, new_post: Post, old_post: Post) -> Reject | None: ...

    # assert-type-error-mypy: "No overload variant of \"__call__\" of \"Hook\""
    # assert-type-error-pyright: "No overloads for \"__call__\"|is not assignable"
    @hook(HookName.MessagesWillBeConsumed, on_error="reject", rejection="No.")
    def consume(self, posts: list[Post]) -> list[Post]:
        return posts


class WrongNames(Plugin):
    # assert-type-error-mypy: "No overload variant of \"__call__\" of \"Hook\""
    # assert-type-error-pyright: "No overloads for \"__call__\"|is not assignable"
    @hook("MessageWillBePostet")
    def message(self, context: Context, post: Post) -> None: ...

    # assert-type-error-mypy: "has no attribute \"OnActivated\""
    # assert-type-error-pyright: "Cannot access attribute \"OnActivated\""
    @hook(HookName.OnActivated)
    def activate(self) -> None: ...


class Streams(Plugin):
    @hook(HookName.ServeHTTP)
    async def events(self, context: Context, request: HttpRequest) -> AsyncIterator[str]:
        yield "event"

    @hook(HookName.ServeMetrics)
    def metrics(self, context: Context, writer: ResponseWriter, request: HttpRequest) -> None: ...

    @hook(HookName.FileWillBeUploaded)
    def upload(
        self, context: Context, info: FileInfo, file: UploadedFile, output: ReplacementFile
    ) -> Reject | None: ...


class WrongParameters(Plugin):
    # assert-type-error-mypy: "Value of type variable \"_MessageWillBePosted\""
    # assert-type-error-pyright: "Function accepts too few positional parameters"
    @hook(HookName.MessageWillBePosted)
    def too_few(self, post: Post) -> None: ...

    # assert-type-error-mypy: "Value of type variable \"_OnActivate\""
    # assert-type-error-pyright: "Extra parameter .*context"
    @hook("OnActivate")
    def too_many(self, context: Context) -> None: ...

    # assert-type-error-mypy: "Value of type variable \"_MessageHasBeenPosted\""
    # assert-type-error-pyright: "\"Post\" is not assignable to \"User\""
    @hook(HookName.MessageHasBeenPosted)
    def wrong_type(self, context: Context, post: User) -> None: ...

    # assert-type-error-mypy: "Value of type variable \"_UserHasLeftChannel\""
    # assert-type-error-pyright: "\"None\" is not assignable to \"User\""
    @hook(HookName.UserHasLeftChannel)
    def forgets_none(self, context: Context, channel_member: ChannelMember, actor: User) -> None: ...


class WrongResults(Plugin):
    # assert-type-error-mypy: "Value of type variable \"_MessageWillBePosted\""
    # assert-type-error-pyright: "\"str\" is not assignable to \"Post\""
    @hook(HookName.MessageWillBePosted)
    def text_alone(self, context: Context, post: Post) -> str:
        return post.message

    # assert-type-error-mypy: "Value of type variable \"_MessageWillBePosted\""
    # assert-type-error-pyright: "\"Replace\[User\]\" is not assignable to \"Replace\[Post\]\""
    @hook(HookName.MessageWillBePosted)
    def other_model(self, context: Context, post: Post) -> Replace[User]:
        return Replace(User())

    # assert-type-error-mypy: "Value of type variable \"_MessageWillBeUpdated\""
    # assert-type-error-pyright: "\"Dismiss\" is not assignable to \"Allow\""
    @hook(HookName.MessageWillBeUpdated)
    def edits_cannot_be_dismissed(self, context: Context, new_post: Post, old_post: Post) -> Dismiss:
        return Dismiss()

    # assert-type-error-mypy: "Value of type variable \"_ExecuteCommand\""
    # assert-type-error-pyright: "is not assignable to \"CommandResponse\""
    @hook(HookName.ExecuteCommand)
    async def no_answer(self, context: Context, args: CommandArgs) -> list[CommandResponse]:
        return []
