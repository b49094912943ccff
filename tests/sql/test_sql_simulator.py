"""The cases in the simulator."""

from __future__ import annotations

import cases
import cases_simulator
import pytest
from sql_hosts import Probe


@pytest.mark.parametrize("case", [name for name in vars(cases) if name.startswith("case_")])
def test_case(simulated: Probe, case: str) -> None:
    simulated.run(case)


@pytest.mark.parametrize("case", [name for name in vars(cases_simulator) if name.startswith("case_")])
def test_case_of_the_simulator(simulated: Probe, case: str) -> None:
    simulated.run(case, module="cases_simulator")
