"""A plugin with a handler for every hook, run by the real runtime: ``python width_plugin.py sync|async``.

The folder in ``MM_WIDTH_FOLDER`` is how it talks to the test, besides the wire: what a handler got goes to ``taken`` as pickles, what it
is to do comes from ``answer``.
"""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import Any

from mattermost_plugin import Plugin, hook, run_plugin
from mattermost_plugin._generated.hooks import HOOKS, HookSpec
from mattermost_plugin.http import HttpRequest

FOLDER = Path(os.environ["MM_WIDTH_FOLDER"])


class Recorder(Plugin):
    """What every handler does."""

    def take(self, go: str, args: tuple[Any, ...]) -> Any:
        """Notes a call; returns or raises what the test wants."""
        with (FOLDER / "taken").open("ab") as file:
            file.write(pickle.dumps((go, tuple(readable(it) for it in args))))
        how, value = pickle.loads((FOLDER / "answer").read_bytes())  # noqa: S301 (the test wrote it)
        if how == "raise":
            raise value
        return value


def readable(value: Any) -> Any:
    """Returns an argument as something that can be pickled: streams are read."""
    if isinstance(value, HttpRequest):
        shown = {name: it for name, it in vars(value).items() if not name.startswith("_")}
        return {**shown, "headers": value.headers.to_dict(), "body": value.body}
    if hasattr(value, "read"):
        return b"".join(iter(lambda: value.read(1000), b""))
    return value


def handler_of(spec: HookSpec, keyword: str) -> Any:
    """Returns a handler with the hook's own parameters."""
    names = ", ".join(("self", *spec.params))
    scope: dict[str, Any] = {}
    arguments = "".join(f"{name}, " for name in spec.params)
    exec(f"{keyword} {spec.snake}({names}):\n    return self.take({spec.go!r}, ({arguments}))", scope)  # noqa: S102
    return hook(spec.go)(scope[spec.snake])


if __name__ == "__main__":
    word = {"sync": "def", "async": "async def"}[sys.argv[1]]
    run_plugin(type("Everything", (Recorder,), {spec.snake: handler_of(spec, word) for spec in HOOKS.values()}))
