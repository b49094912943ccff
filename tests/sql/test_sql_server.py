"""The cases on a PostgreSQL, through the driver service of the miniature Mattermost; and what goes wrong there."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import cases
import cases_postgres
import pytest
from fair_clock import CLOCK
from processes import children, plugin_process
from sql_hosts import Server, serving


@pytest.mark.parametrize("case", [name for name in vars(cases) if name.startswith("case_")])
def test_case(server: Server, case: str) -> None:
    server.probe.run(case)
    leaves_nothing(server)


@pytest.mark.parametrize("case", [name for name in vars(cases_postgres) if name.startswith("case_")])
def test_case_of_postgres(server: Server, case: str) -> None:
    server.probe.run(case, module="cases_postgres")
    leaves_nothing(server)


def leaves_nothing(server: Server) -> None:
    """Nothing is open, the pool misses nothing, and nothing was asked that would crash a real server."""
    deadline = time.monotonic() + 30
    while (left := what_is_left(server)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == {}


def what_is_left(server: Server) -> dict[str, int]:
    state = server.state()
    assert state["Wrong"] == []
    names = ("Connections", "Transactions", "Statements", "Rows", "InUse")
    return {name: state[name] for name in names if state[name]}


@pytest.mark.parametrize(
    "fault", ["lose_the_connection_while_reading", "lose_the_connection_between_statements", "fork"]
)
def test_fault(server: Server, fault: str) -> None:
    server.probe.run(fault, module="cases_postgres")
    leaves_nothing(server)


@pytest.mark.parametrize("work", ["change_and_sleep", "change_and_read", "prepare_and_sleep"])
def test_python_is_killed_in_a_transaction(probe_folder: Path, database: str, tmp_path: Path, work: str) -> None:
    table = f"killed_in_{work}"
    with serving(probe_folder, database, tmp_path) as server:
        server.probe.run("make_table", module="cases_postgres", table_name=table)
        server.probe.begin(work, module="cases_postgres", table_name=table)
        wait_until(lambda: server.probe.run("is_busy", module="cases_postgres"))
        host = server.minimost.pid
        os.kill(plugin_process(host), signal.SIGKILL)
        leaves_nothing(server)
        # Another takes its place, and the server does not notice.
        server.probe.accept()
        assert server.minimost.pid == host
        assert server.probe.run("count_rows", module="cases_postgres", table_name=table) == 0


@pytest.mark.parametrize("work", ["change_and_sleep", "change_and_read"])
def test_the_plugin_is_deactivated_in_a_transaction(
    probe_folder: Path, database: str, tmp_path: Path, work: str
) -> None:
    table = f"deactivated_in_{work}"
    with serving(probe_folder, database, tmp_path) as server:
        server.probe.run("make_table", module="cases_postgres", table_name=table)
        server.probe.begin(work, module="cases_postgres", table_name=table)
        wait_until(lambda: server.probe.run("is_busy", module="cases_postgres"))
        server.minimost.do("deactivate", limit=10_000)
        assert server.minimost.stop() < 3
        leaves_nothing(server)


def test_more_connections_than_the_pool_has(probe_folder: Path, database: str, tmp_path: Path) -> None:
    with serving(probe_folder, database, tmp_path, connections=3) as server:
        server.probe.run("take_all_connections", module="cases_postgres", count=3)
        leaves_nothing(server)


def test_a_session_leaves_nothing_behind(probe_folder: Path, database: str, tmp_path: Path) -> None:
    with serving(probe_folder, database, tmp_path, connections=1) as server:
        server.probe.run("sessions_leave_nothing_behind", module="cases_postgres")
        leaves_nothing(server)


def test_memory_is_flat(server: Server) -> None:
    server.probe.run("read_much", module="cases_postgres", count=1000)
    processes = [server.minimost.pid, *children(server.minimost.pid)]
    before = [resident_kib(pid) for pid in processes]
    assert server.probe.run("read_much", module="cases_postgres", count=60_000) == 60_000_000
    for pid, size in zip(processes, before, strict=True):
        assert resident_kib(pid) - size < 16 * 1024


def test_a_statement_in_a_hook_has_the_time_of_the_hook(server: Server) -> None:
    began = CLOCK.now
    server.minimost.hook("MessageWillBePosted", {}, {"Message": "cases_postgres run_as_a_hook_would", "ChannelId": "c"})
    assert CLOCK.now - began < 8
    # Or else it would sleep for ten minutes.
    leaves_nothing(server)


def test_a_server_without_a_database(probe_folder: Path, tmp_path: Path) -> None:
    with serving(probe_folder, "", tmp_path) as server:
        server.probe.run("case_there_is_no_database", module="cases_without")


def resident_kib(pid: int) -> int:
    """Memory of a process that is not shared with others."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has no size")


def wait_until(is_so: Callable[[], object], patience: float = 60.0) -> None:
    deadline = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.05)
