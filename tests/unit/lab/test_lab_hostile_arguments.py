"""Whatever is given to a public call: it works, or an error of this package says what is wrong."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest

import syndb_lab
from syndb_lab import Job, Lab, SyndbError
from syndb_lab.datasets import Dataset, Datasets
from tests.support.hostile_arguments import HOSTILE, check
from tests.support.lab_fakes import JOB_ID, Answer, arrow_file, job_record, result_info

CONTENT = arrow_file(pa.table({"pre_neuron_id": [1, 2], "post_neuron_id": [2, 3], "weight": [1.0, 2.0]}))
DATASET = {"id": "5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8", "name": "worm", "tables": []}


def answer(request: httpx.Request) -> httpx.Response:
    path = request.url.path
    if path == "/v1/datasets":
        return httpx.Response(200, json={"datasets": [DATASET]})
    if path.endswith("/result"):
        return httpx.Response(200, content=CONTENT)
    if path.endswith("/preview"):
        return httpx.Response(200, content=CONTENT)
    if path == "/v1/jobs" and request.method == "GET":
        return httpx.Response(200, json={"jobs": [ended()], "next_cursor": None})
    if path.endswith("/validate"):
        return httpx.Response(
            200, json={"columns": [], "estimated_rows": 1, "advice": [], "tables": [], "dataset_ids": []}
        )
    if path.endswith("/provenance"):
        return httpx.Response(200, json={"datasets": [DATASET]})
    return httpx.Response(200, json=ended())


def ended() -> dict[str, Any]:
    columns = [{"name": name, "type": "int64"} for name in ("pre_neuron_id", "post_neuron_id")]
    return job_record("completed", job_id=JOB_ID, result=result_info(CONTENT, columns=columns))


@pytest.mark.slow
def test_no_value_of_a_parameter_or_an_option_does(pretend_lab: Callable[[Answer], Lab]) -> None:
    lab = pretend_lab(answer)
    wrong = []
    for make in HOSTILE:
        label = type(make()).__name__
        wrong.append(check(lab.sql, f"parameters x={label}", query="SELECT :x", parameters={"x": make()}))
        wrong.append(check(lab.sql, f"list {label}", query="SELECT :x", parameters={"x": [make(), make()]}))
        wrong.append(check(lab.sql, f"jobs x={label}", query="FROM {{x}}", jobs={"x": make()}))
        wrong.append(check(lab.graph, f"option {label}", dataset="worm", neuron_ids=make()))
        wrong.append(check(lab.graph, f"options {label}", dataset="worm", cell_class={"pre": make()}))
    assert not any(wrong), "\n".join(filter(None, wrong))


def test_no_argument_of_connect_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = []
    for make in HOSTILE:
        label = type(make()).__name__
        wrong.append(check(syndb_lab.connect, f"url {label}", url=make(), start=False))
        wrong.append(check(syndb_lab.connect, f"token {label}", url="http://127.0.0.1:9", token=make()))
        wrong.append(check(syndb_lab.connect, f"data_dir {label}", data_dir=make(), start=False))
    assert not any(wrong), "\n".join(filter(None, wrong))


def test_what_can_be_no_folder_no_address_and_no_number_of_jobs(
    pretend_lab: Callable[[Answer], Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = pretend_lab(answer)
    monkeypatch.delenv("SYNDB_DATA_DIR", raising=False)
    calls: list[tuple[Callable[[], Any], str]] = [
        (lambda: syndb_lab.connect(data_dir="a\0b"), "which no folder can be called"),
        (lambda: syndb_lab.connect(data_dir="x" * 5000), "which no folder can be called"),
        (lambda: syndb_lab.login(5), "url is an int"),  # type: ignore[arg-type]
        (lambda: lab.monitor(-5), "limit is -5; it takes the number of jobs to follow, from 1 to 500"),
        (lambda: lab.monitor(501), "limit is 501"),
        (lambda: lab.monitor("many"), "limit is 'many'"),  # type: ignore[arg-type]
    ]
    for call, told in calls:
        with pytest.raises(syndb_lab.ParameterError) as refused:
            call()
        assert told in str(refused.value)
        assert len(str(refused.value)) < 300


def test_a_closed_connection_says_so(pretend_lab: Callable[[Answer], Lab]) -> None:
    lab = pretend_lab(answer)
    job = lab.job(JOB_ID)
    lab.close()
    calls: list[Callable[[], Any]] = [
        *(lab.health, lab.datasets, lab.jobs, job.refresh, job.cancel, job.purge, job.rerun, job.preview),
        *(
            lambda: lab.sql("SELECT 1"),
            lambda: lab.graph("worm"),
            lambda: lab.job(JOB_ID),
            lambda: job.keep(1),
        ),
    ]
    for call in calls:
        with pytest.raises(SyndbError, match="was closed") as caught:
            call()
        assert caught.value.hint


def test_a_package_that_is_missing_is_named(
    pretend_lab: Callable[[Answer], Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = pretend_lab(answer).job(JOB_ID)
    verbs = {"polars": "to_polars", "pandas": "to_pandas", "duckdb": "to_duckdb", "pyarrow": "preview"}
    for package, verb in verbs.items():
        with monkeypatch.context() as patch:
            patch.setitem(__import__("sys").modules, package, None)
            with pytest.raises(SyndbError, match=rf"{verb}\(\) needs the package {package}") as caught:
                getattr(job, verb)()
            assert "pip install" in str(caught.value)


def test_pythons_own_words_on_a_wrong_call_and_an_interrupt_stay(
    pretend_lab: Callable[[Answer], Lab],
) -> None:
    with pytest.raises(TypeError, match="unexpected keyword"):
        pretend_lab(answer).sql("SELECT 1", lable="x")  # type: ignore[call-arg]

    def interrupted(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretend_lab(interrupted).health()


def test_lists_and_their_parts_are_pickled() -> None:
    again = pickle.loads(pickle.dumps(Datasets([DATASET])))
    assert [one.name for one in again] == ["worm"]
    assert isinstance(again[0], Dataset)
    assert repr(again) == repr(Datasets([DATASET]))


def test_an_awaited_job_raises_the_same(pretend_lab: Callable[[Answer], Lab]) -> None:
    async def main() -> Job:
        return await pretend_lab(answer).job(JOB_ID)

    assert asyncio.run(main()).status == "completed"
