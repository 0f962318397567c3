"""The schema: migrations lead to what the code expects, once, and never backwards."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from syndb_service.errors import BadSetting, TransientError
from syndb_service.store import Database
from syndb_service.store.schema import metadata
from syndb_service.store.upgrade import HEAD, revision, upgrade
from tests.support.schema_revisions import EARLIER, check_upgrade


def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'jobs.sqlite'}"


def test_the_migrations_lead_to_the_tables_of_the_code(tmp_path: Path) -> None:
    database = Database(url(tmp_path))
    upgrade(database)
    with database.read() as connection:
        assert revision(connection) == HEAD
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


@pytest.mark.slow
@pytest.mark.parametrize("earlier", EARLIER)
def test_every_earlier_revision_with_rows_is_brought_to_this_one(tmp_path: Path, earlier: str) -> None:
    database = Database(url(tmp_path))
    check_upgrade(database, earlier)
    database.close()


def test_many_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    errors: list[Exception] = []

    def start() -> None:
        database = Database(url(tmp_path))
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
    assert errors == []


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    database = Database(url(tmp_path))
    upgrade(database)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BadSetting, match="schema 9999") as refusal:
        upgrade(database)
    assert refusal.value.hint
    with database.read() as connection:
        assert revision(connection) == "9999"


@pytest.mark.parametrize("bad", ["", "mysql://x/y", "nonsense", "sqlite+aiosqlite:///x"])
def test_a_url_of_another_form(bad: str) -> None:
    with pytest.raises(BadSetting, match="SYNDB_DATABASE_URL") as refusal:
        Database(bad)
    assert "postgresql+psycopg://" in (refusal.value.hint or "")


def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path) -> None:
    nonsense = b"these are my notes, and no database\n" * 100
    (tmp_path / "jobs.sqlite").write_bytes(nonsense)
    database = Database(url(tmp_path))
    with pytest.raises(BadSetting, match=r"no SQLite database: sqlite:///.*jobs\.sqlite") as refusal:
        upgrade(database)
    assert refusal.value.hint
    database.close()
    assert (tmp_path / "jobs.sqlite").read_bytes() == nonsense


def test_a_database_that_is_damaged_while_it_runs_is_told_as_such(tmp_path: Path) -> None:
    database = Database(url(tmp_path))
    upgrade(database)
    database.close()
    file = tmp_path / "jobs.sqlite"
    file.write_bytes(file.read_bytes()[:4096] + b"\xff" * 40960)
    with pytest.raises(TransientError, match="damaged") as refusal, database.read() as connection:
        connection.execute(text("SELECT * FROM jobs")).all()
    assert refusal.value.error_code == "database_damaged"
    database.close()
