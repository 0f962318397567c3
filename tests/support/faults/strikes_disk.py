"""Disks that are full or read-only below the embedded service: temporary folder, results, job database."""

from __future__ import annotations

from tests.support.faults.embedded import Embedded
from tests.support.faults.storm_jobs import Wanted
from tests.support.faults.trial import Trial, endless, large, small
from tests.support.servers.small_disk import SmallDisk
from tests.support.waiting import wait_until

TEXT = "x" * 100_000
SPILLING = (
    "SELECT count(*) AS n FROM (SELECT md5(range::VARCHAR) || md5((range + 1)::VARCHAR) AS h"
    " FROM range(12000000) ORDER BY h OFFSET 1)"
)


def temporary_folder_full(trial: Trial[Embedded], disk: SmallDisk) -> None:
    with disk.full():
        job_id = trial.submit(Wanted("/v1/jobs", {"query": SPILLING}, "failed"))
        trial.submit(small())
        record = trial.final(job_id)
    assert record["reason"] == "memory_limit", record
    assert record["error"]["hint"], record
    assert str(disk.path) not in str(record), "it shows a path of the service"


def results_full(trial: Trial[Embedded], disk: SmallDisk) -> None:
    with disk.full():
        job_id = trial.submit(large())
        wait_until(lambda: trial.record(job_id)["reason"] == "store_unavailable", "nobody tells why")


def results_read_only(trial: Trial[Embedded], disk: SmallDisk) -> None:
    with disk.read_only():
        job_id = trial.submit(small())
        wait_until(lambda: trial.record(job_id)["reason"] == "store_unavailable", "nobody tells why")


def job_database_full(trial: Trial[Embedded], disk: SmallDisk) -> None:
    """Reads work, submissions are refused as what they are, and what runs goes on."""
    running = trial.running(endless())
    with disk.full(), trial.ada.http() as http:
        answers = [
            http.post("/v1/jobs", json={"query": f"SELECT {number} AS n, '{TEXT}' AS t"})
            for number in range(8)
        ]
        refused = [answer for answer in answers if answer.status_code >= 400]
        assert refused, "nothing is written"
        assert {answer.status_code for answer in refused} <= {503, 507}, refused[0].text
        assert {answer.headers["content-type"] for answer in refused} == {"application/problem+json"}
        assert trial.record(running)["status"] == "running"
    trial.ada.stubborn("DELETE", f"/v1/jobs/{running}")


RESULTS = {"results full": results_full, "results read-only": results_read_only}
TEMPORARY = {"temporary folder full": temporary_folder_full}
DATABASE = {"job database full": job_database_full}
