"""Where answers come from. The plugin knows only `Model`; a real one is a class with the same method."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Turn:
    """One message of a conversation."""

    role: str
    """"user" or "assistant"."""
    text: str


class Model(Protocol):
    async def answer(self, turns: list[Turn]) -> str:
        """Answers the last of `turns`, oldest first."""
        ...


class FakeModel:
    """Needs no service and no key: it tells what it was asked, and what it remembers."""

    async def answer(self, turns: list[Turn]) -> str:
        await asyncio.sleep(0.01)
        questions = [turn.text for turn in turns if turn.role == "user"]
        if len(questions) == 1:
            return f"You asked: “{questions[-1]}”. Ask me more in this thread."
        return f"You asked: “{questions[-1]}”. Before that: {', '.join(f'“{text}”' for text in questions[:-1])}."


def make_model(name: str) -> Model:
    """Makes the model that the plugin's setting names."""
    if name == "fake":
        return FakeModel()
    raise ValueError(f"no model is called {name!r}; add it to make_model in model.py, or set Model to “fake”")
