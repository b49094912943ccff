"""SQLAlchemy over the simulator's database."""

from __future__ import annotations

import pytest
from sql_hosts import Probe


@pytest.mark.parametrize("case", ["case_orm", "case_core", "case_autocommit_and_isolation", "case_reflection"])
def test_case(simulated: Probe, case: str) -> None:
    simulated.run(case, module="cases_sqlalchemy")
