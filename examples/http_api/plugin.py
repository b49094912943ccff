"""Polls by HTTP: routes with typed parameters and JSON, events for a page that watches, a signed webhook, a page of its own."""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from mattermost_plugin import HookName, Plugin, hook, route
from mattermost_plugin.http import HttpError, HttpRequest, HttpResponse, ServerSentEvent, WebhookSignature
from mattermost_plugin.models import Context, User
from mattermost_plugin.server import run_plugin


@dataclass
class NewPoll:
    question: str
    choices: list[str]

    def __post_init__(self) -> None:
        if len(self.choices) < 2:
            raise ValueError("a poll has two choices at least")


@dataclass
class Poll:
    question: str
    choices: list[str]
    by: str
    votes: dict[str, int] = field(default_factory=dict)

    def result(self) -> dict[str, object]:
        counts = {
            choice: sum(vote == index for vote in self.votes.values()) for index, choice in enumerate(self.choices)
        }
        return {"question": self.question, "by": self.by, "votes": counts}


class Polls(Plugin):
    def __init__(self) -> None:
        self.polls: dict[int, Poll] = {}
        self.changed = asyncio.Event()

    @route.get("/polls")
    async def polls_of(self, by: str | None = None) -> list[dict[str, object]]:
        return [poll.result() for poll in self.polls.values() if by in (None, poll.by)]

    @route.post("/polls")
    async def create(self, new: NewPoll, user: User) -> tuple[int, dict[str, object]]:
        number = len(self.polls) + 1
        self.polls[number] = Poll(new.question, new.choices, user.username)
        return 201, {"number": number}

    @route.get("/polls/{number}")
    async def show(self, number: int) -> dict[str, object]:
        return self.find(number).result()

    @route.put("/polls/{number}/vote/{choice}")
    async def vote(self, number: int, choice: int, request: HttpRequest) -> dict[str, object]:
        poll = self.find(number)
        if not 0 <= choice < len(poll.choices):
            raise HttpError(400, f"The choices are 0 to {len(poll.choices) - 1}.")
        poll.votes[request.user_id] = choice
        self.announce()
        return poll.result()

    @route.delete("/polls/{number}", permission="manage_system")
    async def delete(self, number: int) -> None:
        self.find(number)
        del self.polls[number]
        self.announce()

    @route.get("/polls/{number}/watch")
    async def watch(self, number: int, changes: int = 1000) -> AsyncIterator[ServerSentEvent]:
        """The result now, and again whenever it changes: what a page reads with `new EventSource(…)`."""
        yield ServerSentEvent(self.find(number).result(), event="result")
        for _ in range(changes):
            await self.changed.wait()
            yield ServerSentEvent(self.find(number).result(), event="result")

    @route.post("/webhook", public=True, signature=WebhookSignature(), key_setting="WebhookSecret")
    async def webhook(self, body: NewPoll) -> dict[str, object]:
        """A poll that another system makes; it signs what it sends with the plugin's secret."""
        number = len(self.polls) + 1
        self.polls[number] = Poll(body.question, body.choices, "webhook")
        return {"number": number}

    @route.get("/page")
    def page(self, user: User) -> HttpResponse:
        questions = "".join(f"<li>{html.escape(poll.question)}</li>" for poll in self.polls.values())
        text = f"<!doctype html><title>Polls</title><p>Hello, {html.escape(user.username)}!</p><ul>{questions}</ul>"
        return HttpResponse(200, {"Content-Type": "text/html; charset=utf-8"}, text)

    @hook(HookName.ServeMetrics)
    async def metrics(self, context: Context, request: HttpRequest) -> HttpResponse:
        votes = sum(len(poll.votes) for poll in self.polls.values())
        return HttpResponse(body=f"polls_total {len(self.polls)}\npolls_votes_total {votes}\n")

    def find(self, number: int) -> Poll:
        if number not in self.polls:
            raise HttpError(404, "There is no poll with this number.")
        return self.polls[number]

    def announce(self) -> None:
        """Wakes everybody who watches."""
        self.changed.set()
        self.changed = asyncio.Event()


if __name__ == "__main__":
    run_plugin(Polls)
