"""Under what the systemd units take away, jobs run, and their processes are still confined."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.live_service import Jobs, Live, isolated_environment
from tests.support.sandbox import hardened
from tests.support.sandbox.escapes import ALLOWED, CONFINES, tried

pytestmark = [
    pytest.mark.skipif(not CONFINES, reason="needs Landlock (ABI 6) and seccomp"),
    pytest.mark.skipif(bool(hardened.missing()), reason=f"needs {', '.join(hardened.missing())}"),
]


def test_a_job_process_is_confined_as_ever(tmp_path: Path) -> None:
    with tried(tmp_path, under=hardened.without_privileges) as outcomes:
        assert {name for name, outcome in outcomes.items() if outcome == "done"} == ALLOWED
        assert len(outcomes) > 30


def test_jobs_run_and_the_log_misses_no_part_of_the_sandbox(tmp_path: Path) -> None:
    up = [sys.executable, "-m", "syndb_service", "up", "--data-dir", str(tmp_path / "data"), "--port", "0"]
    environment = isolated_environment(tmp_path)
    with (tmp_path / "up.log").open("w+") as log:
        process = subprocess.Popen(
            hardened.without_privileges(up), env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            assert process.stdout is not None
            url = next((line.split()[1] for line in process.stdout if line.startswith("READY ")), None)
            assert url is not None, (tmp_path / "up.log").read_text()
            token = (tmp_path / "data" / "token").read_text().strip()
            status = Path(f"/proc/{process.pid}/status").read_text().split("\n")
            held = dict(line.split(":\t", 1) for line in status if ":\t" in line)
            assert (held["NoNewPrivs"], held["Seccomp"], int(held["CapEff"], 16)) == ("1", "2", 0)
            with Live(url, token, tmp_path / "data", process, environment).http() as http:
                jobs = Jobs(http)
                dataset = jobs.dataset_id("celegans_varshney_2011")
                assert jobs.run("SELECT count(*) AS n FROM synapses")["status"] == "completed"
                assert jobs.until(jobs.submit_graph(dataset))["status"] == "completed"
        finally:
            process.terminate()
            process.communicate(timeout=120)
    said = (tmp_path / "up.log").read_text()
    assert "jobs run without" not in said, said


def test_the_calls_of_the_sandbox_are_not_left_out() -> None:
    needed = {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp", "prctl"}
    assert needed <= hardened.allowed_calls()
