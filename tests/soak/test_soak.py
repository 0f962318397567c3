"""The soak test, short; `make soak` is the long one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_service_and_its_client_end_where_they_began() -> None:
    environment = os.environ | {"SYNDB_SOAK_JOBS": "90"}
    command = [sys.executable, "-m", "tests.soak"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=570)
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
