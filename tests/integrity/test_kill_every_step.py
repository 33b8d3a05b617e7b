"""Every write of a day's work is killed at every step, and its recovery again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_killed_at_every_step_and_again_inside_the_recovery(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.integrity.kills", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, f"{ran.stdout[-6000:]}\n{ran.stderr[-3000:]}"
    assert ran.stdout.endswith(" trials, 0 faults\n")
    assert int(ran.stdout.split()[-4]) > 100, "it is killed at every step"
