"""The back-up of one machine, by the commands of the operators' page, under load; and what comes back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.live_service import Jobs, running_service

PAGE = Path(__file__).parents[2] / "docs" / "operators" / "backup-and-upgrade.md"
LONG = "SELECT count(*) AS n FROM range(1000000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3"


def back_up(data: Path, to: Path) -> None:
    """Run the page's commands."""
    (commands,) = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {"PATH": path, "DATA": str(data), "TO": str(to)}
    subprocess.run(["bash", "-euc", commands], env=environment, check=True, timeout=120)


def test_a_copy_made_under_load_is_whole(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    copy = new / "data"
    for folder in (old, copy):
        folder.mkdir(parents=True)
    with running_service(old, JOB_QUEUE_MAX_WORKERS="2") as live, live.http() as http:
        jobs = Jobs(http)
        ended = [jobs.run(f"SELECT {n} AS n, * FROM synapses") for n in range(2)]
        running = jobs.until(jobs.submit(LONG), "running")
        meanwhile = [jobs.submit(f"SELECT {n} AS n, * FROM neurons") for n in range(12)]
        back_up(live.data_dir, copy)
        assert jobs.get(running["job_id"])["status"] == "running"
        jobs.http.delete(f"/v1/jobs/{running['job_id']}")
    with running_service(new, "--no-demo-data") as live, live.http() as http:
        jobs = Jobs(http)
        for job in ended:
            assert jobs.get(job["job_id"])["result"] == job["result"]
            assert jobs.result(job).headers["ETag"].strip('"') == job["result"]["sha256"]
        again = jobs.get(running["job_id"])
        assert again["status"] in ("pending", "running")
        http.delete(f"/v1/jobs/{running['job_id']}")
        for job in meanwhile:
            end = jobs.until(jobs.get(job["job_id"]))
            assert end["status"] == "completed"
            assert jobs.result(end).is_success
        assert len(http.get("/v1/datasets").json()["datasets"]) == 2


def test_a_result_that_is_not_in_the_copy_is_said_to_be_lost_and_can_be_rerun(tmp_path: Path) -> None:
    with running_service(tmp_path) as live, live.http() as http:
        jobs = Jobs(http)
        job = jobs.run("SELECT 1 AS n")
        for file in (live.data_dir / "results").rglob("*"):
            if file.is_file():
                file.unlink()
        answer = jobs.result(job)
        assert (answer.status_code, answer.json()["code"]) == (410, "result_lost")
        again = jobs.until(http.post(f"/v1/jobs/{job['job_id']}/rerun").json())
        assert again["status"] == "completed"
