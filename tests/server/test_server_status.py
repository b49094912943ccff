"""`mm-host status`, from the bundle of a plugin on a server: what an administrator has there anyway."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from minimost import running
from plugins import WithSource, source
from processes import left_after, plugin_process, standing_still
from prometheus_client.parser import text_string_to_metric_families

PLUGIN = source("""
    @hook(HookName.MessageWillBePosted)
    def check(self, context, post):
        return None, str(os.getpid())
""")


def named(folder: Path) -> str:
    """Gives the plugin in a folder an id of its own: others like it may run beside it."""
    file = folder / "plugin.json"
    manifest = json.loads(file.read_text())
    manifest["id"] = f"org.example.status-{os.getpid()}-{time.monotonic_ns()}"
    # It may be the same file as that of others.
    file.unlink()
    file.write_text(json.dumps(manifest))
    return str(manifest["id"])


def status(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Asks for the plugin in a folder, with the host of its own bundle."""
    (host,) = folder.glob("server/*/mm-host")
    return subprocess.run([host, "status", folder, *options], capture_output=True, text=True, timeout=60, check=False)


def reports(folder: Path) -> list[dict[str, Any]]:
    """What hosts of the plugin in a folder say."""
    told: list[dict[str, Any]] = json.loads(status(folder, "--format", "json").stdout)
    return told


def restarted(folder: Path) -> dict[str, Any]:
    """Waits until the plugin in a folder runs again."""
    deadline = time.monotonic() + 60
    while True:
        (report,) = reports(folder)
        if report["deaths"] and report["state"] == "running":
            return report
        assert time.monotonic() < deadline, report
        time.sleep(0.02)


def test_a_plugin_on_a_server_says_how_it_is(minimost: Path, plugin_of: WithSource) -> None:
    folder = plugin_of(PLUGIN)
    named(folder)
    with running(minimost, folder) as server:
        for _ in range(2):
            server.start()
            server.activate()
            python = int(server.hook("MessageWillBePosted", {}, {"Message": "x"}).results[1])
            (report,) = reports(folder)
            assert report["host_pid"] == server.pid
            assert (report["state"], report["pids"], report["deaths"]) == ("running", [python], 0)
            assert report["hook_calls"]["over"]["ok"] >= 2
            assert python == plugin_process(server.pid)

            os.kill(python, signal.SIGKILL)
            report = restarted(folder)
            assert (report["restarts"], report["deaths"]) == ({"killed": 1}, 1)
            assert report["pids"] == [plugin_process(server.pid)] != [python]

            server.do("deactivate", limit=10_000)
            server.stop()
            assert reports(folder) == []


def test_people_and_prometheus_read_it_too(minimost: Path, plugin_of: WithSource) -> None:
    folder = plugin_of(PLUGIN)
    plugin_id = named(folder)
    with running(minimost, folder) as server:
        server.start()
        server.activate()
        done = status(folder)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(plugin_id)
        assert f"process {server.pid}," in done.stdout
        python = plugin_process(server.pid)
        # Python stands still, and the host says so.
        with standing_still(python):
            assert f"process     {python}" in status(folder).stdout
        pid = server.pid
        page = status(folder, "--format", "prometheus").stdout
        assert "mm_host_hook_calls" in {it.name for it in text_string_to_metric_families(page)}
        os.kill(pid, signal.SIGKILL)
        assert left_after([pid, python], 2) == []
    assert status(folder).returncode == 1
