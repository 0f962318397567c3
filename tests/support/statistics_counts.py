"""The figures of all jobs, counted as they end: the same as of every row, at a cost that does not grow."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import delete, func, select, update

from benchmarks.records import fill
from syndb_service.domain.job_status import Kind, Reason
from syndb_service.domain.jobs import Failure, Job, JobRequest, Result
from syndb_service.store import Database, JobStore, Submission
from syndb_service.store.schema import jobs, tallies
from syndb_service.store.statistics import PLAIN, JobStatistics, read_statistics
from tests.support.query_plans import plan, reads_all, statements_of

FAILURE = Failure("invalid_query", "no")
PARTIAL = ("jobs_uncounted", "jobs_destroyed", "jobs_damaged")


def counted_anew(database: Database) -> JobStatistics:
    """Return the figures with nothing counted before: of every row."""
    with database.write() as connection:
        connection.execute(update(jobs).values(tallied=0))
        connection.execute(delete(tallies).where(tallies.c.name.not_like("swept_orphan%")))
    return read_statistics(database)


def check_counts(database: Database, seed: int = 14) -> None:
    """Let jobs live and end at random, counted in between: the figures are those of the rows."""
    chance = random.Random(seed)
    store = JobStore(database, lambda _: None)
    running: list[Job] = []

    def submit() -> None:
        kind = chance.choice(list(Kind))
        store.insert(Submission("ada", JobRequest(kind, query="SELECT 1")))

    def claim() -> None:
        job = store.attempts.claim_next(30)
        running.extend([job] if job else [])

    def end() -> None:
        if not running:
            return
        job = running.pop()
        size = chance.randrange(10**10)
        result = Result(f"{job.job_id}/1", "arrow", size, 1, (), "ab" * 32)
        chance.choice(
            [
                lambda: store.attempts.mark_completed(
                    job, result, database.now() + timedelta(hours=chance.choice([-1, 1]))
                ),
                lambda: store.attempts.mark_failed(
                    job, chance.choice([Reason.INVALID_QUERY, Reason.TIME_LIMIT]), FAILURE
                ),
                lambda: store.attempts.requeue(job, Reason.WORKER_LOST, death=True),
                lambda: store.request_cancel(job.job_id, "ada") and store.attempts.mark_cancelled(job),
            ]
        )()

    def sweep() -> None:
        for job in store.maintenance.list_expired()[:2]:
            store.maintenance.mark_deleted(job)

    def count() -> None:
        store.tallies.tally_ended(chance.randrange(1, 5))

    steps: list[Callable[[], None]] = [submit, claim, claim, end, end, sweep, count]
    for _ in range(150):
        chance.choice(steps)()
    seen = read_statistics(database)
    while store.tallies.tally_ended(3) == 3:
        assert same(read_statistics(database), seen)
    with database.read() as connection:
        counted = connection.execute(select(func.count()).where(jobs.c.tallied > 0)).scalar_one()
    assert counted > 10
    assert seen.swept_results > 0
    assert seen.deaths > 0
    assert same(counted_anew(database), seen)


def same(one: JobStatistics, other: JobStatistics) -> bool:
    """Compare all that does not change with the time."""
    names = ("queued", "running", "ended", "durations", "damaged_results", *PLAIN)
    return all(getattr(one, name) == getattr(other, name) for name in names)


def check_cost(database: Database) -> None:
    """Read and count without a look at jobs that were counted before."""
    fill(database, 600, users=5)
    store = JobStore(database, lambda _: None)
    while store.tallies.tally_ended(500) == 500:
        pass
    for work in (lambda: read_statistics(database), store.tallies.tally_ended):
        for statement, parameters in statements_of(database, work):
            if statement.lstrip().startswith(
                ("SELECT jobs", "SELECT sum", "SELECT count", "SELECT min", "SELECT CASE")
            ):
                lines = plan(database, statement, parameters)
                bad = [
                    each for each in lines if reads_all(each) and not any(name in each for name in PARTIAL)
                ]
                assert bad == [], statement
                assert not any("jobs_by_expiry" in each for each in lines), statement
