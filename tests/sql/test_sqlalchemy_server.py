"""SQLAlchemy over a PostgreSQL behind the miniature Mattermost."""

from __future__ import annotations

import pytest
from sql_hosts import Server


@pytest.mark.parametrize(
    "case", ["case_orm", "case_core", "case_autocommit_and_isolation", "case_reflection", "postgres_types"]
)
def test_case(server: Server, case: str) -> None:
    server.probe.run(case, module="cases_sqlalchemy")
    assert server.state()["Wrong"] == []
