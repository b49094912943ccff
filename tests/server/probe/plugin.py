"""A plugin with a handler for every hook, which does what a test tells it.

It talks to the test over a socket, whose path is its setting `socket`: each hook sends its name and arguments and gets what to return
or raise; one more connection brings calls of the API to make. Everything travels as pickles.
"""

from __future__ import annotations

import os
from multiprocessing.connection import Client
from threading import Thread
from typing import Any

from mattermost_plugin import Plugin, hook, run_plugin
from mattermost_plugin._generated.hooks import HOOKS, HookSpec


class Probe(Plugin):
    """What every handler does."""

    def take(self, go: str, args: tuple[Any, ...]) -> Any:
        """Tells of a call; returns or raises what the test wants."""
        with Client(str(self.config["socket"])) as test:
            test.send((go, args))
            how, value = test.recv()
        if go == "OnActivate":
            Thread(target=self.obey, daemon=True).start()
        if how == "raise":
            raise value
        return value

    def obey(self) -> None:
        """Calls the API as it is told."""
        with Client(str(self.config["socket"])) as test:
            test.send(("obey", (os.getpid(),)))
            while True:
                try:
                    method, args = test.recv()
                except EOFError:
                    return
                try:
                    outcome = "return", getattr(self.api, method)(*args)
                except Exception as error:
                    outcome = "raise", error
                test.send(outcome)


def handler_of(spec: HookSpec) -> Any:
    """Returns a handler with the hook's own parameters."""
    scope: dict[str, Any] = {}
    names, arguments = ", ".join(("self", *spec.params)), "".join(f"{name}, " for name in spec.params)
    exec(f"def {spec.snake}({names}):\n    return self.take({spec.go!r}, ({arguments}))", scope)  # noqa: S102
    return hook(spec.go)(scope[spec.snake])


#: Hooks whose arguments are no values: there is nothing to send to the test.
STREAMS = {spec.go for spec in HOOKS.values() if spec.stream}

if __name__ == "__main__":
    handlers = {spec.snake: handler_of(spec) for spec in HOOKS.values() if spec.go not in STREAMS}
    run_plugin(type("Everything", (Probe,), handlers))
