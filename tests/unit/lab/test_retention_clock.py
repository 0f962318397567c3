"""How long a result is kept is counted by the service's clock, whatever time it is here."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from syndb_lab.errors import ParameterError
from syndb_lab.http.transport import Transport
from syndb_lab.job import Job
from tests.support.lab_fakes import job_record


def test_hours_are_sent_and_no_moment(
    pretend: Callable[[Callable[[httpx.Request], httpx.Response]], Transport],
) -> None:
    sent: list[object] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return httpx.Response(200, json=job_record("completed"))

    job = Job(pretend(answer), job_record("completed"))
    job.keep(hours=5)
    assert sent == [{"keep_hours": 5.0}]
    for wrong in (0, -1, float("nan"), float("inf"), "5", None, True):
        with pytest.raises(ParameterError, match="it takes a number of hours above 0"):
            job.keep(wrong)  # type: ignore[arg-type]
    assert len(sent) == 1
