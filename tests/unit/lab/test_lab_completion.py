"""What Tab offers, and where."""

from __future__ import annotations

import pytest

from syndb_lab.datasets import Dataset
from syndb_lab.magics.completion import Completion, SchemaCache
from syndb_lab.user_data import job_journal
from tests.support.lab_fakes import JOB_ID, job_record

TABLES = [
    {"name": "neurons", "columns": [{"name": "neuron_id"}, {"name": "name"}]},
    {"name": "synapses", "columns": [{"name": "pre_neuron_id"}, {"name": "post_neuron_id"}]},
]


@pytest.fixture
def completion() -> Completion:
    schema = SchemaCache()
    schema.get([Dataset({"id": "1", "name": "worm", "tables": TABLES})])
    return Completion(schema, ["attach", "jobs", "describe"], {"celegans": 1, "_hidden": 2})


def offered(completion: Completion, text: str) -> list[str]:
    """Complete at the bar."""
    before = text.partition("|")[0]
    line = before.count("\n")
    _, found = completion.matches(text.replace("|", ""), line, len(before.rpartition("\n")[2]))
    return [name for name, _ in found]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("%%syndb q --wa|", ["--wait"]),
        ("%%syndb q -|", ["--as", "--dry-run"]),
        ("%%syndb q -p|", ["-p"]),
        ("%%syndb q --as p|", ["polars", "pandas"]),
        ("%%syndb --format |", ["arrow", "parquet", "csv"]),
        ("%%syndb\nSELECT pre|", ["pre_neuron_id"]),
        ("%%syndb\nSELECT n| FROM neurons", ["neuron_id", "name", "neurons"]),
        ("%%syndb\nSELECT 1 FROM syn|", ["synapses"]),
        ("%%syndb\nSELECT 1 WHERE a = :cel|", [":celegans"]),
        ("%%syndb\nSELECT 1 WHERE a = :_|", []),
        ("%syndb at|", ["attach"]),
        ("%syndb describe s|", ["synapses"]),
        ("x = 1\n%syndb jo|", ["jobs"]),
        ("print(ne|", []),
        ("%%time\nne|", []),
    ],
)
def test_what_fits_the_place(completion: Completion, text: str, first: list[str]) -> None:
    assert offered(completion, text)[: max(1, len(first))] == first


def test_ids_come_from_the_journal(completion: Completion) -> None:
    job_journal.record_job(job_record(), "http://service")
    assert offered(completion, "%syndb attach 0a|") == [JOB_ID]


def test_nothing_is_known_and_nothing_breaks() -> None:
    assert offered(Completion(SchemaCache(), [], {}), "%%syndb\nSELECT neu|") == []
