"""What the benchmark measures: API calls made with the SDK, and a hook that changes a post.

`/bench CALLERS CALLS USER_ID` calls the API from this process and answers with the time of every call, in microseconds.
"""

from __future__ import annotations

import json
import threading
import time

from mattermost_plugin import HookName, Plugin, Replace, hook
from mattermost_plugin.models import CommandArgs, CommandResponse, Context, Post
from mattermost_plugin.server import run_plugin


class BenchPlugin(Plugin):
    @hook(HookName.MessageWillBePosted)
    def change(self, context: Context, post: Post) -> Replace[Post]:
        post.message += "!"
        return Replace(post)

    @hook(HookName.ExecuteCommand)
    def execute_command(self, context: Context, args: CommandArgs) -> CommandResponse:
        _, threads, calls, user_id = args.command.split()
        return CommandResponse(text=json.dumps(self.measure(int(threads), int(calls), user_id)))

    def measure(self, threads: int, calls: int, user_id: str) -> dict[str, object]:
        get_user = self.api.get_user
        times: list[list[float]] = [[] for _ in range(threads)]

        def work(mine: list[float]) -> None:
            for _ in range(calls):
                start = time.perf_counter()
                user = get_user(user_id)
                mine.append((time.perf_counter() - start) * 1e6)
                assert user.id == user_id

        started = time.perf_counter()
        workers = [threading.Thread(target=work, args=(mine,)) for mine in times]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        elapsed = time.perf_counter() - started
        return {"seconds": elapsed, "micros": sorted(value for mine in times for value in mine)}


if __name__ == "__main__":
    run_plugin(BenchPlugin)
