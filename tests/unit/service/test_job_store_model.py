"""Any order of what users, workers and the sweeper do: the rows stay right. On SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from syndb_service.store import Database
from syndb_service.store.upgrade import upgrade
from tests.support.store_model import StoreMachine


@pytest.mark.slow
def test_the_rows_on_sqlite(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    upgrade(database)
    machine = type("OnSQLite", (StoreMachine,), {"database": database})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=40, stateful_step_count=30, deadline=None)
    )
    database.close()
