"""The rows on a real PostgreSQL: the same promises, with its clock, under connections that are cut."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from syndb_service.domain.job_status import Status
from syndb_service.domain.jobs import Result
from syndb_service.errors import TooManyRequests, TransientError
from syndb_service.store import Database, JobStore, Submission
from syndb_service.store.schema import metadata
from syndb_service.store.upgrade import HEAD, revision, upgrade
from tests.support.query_plans import plan, reads_all, whole_scans
from tests.support.schema_revisions import EARLIER, check_upgrade
from tests.support.servers.postgres import Postgres
from tests.support.statistics_counts import check_cost, check_counts
from tests.support.store_guards import GUARDS
from tests.support.store_model import REQUEST, StoreMachine

PAGE = Path(__file__).parents[3] / "docs" / "operators" / "backup-and-upgrade.md"
RESULT = Result("key", "arrow", 10, 1, (("n", "int64"),), "ab" * 32)


@pytest.fixture
def database(postgres: Postgres, request: pytest.FixtureRequest) -> Iterator[Database]:
    name = f"store_{abs(hash(request.node.name))}"
    database = Database(postgres.make_database(name))
    upgrade(database)
    yield database
    database.close()
    postgres.drop_database(name)


@pytest.fixture
def store(database: Database) -> JobStore:
    return JobStore(database, lambda job_id: None)


def test_the_rows(database: Database) -> None:
    machine = type("OnPostgreSQL", (StoreMachine,), {"database": database})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=25, stateful_step_count=25, deadline=None)
    )


def test_the_migrations_lead_to_the_tables_of_the_code(database: Database) -> None:
    with database.read() as connection:
        assert revision(connection) == HEAD
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


@pytest.mark.parametrize("earlier", EARLIER)
def test_every_earlier_revision_with_rows_is_brought_to_this_one(postgres: Postgres, earlier: str) -> None:
    database = Database(postgres.make_database(f"from_{earlier}"))
    check_upgrade(database, earlier)
    database.close()
    postgres.drop_database(f"from_{earlier}")


def test_many_that_start_at_once_migrate_once(postgres: Postgres) -> None:
    url = postgres.make_database("many_starts")
    errors: list[Exception] = []

    def start() -> None:
        database = Database(url)
        try:
            upgrade(database)
        except Exception as error:
            errors.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    postgres.drop_database("many_starts")
    assert errors == []


def test_a_dump_made_while_rows_are_written_comes_back_whole(
    postgres: Postgres, database: Database, store: JobStore, tmp_path: Path
) -> None:
    made = [store.insert(Submission("ada", REQUEST))[0] for _ in range(20)]
    empty = postgres.make_database("restored")
    dump, restore = re.findall(r"`(pg_(?:dump|restore) [^`]+)`", PAGE.read_text())
    urls = {"DATABASE": database.engine.url.render_as_string(hide_password=False), "EMPTY": empty}
    environment = os.environ | {name: url.replace("+psycopg", "") for name, url in urls.items()}
    writing = threading.Thread(target=lambda: [store.insert(Submission("bob", REQUEST)) for _ in range(20)])
    writing.start()
    subprocess.run(["bash", "-euc", dump], cwd=tmp_path, env=environment, check=True, timeout=120)
    writing.join()
    subprocess.run(["bash", "-euc", restore], cwd=tmp_path, env=environment, check=True, timeout=120)
    restored = Database(empty)
    upgrade(restored)
    found, _ = JobStore(restored, lambda job_id: None).list("ada")
    assert {job.job_id for job in found} == {job.job_id for job in made}
    restored.close()
    postgres.drop_database("restored")


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_what_changed_since_it_was_chosen_is_left(
    database: Database, guard: Callable[[Database], None]
) -> None:
    guard(database)


def test_ended_jobs_are_counted_once(database: Database) -> None:
    check_counts(database)


def test_figures_are_read_without_the_rows_that_were_counted(database: Database) -> None:
    check_cost(database)


def test_of_many_claimers_each_job_has_one(store: JobStore) -> None:
    made = {store.insert(Submission(f"user{n % 3}", REQUEST))[0].job_id for n in range(60)}
    claimed: list[str] = []

    def claim() -> None:
        while (job := store.attempts.claim_next(30)) is not None:
            claimed.append(job.job_id)

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(made)


def test_submissions_at_once_keep_to_the_limit_and_to_one_job_a_key(store: JobStore) -> None:
    refused: list[TooManyRequests] = []
    jobs: set[str] = set()

    def submit(key: str) -> None:
        try:
            submission = Submission("ada", REQUEST, idempotency_key=key, body_sha256="x")
            jobs.add(store.insert(submission, max_open=5)[0].job_id)
        except TooManyRequests as error:
            refused.append(error)

    threads = [threading.Thread(target=submit, args=(f"key{n % 8}",)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(jobs) == 5
    assert refused


def test_cut_connections_are_an_outage_that_passes(
    postgres: Postgres, database: Database, store: JobStore
) -> None:
    job = store.insert(Submission("ada", REQUEST))[0]
    postgres.cut_connections()
    assert store.get(job.job_id).status is Status.PENDING

    def cut_in_the_middle() -> None:
        with database.write() as connection:
            postgres.cut_connections()
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(TransientError):
        cut_in_the_middle()
    claimed = store.attempts.claim_next(30)
    assert claimed is not None
    assert store.attempts.mark_completed(claimed, RESULT, datetime.now(UTC) + timedelta(days=1))


def test_a_server_that_is_gone_is_said_to_be_away_and_comes_back(postgres: Postgres, store: JobStore) -> None:
    job = store.insert(Submission("ada", REQUEST))[0]
    postgres.kill()
    with pytest.raises(TransientError, match="unavailable") as outage:
        store.get(job.job_id)
    assert "password" not in str(outage.value)
    postgres.start()
    assert store.get(job.job_id) == job


def test_the_clock_is_the_databases(database: Database) -> None:
    with database.read() as connection:
        before = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    now = database.now()
    assert before <= now
    assert now.tzinfo is not None


def test_no_question_reads_every_row(database: Database) -> None:
    assert whole_scans(database) == {}
    lines = plan(database, "SELECT count(*) FROM jobs WHERE worker = 'somebody'", {})
    assert any(map(reads_all, lines)), "what no index helps is found"
