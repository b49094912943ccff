"""What a Prometheus gets that asks the server for a plugin's metrics, judged by Prometheus' own parser."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from minimost import running
from plugins import WithSource, source
from processes import children, standing_still
from scraped import asked, parsed, value

#: A plugin that counts nothing itself.
SILENT = source("""
    @hook(HookName.MessageWillBePosted)
    def check(self, context, post):
        self.api.get_server_version()
        if post.message == "fail":
            raise ValueError("no")
""")

#: One with metrics of its own.
TALKING = source(
    """
    @hook(HookName.ServeMetrics)
    def metrics(self, context, request):
        text = "# TYPE mine_total counter\\nmine_total 3\\n"
        return HttpResponse(body=text, headers={"Content-Type": "text/plain; version=0.0.4"})
""",
    before="from mattermost_plugin.http import HttpResponse",
)


@pytest.fixture(params=["MINIMOST", "MINIMOST_9_8"], ids=["newest", "9.8"])
def program(request: pytest.FixtureRequest) -> Path:
    """The newest server, and one of 9.8."""
    return Path(os.environ[request.param])


def test_a_plugin_without_metrics_has_the_hosts(program: Path, plugin_of: WithSource) -> None:
    with running(program, plugin_of(SILENT)) as server:
        server.start()
        server.activate()
        for message in ("one", "two", "fail"):
            server.hook("MessageWillBePosted", {}, {"Id": "p1", "Message": message})
        metrics = parsed(asked(server))
        calls, times = metrics["mm_host_hook_calls"], metrics["mm_host_hook_duration_seconds"]
        assert (calls.type, times.type) == ("counter", "histogram")
        hook = "MessageWillBePosted"
        by_outcome = {it.labels["outcome"]: it.value for it in calls.samples if it.labels.get("hook") == hook}
        assert sum(by_outcome.values()) == 3
        assert value(times, "mm_host_hook_duration_seconds_count", hook=hook) == 3
        assert value(times, "mm_host_hook_duration_seconds_bucket", hook=hook, le="+Inf") == 3
        api = metrics["mm_host_api_calls"]
        assert value(api, "mm_host_api_calls_total", method="GetServerVersion", outcome="ok") >= 3
        assert value(metrics["mm_host_info"], "mm_host_info", plugin_id="org.example.probe") == 1
        memory = metrics["mm_host_plugin_resident_memory_bytes"]
        assert value(memory, "mm_host_plugin_resident_memory_bytes", worker="0") > 5e6
        assert asked(server, "/more").status == 404


def test_metrics_come_while_python_stands_still(minimost: Path, plugin_of: WithSource) -> None:
    with running(minimost, plugin_of(SILENT)) as server:
        server.start()
        server.activate()
        pythons = [it for it in children(server.pid) if "plugin.py" in Path(f"/proc/{it}/cmdline").read_text()]
        assert pythons
        with standing_still(*pythons):
            assert "mm_host_hook_calls" in parsed(asked(server))


def test_a_plugins_own_metrics_follow(program: Path, plugin_of: WithSource) -> None:
    with running(program, plugin_of(TALKING)) as server:
        server.start()
        server.activate()
        assert parsed(asked(server))["mine"].type == "counter"
        metrics = parsed(asked(server))
        assert value(metrics["mine"], "mine_total") == 3
        assert value(metrics["mm_host_hook_calls"], "mm_host_hook_calls_total", hook="ServeMetrics", outcome="ok") >= 1
