"""8. A large warehouse: a query on one of 20 datasets, compared with DuckDB on that dataset's file."""

from __future__ import annotations

import time
from typing import Final

from benchmarks.locations import Bench, jobs_of, syndb_lab
from benchmarks.processes import run_role
from benchmarks.queries import files
from benchmarks.questions.large_result import seconds_of
from benchmarks.statistics import Answer, Row, Target
from benchmarks.synapses import dataset

TITLE: Final = "8. A large warehouse: 20 datasets, and a query on one of them"
SQL: Final = (
    "SELECT pre_neuron_id % 1000 AS part, count(*) AS n, avg(x) AS x, max(hash(y, z)) AS h "
    "FROM synapses WHERE dataset_id = '{dataset}' GROUP BY ALL"
)


def answer(bench: Bench) -> Answer:
    """Add the datasets; run the query alternately as a job and in DuckDB on the one file."""
    answer = Answer(TITLE)
    rows, many, rounds = bench.many(5_000_000, 5_000), bench.many(20, 3), bench.many(15, 1)
    ours, bare, validated = [], [], []
    with bench.embedded() as location, jobs_of(location) as jobs:
        found = [
            syndb_lab(
                location.environment,
                location.data_dir,
                "dataset",
                "add",
                str(dataset(bench, rows, f"part-{number}")),
            )
            for number in range(many)
        ]
        for number in range(rounds):
            chosen = found[number % many]
            sql = SQL.format(dataset=chosen)
            paths = files(location.data_dir, "synapses", chosen)
            bare.append(
                1000
                * run_role("batches", location.environment, sql=sql, paths=paths, memory="4GB")["seconds"]
            )
            job = jobs.run(sql)
            if job["status"] != "completed":
                raise RuntimeError(job["error_message"])
            ours.append(1000 * seconds_of(job))
            began = time.perf_counter()
            answered = jobs.http.post("/v1/jobs/validate", json={"query": sql}).json()
            validated.append(1000 * (time.perf_counter() - began))
            if not answered["valid"] or answered["dataset_ids"] != [chosen]:
                raise RuntimeError(str(answered))
    alone = "DuckDB on that file alone"
    answer.rows += [
        Row("a job, from claim to completed", ours, against=alone, targets=(Target("ratio", 1 / 0.9),)),
        Row(alone, bare),
        Row("`validate`", validated, targets=(Target("median", 50),)),
    ]
    answer.notes.append(
        f"{many} datasets with {rows:,} synapses each, {many * rows / 1e6:,.0f} million in all. That "
        "only the one dataset's files are read is asserted through the plan in "
        "`tests/unit/service/test_plan_files.py`."
    )
    return answer
