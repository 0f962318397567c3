"""Resource bombs end one job each, with a clear reason, while other people's jobs go on.

``make test-security`` gives each of them more time (``SYNDB_BOMB_S``, in seconds): in the short form most
meet the limit on time before they meet the one on memory.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.live_service import Jobs
from tests.support.sandbox.rig import Rig, statements

BOMBS = [statement for _, _, statement in statements("bombs.txt")]
LIMIT_S = float(os.environ.get("SYNDB_BOMB_S", "0.3"))
AT_A_TIME = 3
"""One fewer than the jobs that a worker runs at a time."""
CLEAR = {"time_limit", "memory_limit", "result_too_large", "invalid_query"}


def burst(jobs: Jobs, statement: str) -> tuple[str, dict[str, Any]]:
    answer = jobs.http.post("/v1/jobs", json={"query": statement, "time_limit_s": LIMIT_S})
    if answer.status_code != 202:
        return f"refused: {answer.json()['code']}", answer.json()
    job = jobs.until(answer.json())
    return job["status"], job


@pytest.fixture(scope="module")
def burst_by_now(rig: Rig) -> dict[str, tuple[str, dict[str, Any]]]:
    """Set them all off, a few at a time; meanwhile somebody else's jobs run, one after the other."""
    token = rig.live.make_token("bystander")
    with ThreadPoolExecutor(AT_A_TIME) as pool, rig.live.http(token) as http:
        bystander, done = Jobs(http), 0
        bursts: dict[str, Future[tuple[str, dict[str, Any]]]] = {
            statement: pool.submit(burst, rig.jobs, statement) for statement in BOMBS
        }
        while not all(future.done() for future in bursts.values()):
            job = bystander.run("SELECT count(*) AS n FROM neurons")
            assert job["status"] == "completed", job
            done += 1
        assert done > 3
        return {statement: future.result() for statement, future in bursts.items()}


@pytest.mark.parametrize("statement", BOMBS, ids=[statement[:60] for statement in BOMBS])
def test_it_ends_its_own_job_and_says_why(
    rig: Rig, burst_by_now: dict[str, tuple[str, dict[str, Any]]], statement: str
) -> None:
    status, said = burst_by_now[statement]
    if status == "failed":
        assert said["reason"] in CLEAR
        assert said["error_message"]
        assert said["attempt"] == 1
    else:
        assert status in {"completed", "refused: invalid_query"}
    assert not rig.leaks(statement, str(said))


def test_most_of_them_are_bombs_and_nothing_of_them_is_left(
    rig: Rig, burst_by_now: dict[str, tuple[str, dict[str, Any]]]
) -> None:
    statuses = [status for status, _ in burst_by_now.values()]
    assert statuses.count("completed") <= 3
    assert list((rig.live.data_dir / "tmp").iterdir()) == []
    assert rig.jobs.run("SELECT 1")["status"] == "completed"


@pytest.mark.parametrize(
    "opening", ["(", "[", "abs(", "not ", "(select ", "case when true then ", "- ", "{'a': "]
)
@pytest.mark.parametrize("depth", [40, 5_000])
def test_deep_nesting_is_answered_whatever_it_holds(rig: Rig, opening: str, depth: int) -> None:
    closing = {"[": "]", "not ": "", "- ": "", "case when true then ": " end", "{'a': ": "}"}.get(
        opening, ")"
    )
    answer = rig.jobs.http.post(
        "/v1/jobs/validate", json={"query": f"SELECT {opening * depth}1{closing * depth}"}
    )
    assert answer.status_code in (200, 413, 429), answer.text
    if answer.status_code == 200 and depth > 1000:
        assert answer.json()["valid"] is False
