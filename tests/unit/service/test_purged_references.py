"""A result that is destroyed while another job reads it: that job tells so, or ends as if nothing was."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from syndb_service.container import Container, build_container
from syndb_service.domain.access import Principal
from syndb_service.domain.job_status import Kind, Reason, Status
from syndb_service.domain.jobs import Job, JobRequest
from syndb_service.server.embedded_worker import EmbeddedWorker
from syndb_service.settings import load_settings
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

ADA = Principal("ada", academic=True)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    service = build_container(load_settings(tmp_path_factory.mktemp("service")))
    worker = EmbeddedWorker(service)
    worker.start()
    yield service
    worker.stop()
    service.close()


def run(service: Container, query: str, file_format: str = "arrow") -> Job:
    request = JobRequest(Kind.QUERY, query=query, format=file_format)
    job, _ = service.jobs.submit(ADA, request)
    wait_until(lambda: service.jobs.get(ADA, job.job_id).status.final)
    return service.jobs.get(ADA, job.job_id)


@pytest.mark.parametrize("file_format", ["arrow", "parquet"])
@pytest.mark.parametrize("way", ["purged", "gone"])
def test_a_result_that_goes_before_it_is_opened_is_named(
    service: Container, file_format: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = run(service, "SELECT range AS n FROM range(1000)", file_format)
    assert read.result is not None
    key = read.result.key
    lease = service.supervisor._tasks.build

    @contextlib.contextmanager
    def struck(*arguments: Any) -> Iterator[Any]:
        with lease(*arguments) as prepared:
            if way == "purged":
                service.jobs.purge(ADA, read.job_id)
            else:
                service.results.delete(key)
            yield prepared

    monkeypatch.setattr(service.supervisor._tasks, "build", struck)
    job = run(service, f"SELECT sum(n) AS s FROM {{{{{read.job_id}}}}}")
    assert (job.status, job.reason) == (Status.FAILED, Reason.INVALID_QUERY)
    assert job.failure is not None
    assert job.failure.code == ("result_expired" if way == "purged" else "result_lost")
    assert read.job_id in job.failure.message
    assert "can't be read" in job.failure.message
    assert (job.failure.line, job.failure.column) == (1, 25)


def test_another_failure_is_told_as_what_it_is(service: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    read = run(service, "SELECT 'x' AS t")
    job = run(service, f"SELECT CAST(t AS INTEGER) AS n FROM {{{{{read.job_id}}}}}")
    assert job.failure is not None
    assert "Could not convert" in job.failure.message
