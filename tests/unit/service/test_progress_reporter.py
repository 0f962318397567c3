"""How far a query is: the engine's figure, rows where their number is known, else nothing."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any, cast

import duckdb
import pytest

from syndb_service.child.progress_reporter import STALE_ROWS, ProgressReporter
from syndb_service.domain.table_schema import TABLES
from syndb_service.isolation.channel import ChildChannel, FrameWriter
from syndb_service.sql.query_plan import QueryPlan
from syndb_service.sql.session import lock_down, open_session

ONE, TWO = (f"{each * 8}-{each * 4}-4{each * 3}-8{each * 3}-{each * 12}" for each in "12")


class Engine:
    """Says a figure of its own, as one does that is faster than those who take its rows."""

    def __init__(self) -> None:
        self.percent = -1.0

    def query_progress(self) -> float:
        return self.percent


class Told:
    """A report of a query, and what came of it."""

    def __init__(self, fraction_known: bool = True, total: int | None = None) -> None:
        ours, theirs = socket.socketpair()
        self.frames, self.engine, self.asked = ChildChannel(theirs), Engine(), 0
        sender = ChildChannel(ours)

        def total_rows() -> int | None:
            self.asked += 1
            return total

        connection = cast(duckdb.DuckDBPyConnection, self.engine)
        self.report = ProgressReporter(sender, connection, FrameWriter(sender), fraction_known, total_rows)

    def fraction(self, rows: int, percent: float) -> float | None:
        self.engine.percent, self.report.rows = percent, rows
        self.report.send()
        told: dict[str, Any] = json.loads(self.frames.receive()[0][1])
        assert told["rows"] == rows
        return cast("float | None", told["fraction"])


def test_the_engines_figure_is_told_while_it_moves() -> None:
    told = Told()
    steps = [(0, -1.0), (0, 10.0), (2048, 20.0), (10 * STALE_ROWS, 60.0), (11 * STALE_ROWS, 99.9)]
    assert [told.fraction(*step) for step in steps] == [None, 0.1, 0.2, 0.6, 0.99]
    assert told.asked == 0


def test_a_figure_that_stands_while_rows_come_is_not_believed() -> None:
    told = Told()
    assert told.fraction(0, 0.4) == told.fraction(STALE_ROWS, 0.4) == 0.004
    assert told.fraction(STALE_ROWS + 1, 0.4) is None
    assert told.fraction(2 * STALE_ROWS, 90.0) is None


def test_rows_are_counted_where_their_number_is_known() -> None:
    told = Told(total=10 * STALE_ROWS)
    assert told.fraction(0, 50.0) == 0.5
    assert told.fraction(2 * STALE_ROWS, 50.0) == 0.6
    assert told.fraction(6 * STALE_ROWS, 50.0) == 0.8
    assert told.fraction(10 * STALE_ROWS, 50.0) == 0.99
    assert told.asked == 1


def test_it_never_runs_backwards() -> None:
    told = Told(total=10 * STALE_ROWS)
    assert told.fraction(1, 80.0) == 0.8
    assert told.fraction(2 * STALE_ROWS, 80.0) == 0.8


def test_what_multiplies_rows_is_never_told_a_fraction() -> None:
    told = Told(fraction_known=False)
    assert told.fraction(1, 10.0) is told.fraction(9 * STALE_ROWS, 90.0) is None


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Write the neurons of two datasets: 30 and 5."""
    written = []
    for dataset_id, count in ((ONE, 30), (TWO, 5)):
        folder = tmp_path_factory.mktemp("tables") / f"dataset_id={dataset_id}"
        folder.mkdir()
        columns = ", ".join(
            f"{'range' if column.name == 'neuron_id' else f'NULL::{column.type}'} AS {column.name}"
            for column in TABLES["neurons"][1:]
        )
        duckdb.sql(f"COPY (SELECT {columns} FROM range({count})) TO '{folder}/n.parquet'")
        written.append(str(folder / "n.parquet"))
    return written


@pytest.fixture
def engine(files: list[str]) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_session() as connection:
        lock_down(connection, ["neurons"], {"neurons": files})
        yield connection


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT * FROM neurons", 35),
        (f"SELECT neuron_id + 1 FROM neurons WHERE dataset_id = '{TWO}'", 5),
        (f"SELECT neuron_id FROM neurons WHERE dataset_id IN ('{ONE}', '{TWO}') ORDER BY name", 35),
        (f"SELECT row_number() OVER (ORDER BY name) FROM neurons WHERE dataset_id = '{ONE}'", 30),
        ("SELECT neuron_id FROM neurons WHERE neuron_id < 3", None),
        (f"SELECT neuron_id FROM neurons WHERE dataset_id = '{ONE}' AND name = 'x'", None),
        (f"SELECT neuron_id FROM neurons WHERE dataset_id > '{ONE}'", None),
        ("SELECT count(*) FROM neurons", None),
        ("SELECT DISTINCT name FROM neurons", None),
        ("SELECT * FROM neurons LIMIT 3", None),
        ("SELECT neuron_id FROM neurons UNION ALL SELECT neuron_id FROM neurons", None),
        ("SELECT unnest([neuron_id, 1]) FROM neurons", None),
        ("SELECT a.name FROM neurons a JOIN neurons b USING (neuron_id)", None),
        ("SELECT * FROM neurons TABLESAMPLE 10%", None),
        ("SELECT 1", None),
        ("EXPLAIN SELECT 1", None),
    ],
)
def test_how_many_rows_come_is_said_only_where_it_is_sure(
    engine: duckdb.DuckDBPyConnection, files: list[str], sql: str, rows: int | None
) -> None:
    assert QueryPlan(engine, sql, {}).rows(files) == rows
    if rows is not None:
        assert len(engine.sql(sql).fetchall()) == rows
