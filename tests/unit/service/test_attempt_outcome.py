"""Why an attempt ends: what its lease keeper says of it, and what an error makes of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from syndb_service.domain.job_status import Kind, Reason
from syndb_service.domain.jobs import Failure, Job, JobRequest, Progress
from syndb_service.errors import DatasetForbidden, FatalError, InvalidQuery, NotFound, TransientError
from syndb_service.store import Database, JobStore, Submission
from syndb_service.store.upgrade import upgrade
from syndb_service.worker.attempt_outcome import (
    UNFORESEEN,
    Aborted,
    AbortReason,
    AttemptAborted,
    Failed,
    Unavailable,
    outcome_of_error,
)
from syndb_service.worker.lease_keeper import LeaseKeeper


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    database = Database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    upgrade(database)
    yield JobStore(database, lambda _: None)
    database.close()


def claimed(store: JobStore) -> Job:
    store.insert(Submission("ada", JobRequest(Kind.QUERY, query="SELECT 1")))
    job = store.attempts.claim_next(30)
    assert job is not None
    return job


def test_a_lease_is_renewed_until_its_owner_cancels_the_job(store: JobStore) -> None:
    job = claimed(store)
    keeper = LeaseKeeper(job, store, 30, threading.Event())
    assert keeper.renew(Progress("executing", rows=7)) is None
    assert store.get(job.job_id).progress == Progress("executing", rows=7)
    assert keeper.check_row() is None
    store.request_cancel(job.job_id, "ada")
    assert keeper.renew() is AbortReason.CANCELLED
    with pytest.raises(AttemptAborted) as aborted:
        keeper.check()
    assert aborted.value.reason is AbortReason.CANCELLED


def test_a_cancel_is_seen_between_two_heartbeats(store: JobStore) -> None:
    job = claimed(store)
    keeper = LeaseKeeper(job, store, 30, threading.Event())
    store.request_cancel(job.job_id, "ada")
    assert keeper.check_row() is AbortReason.CANCELLED


def test_a_lease_that_another_attempt_has_is_lost(store: JobStore) -> None:
    job = claimed(store)
    keeper = LeaseKeeper(job, store, 30, threading.Event())
    store.attempts.requeue(job, Reason.WORKER_LOST, death=True)
    assert store.attempts.claim_next(30) is not None
    assert keeper.renew() is AbortReason.LEASE_LOST


def test_a_shutdown_ends_an_attempt(store: JobStore) -> None:
    stopping = threading.Event()
    keeper = LeaseKeeper(claimed(store), store, 30, stopping)
    assert keeper.check_row() is None
    stopping.set()
    assert keeper.check_row() is AbortReason.SHUTDOWN


@pytest.mark.parametrize(
    ("error", "reason", "failure"),
    [
        (
            InvalidQuery("no such column", hint="Look.", line=2, column=3),
            Reason.INVALID_QUERY,
            Failure("invalid_query", "no such column", "Look.", line=2, column=3),
        ),
        (NotFound("gone"), Reason.UNKNOWN_DATASET, Failure("not_found", "gone")),
        (DatasetForbidden("closed"), Reason.UNKNOWN_DATASET, Failure("dataset_forbidden", "closed")),
        (FatalError("broken", code="x"), Reason.ENGINE_FAILURE, Failure("x", "broken")),
        (KeyError("rows"), Reason.ENGINE_FAILURE, UNFORESEEN),
    ],
)
def test_an_error_of_the_job_or_of_the_service_fails_it(
    error: Exception, reason: Reason, failure: Failure
) -> None:
    assert outcome_of_error(error) == Failed(reason, failure)


def test_other_errors_do_not_count_against_the_job() -> None:
    away = TransientError("the store is away", code="store_unavailable")
    assert outcome_of_error(away) == Unavailable(away)
    full = outcome_of_error(OSError(28, "No space left on device"))
    assert isinstance(full, Unavailable)
    assert full.error.message == "this worker can't go on: No space left on device"
    assert outcome_of_error(AttemptAborted(AbortReason.SHUTDOWN)) == Aborted(AbortReason.SHUTDOWN)


def test_what_may_be_tried_again_says_so() -> None:
    assert Failure.from_error(TransientError("away")).retryable
    assert not Failure.from_error(InvalidQuery("no")).retryable
