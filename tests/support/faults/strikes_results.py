"""Results at their limits: no rows, one huge row, the cap and a byte more; and a child out of memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tests.support.faults.cluster import Cluster
from tests.support.faults.embedded import Embedded
from tests.support.faults.storm_jobs import Wanted
from tests.support.faults.trial import Trial, rows_of

S = TypeVar("S", Cluster, Embedded)

PARTS = 3
CAP = PARTS * 8 * 1024**2
"""The most that these services keep of a result, in bytes: whole parts of an upload."""
HUGE = 20_000_000
MEMORY = 512 * 1024**2


def no_rows(trial: Trial[S]) -> None:
    for form in ("arrow", "parquet", "csv"):
        wanted = csv_of("SELECT name FROM neurons WHERE false") if form == "csv" else _empty(form)
        record = trial.final(trial.submit(wanted))
        assert record["result"]["rows"] == 0


def one_huge_row(trial: Trial[S]) -> None:
    body = {"query": f"SELECT repeat('x', {HUGE}) AS s"}
    trial.submit(
        Wanted("/v1/jobs", body, "completed", lambda content: rows_of(content) == [{"s": "x" * HUGE}])
    )
    trial.submit(csv_of(f"SELECT repeat('x', {HUGE}) AS s", lambda content: content.count(b"x") == HUGE))


def exactly_the_cap(trial: Trial[S]) -> None:
    trial.submit(csv_of(_bytes(CAP), lambda content: len(content) == CAP))


def one_byte_over_the_cap(trial: Trial[S]) -> None:
    wanted = csv_of(_bytes(CAP + 1))
    record = trial.final(trial.submit(Wanted(wanted.route, wanted.body, "failed")))
    assert record["reason"] == "result_too_large", record
    assert trial.ada.stubborn("GET", f"/v1/jobs/{record['job_id']}/result").status_code == 409


def child_out_of_memory(trial: Trial[S]) -> None:
    body = {"query": "SELECT list(range) AS l FROM range(1000000000)"}
    record = trial.final(trial.submit(Wanted("/v1/jobs", body, "failed")))
    assert record["reason"] == "memory_limit", record


def csv_of(query: str, right: Callable[[bytes], bool] = lambda content: True) -> Wanted:
    """Return a query for a CSV file."""
    return Wanted("/v1/jobs", {"query": query, "format": "csv"}, "completed", right)


def _bytes(many: int) -> str:
    """Return a query whose CSV file has that many bytes: a header of 4, rows of 8, and one for the rest."""
    rows, rest = divmod(many - 4, 8)
    last = 10 ** (rest - 2) if rest > 1 else 10 ** (rest + 6)
    rows -= rest <= 1
    number = f"CASE WHEN range = 0 THEN {last} ELSE 1000000 + range % 9000000 END"
    return f"SELECT {number} AS x FROM range({rows + 1})"


def _empty(form: str) -> Wanted:
    body = {"query": "SELECT name FROM neurons WHERE false", "format": form}
    return Wanted("/v1/jobs", body, "completed", lambda content: bool(content))


EVERYWHERE = {
    "no rows": no_rows,
    "one huge row": one_huge_row,
    "exactly the cap": exactly_the_cap,
    "one byte over the cap": one_byte_over_the_cap,
    "child out of memory": child_out_of_memory,
}
