"""Two minutes of disturbance, and what must hold all the same; see `support/chaos.py`. The seed of a failed run repeats its schedule."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest
from chaos import Step, disturb, schedule

HERE = Path(__file__).parent
#: How long it takes, in minutes.
MINUTES = float(os.environ.get("CHAOS_MINUTES", "2"))
#: The seed, if it is not to be a new one.
SEED = os.environ.get("CHAOS_SEED")


def test_a_seed_determines_its_schedule() -> None:
    assert schedule(7, 50) == schedule(7, 80)[:50]
    assert schedule(7, 50) != schedule(8, 50)
    assert {it.kind for it in schedule(7, 500)} >= {"burst", "kill", "freeze", "kill_host", "late", "cut"}
    assert all(isinstance(it, Step) for it in schedule(1, 3))


@pytest.mark.timeout(MINUTES * 60 + 300)
def test_two_minutes_of_chaos(minimost: Path, probe_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plugin"
    shutil.copytree(probe_folder, folder, copy_function=os.link)
    (folder / "plugin.py").unlink()
    shutil.copy(HERE / "chaos" / "plugin.py", folder / "plugin.py")
    seed = int(SEED) if SEED else random.SystemRandom().randrange(1 << 32)
    counts = disturb(minimost, folder, seed, MINUTES * 60)
    assert counts.get("replies", 0) > 20
