"""Two minutes of disturbance, and what must hold all the same; see `support/chaos.py`. The seed of a failed run repeats its schedule.

`cargo xtask chaos` runs it for any length, with other schedules.
"""

from __future__ import annotations

import os
import random
import shutil
from itertools import islice
from pathlib import Path

import pytest
from chaos import Step, disturb, schedule

HERE = Path(__file__).parent
#: How long it takes; `cargo xtask chaos` sets it.
SECONDS = float(os.environ.get("CHAOS_SECONDS", "120"))
#: The seed, "" for a new one. What is judged by this test is judged by the same schedule every time, one with steps of all kinds from the
#: beginning on; `cargo xtask chaos` has a new one every time.
SEED = os.environ.get("CHAOS_SEED", "" if "CHAOS_SECONDS" in os.environ else "83")


def test_a_seed_determines_its_schedule() -> None:
    def steps(seed: int, length: int) -> list[Step]:
        return list(islice(schedule(seed), length))

    assert steps(7, 50) == steps(7, 80)[:50]
    assert steps(7, 50) != steps(8, 50)
    assert {it.kind for it in steps(7, 500)} >= {"burst", "kill", "freeze", "kill_host", "late", "cut"}


@pytest.mark.timeout(SECONDS + 300)
def test_two_minutes_of_chaos(minimost: Path, probe_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plugin"
    shutil.copytree(probe_folder, folder, copy_function=os.link)
    (folder / "plugin.py").unlink()
    shutil.copy(HERE / "chaos" / "plugin.py", folder / "plugin.py")
    seed = int(SEED) if SEED else random.SystemRandom().randrange(1 << 32)
    counts = disturb(minimost, folder, seed, SECONDS)
    # Fewer than this would mean that next to nothing went on.
    assert counts.get("replies", 0) > SECONDS / 6
