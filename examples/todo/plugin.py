"""A personal to-do list: /todo add, list, done, clear. Lists live in the plugin's key-value store."""

from __future__ import annotations

import json
from collections.abc import Callable

from mattermost_plugin import HookName, Plugin, hook
from mattermost_plugin.models import (
    AutocompleteData,
    Command,
    CommandArgs,
    CommandResponse,
    Context,
    PluginKVSetOptions,
)
from mattermost_plugin.server import run_plugin

HELP = """Your to-do list:
* `/todo add TEXT` puts TEXT on it
* `/todo list` shows it
* `/todo done NUMBER` takes one off
* `/todo clear` empties it"""


class TodoPlugin(Plugin):
    @hook(HookName.OnActivate)
    def on_activate(self) -> None:
        sub_commands = [
            AutocompleteData(trigger="add", hint="TEXT", help_text="Put something on your list"),
            AutocompleteData(trigger="list", help_text="Show your list"),
            AutocompleteData(trigger="done", hint="NUMBER", help_text="Take an item off your list"),
            AutocompleteData(trigger="clear", help_text="Empty your list"),
        ]
        self.api.register_command(
            Command(
                trigger="todo",
                auto_complete=True,
                auto_complete_desc="Keeps your to-do list",
                auto_complete_hint="add | list | done | clear",
                autocomplete_data=AutocompleteData(
                    trigger="todo", help_text="Keeps your to-do list", sub_commands=sub_commands
                ),
            )
        )

    @hook(HookName.ExecuteCommand)
    def execute_command(self, context: Context, args: CommandArgs) -> CommandResponse:
        _, _, rest = args.command.partition(" ")
        verb, _, text = rest.strip().partition(" ")
        actions: dict[str, Callable[[str, str], str]] = {
            "add": self.add,
            "list": self.show,
            "done": self.done,
            "clear": self.clear,
        }
        action = actions.get(verb)
        answer = action(args.user_id, text.strip()) if action else HELP
        return CommandResponse(response_type="ephemeral", text=answer)

    def add(self, user_id: str, text: str) -> str:
        if not text:
            return "What shall I add? `/todo add TEXT`"
        limit = int(self.config.get("MaxItems", 20))

        def append(items: list[str]) -> str:
            if len(items) >= limit:
                return f"Your list is full: {limit} items."
            items.append(text)
            return f"Added “{text}”. You have {len(items)} to do."

        return self.change(user_id, append)

    def show(self, user_id: str, text: str) -> str:
        items, _ = self.load(user_id)
        if not items:
            return "Nothing to do."
        return "\n".join(f"{number}. {item}" for number, item in enumerate(items, start=1))

    def done(self, user_id: str, text: str) -> str:
        def remove(items: list[str]) -> str:
            if not text.isdigit() or not 1 <= int(text) <= len(items):
                return f"Give a number from 1 to {len(items)}." if items else "Nothing to do."
            return f"Done: “{items.pop(int(text) - 1)}”. {len(items)} left."

        return self.change(user_id, remove)

    def clear(self, user_id: str, text: str) -> str:
        self.api.kv_delete(self.key(user_id))
        return "Your list is empty."

    @staticmethod
    def key(user_id: str) -> str:
        return f"list-{user_id}"

    def load(self, user_id: str) -> tuple[list[str], bytes | None]:
        """Returns the list and the bytes it was stored as, which a later compare-and-set needs."""
        stored = self.api.kv_get(self.key(user_id))
        return (json.loads(stored) if stored else []), stored or None

    def change(self, user_id: str, edit: Callable[[list[str]], str]) -> str:
        """Applies `edit` so that two commands at once, on two nodes even, lose nothing."""
        for _ in range(5):
            items, stored = self.load(user_id)
            before = list(items)
            answer = edit(items)
            if items == before:
                return answer
            options = PluginKVSetOptions(atomic=True, old_value=stored or b"")
            if self.api.kv_set_with_options(self.key(user_id), json.dumps(items).encode(), options):
                return answer
        return "Your list is being changed from elsewhere; please try again."


if __name__ == "__main__":
    run_plugin(TodoPlugin)
