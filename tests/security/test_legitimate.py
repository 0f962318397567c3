"""What researchers write runs: a sandbox that refuses their queries would soon be switched off."""

from __future__ import annotations

import httpx
import pytest

from tests.support.sandbox.rig import Rig, statements

LEGITIMATE = [statement for _, _, statement in statements("legitimate.txt")]


@pytest.fixture(scope="module")
def submitted(rig: Rig) -> dict[str, httpx.Response]:
    """Submit all of them at once."""
    return {each: rig.jobs.http.post("/v1/jobs", json={"query": each}) for each in LEGITIMATE}


@pytest.mark.parametrize("statement", LEGITIMATE, ids=[statement[:60] for statement in LEGITIMATE])
def test_it_runs(rig: Rig, submitted: dict[str, httpx.Response], statement: str) -> None:
    answer = submitted[statement]
    assert answer.status_code == 202, answer.text
    job = rig.jobs.until(answer.json())
    assert job["status"] == "completed", job["error"]
    assert job["result"]["rows"] > 0
    assert not rig.leaks(statement, rig.jobs.result(job).content.decode("latin-1"))
