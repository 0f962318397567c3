"""S3 away, slow, refusing, and failing at each step of an upload, with and without having done it."""

from __future__ import annotations

from syndb_service.results import open_results
from tests.support.faults.cluster import Cluster, kill
from tests.support.faults.trial import Trial, large, slow, small
from tests.support.servers.store_proxy import Act
from tests.support.waiting import wait_until

PART, COMPLETE, BEGIN = "partNumber=2", r"uploadId=", r"\?uploads"
ENOUGH = 9
"""Failures that end an attempt: botocore's tries times ours, and one."""


def store_killed(trial: Trial[Cluster]) -> None:
    trial.running(slow())
    trial.service.store.kill()
    trial.submit_meanwhile(small())
    trial.service.store.start()


def store_paused(trial: Trial[Cluster]) -> None:
    trial.running(slow())
    trial.service.store.pause()
    trial.submit_meanwhile(small())
    trial.service.store.resume()


def store_slow(trial: Trial[Cluster]) -> None:
    with trial.service.proxy.rule(Act.SLOW):
        trial.final(trial.submit(small()))
        trial.final(trial.submit(large()))


def part_failing(trial: Trial[Cluster]) -> None:
    _struck(trial, Act.FAIL, "PUT", PART, times=3)


def part_failing_for_good(trial: Trial[Cluster]) -> None:
    job_id = _struck(trial, Act.FAIL, "PUT", PART, times=ENOUGH)
    assert trial.record(job_id)["attempt"] > 1


def part_cut_after_its_effect(trial: Trial[Cluster]) -> None:
    _struck(trial, Act.CUT_AFTER, "PUT", PART, times=3)


def beginning_cut_after_its_effect(trial: Trial[Cluster]) -> None:
    _struck(trial, Act.CUT_AFTER, "POST", BEGIN, times=1)


def completing_failing(trial: Trial[Cluster]) -> None:
    _struck(trial, Act.FAIL, "POST", COMPLETE, times=3)


def completing_failing_after_its_effect(trial: Trial[Cluster]) -> None:
    _struck(trial, Act.FAIL_AFTER, "POST", COMPLETE, times=3)


def completing_cut_after_its_effect(trial: Trial[Cluster]) -> None:
    _struck(trial, Act.CUT_AFTER, "POST", COMPLETE, times=1)


def completing_cut_for_good(trial: Trial[Cluster]) -> None:
    _struck(trial, Act.CUT, "POST", COMPLETE, times=ENOUGH)


def put_failing_after_its_effect(trial: Trial[Cluster]) -> None:
    with trial.service.proxy.rule(Act.FAIL_AFTER, "PUT", r"results-\w+/[0-9a-f-]{36}/", times=3) as rule:
        trial.final(trial.submit(small()))
    assert rule.struck == 3


def refused(trial: Trial[Cluster]) -> None:
    """403 to everything that writes: the job waits for an operator, and then goes on."""
    with trial.service.proxy.rule(Act.REFUSE, "PUT|POST|DELETE", "results-") as rule:
        job_id = trial.submit(small())
        wait_until(lambda: rule.struck >= 2, "nothing is written")
        wait_until(lambda: trial.record(job_id)["reason"] == "store_unavailable", "nobody tells why")


def deletes_refused(trial: Trial[Cluster]) -> None:
    """What can't be destroyed yet keeps nobody from rescuing a job."""
    cluster = trial.service
    done = trial.submit(small())
    assert trial.final(done)["status"] == "completed"
    trial.without_file.add(done)
    with cluster.proxy.rule(Act.REFUSE, "DELETE", "results-") as rule:
        trial.ada.stubborn("DELETE", f"/v1/jobs/{done}", params={"purge": "true"})
        job_id = trial.running(slow(), "executing")
        wait_until(lambda: rule.struck >= 2, "nobody sweeps")
        kill(trial.worker_of(job_id))
        trial.attempt(job_id, 2)


def file_deleted_under_its_row(trial: Trial[Cluster]) -> None:
    """The download says so, with the way out; the record stays; a rerun gives the result."""
    cluster, job_id = trial.service, trial.submit(small())
    record = trial.final(job_id)
    trial.without_file.add(job_id)
    results = open_results(cluster.results_url, cluster.store.endpoint)
    results.delete(f"{job_id}/{record['attempt']}")
    for path in (f"/v1/jobs/{job_id}/result", f"/v1/jobs/{job_id}/result?redirect=true"):
        answer = trial.ada.stubborn("GET", path)
        assert (answer.status_code, answer.json()["code"]) == (410, "result_lost"), answer.text
        assert answer.json()["rerun"] == f"/v1/jobs/{job_id}/rerun"
    assert trial.record(job_id) == record
    again = trial.ada.stubborn("POST", f"/v1/jobs/{job_id}/rerun").json()["job_id"]
    assert trial.final(again)["status"] == "completed"
    assert trial.ada.stubborn("GET", f"/v1/jobs/{again}/result").status_code == 200


def upload_left_behind(trial: Trial[Cluster]) -> None:
    job_id = trial.submit(large())
    with trial.service.proxy.rule(Act.HOLD, "PUT", f"{job_id}/1.*{PART}", times=1) as held:
        assert held.reached.wait(120), "no part is sent"
        kill(trial.worker_of(job_id))
        trial.attempt(job_id, 2)


def _struck(trial: Trial[Cluster], act: Act, method: str, path: str, times: int) -> str:
    with trial.service.proxy.rule(act, method, path, times) as rule:
        job_id = trial.submit(large())
        trial.final(job_id)
    assert rule.struck, "the fault did not strike"
    return job_id


STRIKES = {
    "store killed": store_killed,
    "store paused": store_paused,
    "store slow": store_slow,
    "part failing": part_failing,
    "part failing for good": part_failing_for_good,
    "part cut after its effect": part_cut_after_its_effect,
    "beginning cut after its effect": beginning_cut_after_its_effect,
    "completing failing": completing_failing,
    "completing failing after its effect": completing_failing_after_its_effect,
    "completing cut after its effect": completing_cut_after_its_effect,
    "completing cut for good": completing_cut_for_good,
    "put failing after its effect": put_failing_after_its_effect,
    "store refuses": refused,
    "deletes refused": deletes_refused,
    "file deleted under its row": file_deleted_under_its_row,
    "upload left behind": upload_left_behind,
}
