"""How a plugin process ends, with grpcio as its host."""

from __future__ import annotations

import signal
import time
from typing import Any

from plugin_programs import program


def test_running_handlers_finish_before_the_end(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook
    def execute_command(self, context, args):
        self.logger.info("begun")
        # Longer than connections may take to write what was answered.
        time.sleep(1.0)
        self.logger.info("finished")
        return "done"
""")
    )
    call = host.hook_future("ExecuteCommand", args={})
    host.log("begun")
    host.shutdown(grace_ms=15_000)
    assert call.result().command_response.text == "done"
    assert host.wait()[0] == 0
    assert "finished" in [record.message for record in host.records]


def test_the_end_does_not_wait_longer_than_the_grace(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook
    def execute_command(self, context, args):
        self.logger.info("begun")
        time.sleep(60)
    @hook
    async def user_will_log_in(self, context, user):
        self.logger.info("async begun")
        await asyncio.sleep(60)
""")
    )
    calls = [
        host.hook_future("ExecuteCommand", args={}, timeout=60.0),
        host.hook_future("UserWillLogIn", user={}, timeout=60.0),
    ]
    host.log("begun")
    host.log("async begun")
    host.shutdown(grace_ms=300)
    # They would go on for a minute.
    assert host.wait()[0] == 0
    assert all(call.exception() is not None for call in calls)


def test_sigterm_ends_in_order(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook
    def execute_command(self, context, args):
        self.logger.info("begun")
        time.sleep(1.0)
        return "done"
""")
    )
    call = host.hook_future("ExecuteCommand", args={})
    host.log("begun")
    assert host.process is not None
    host.process.send_signal(signal.SIGTERM)
    assert call.result().command_response.text == "done"
    status, _, err = host.wait()
    assert (status, err) == (0, "")


def test_sigint_is_the_hosts(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    def __init__(self):
        # Whoever presses Ctrl-C may do so while a plugin is being started.
        os.kill(os.getpid(), signal.SIGINT)
""").replace("import logging", "import signal, logging")
    )
    host.process.send_signal(signal.SIGINT)
    assert host.stop() == (0, "", "")


def test_threads_of_the_plugin_do_not_outlive_a_second_sigterm(host: Any) -> None:
    host.start(
        program("""
class MyPlugin(Plugin):
    @hook
    def on_activate(self):
        threading.Thread(target=time.sleep, args=(60,), daemon=False).start()
""")
    )
    host.hook("OnActivate")
    host.shutdown(grace_ms=100)
    # The thread keeps it: only the signal that comes after everything else was done ends it.
    while host.process.poll() is None:
        time.sleep(0.1)
        host.process.send_signal(signal.SIGTERM)
    assert host.wait() == (-signal.SIGTERM, "", "")


def test_the_process_ends_with_its_host(host: Any) -> None:
    host.start(program("class MyPlugin(Plugin): ..."))
    host.process.stdin.close()
    host.process.stdin = None
    assert host.wait()[0] == 1
