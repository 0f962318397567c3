"""Whatever is given to a public call: it works, or an error of this package says what is wrong."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import inspect
import pickle
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import syndb_lab
from syndb_lab import Job, Lab, SyndbError
from syndb_lab.datasets import Dataset, Datasets
from tests.unit.lab.pretence import JOB_ID, Answer, arrow_file, job_record, result_info

CONTENT = arrow_file(pa.table({"pre_neuron_id": [1, 2], "post_neuron_id": [2, 3], "weight": [1.0, 2.0]}))
DATASET = {"id": "5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8", "name": "worm", "tables": []}


class Cruel:
    """Everything that Python asks of it fails."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __hash__ = __bool__ = __len__ = __iter__ = __eq__ = __str__  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def in_itself() -> list[Any]:
    held: list[Any] = []
    held.append(held)
    return held


HOSTILE: list[Callable[[], Any]] = [
    lambda: "\ud800",
    lambda: "a\0b",
    lambda: "x" * 100_000,
    lambda: "",
    lambda: "\n\x1b[31m\u2028",
    lambda: 10**5000,
    lambda: -1,
    lambda: float("nan"),
    lambda: float("-inf"),
    lambda: decimal.Decimal("sNaN"),
    lambda: decimal.Decimal("1e999999"),
    lambda: b"bytes\xff",
    lambda: bytearray(b"x"),
    lambda: memoryview(b"x"),
    lambda: (n for n in range(3)),
    lambda: {1, 2},
    lambda: frozenset(),
    lambda: range(10**12),
    lambda: deque([1]),
    lambda: {1: 2}.keys(),
    lambda: {1: {None: in_itself()}},
    lambda: {"\ud800": 1},
    in_itself,
    lambda: np.int64(3),
    lambda: np.float32("nan"),
    lambda: np.array([1, 2]),
    lambda: np.array([[1.5], [2]]),
    lambda: np.array(["2011", "NaT"], "datetime64[ns]"),
    lambda: np.timedelta64(5, "ns"),
    lambda: np.datetime64("10000-01-01"),
    lambda: np.ma.masked,
    lambda: np.str_("worm"),
    lambda: np.void(b"x"),
    lambda: pd.Series([1, None]),
    lambda: pd.Series(["a"], dtype="category"),
    lambda: pd.NA,
    lambda: pd.NaT,
    lambda: pd.Timestamp("2011-02-03 04:05:06.123456789"),
    lambda: pd.DataFrame({"a": [1]}),
    lambda: pl.Series([1, 2]),
    lambda: pl.DataFrame({"a": [1]}),
    lambda: pl.col("a"),
    lambda: pa.array([1, None]),
    lambda: pa.scalar(datetime.date(2011, 2, 3)),
    lambda: Path("/no/such\0path"),
    lambda: Path("somewhere"),
    lambda: datetime.date(2011, 2, 3),
    lambda: datetime.timedelta(1),
    lambda: 1 + 2j,
    lambda: print,
    lambda: Lab,
    lambda: object(),
    Cruel,
]


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


def public_calls(held: Any) -> list[tuple[str, Any, list[str]]]:
    """The public methods of an object, each with the parameters that it takes."""
    found = []
    for name, call in inspect.getmembers(type(held), inspect.isfunction):
        if name.startswith("_") or name in {"close", "wait", "cancel"} or call.__module__.startswith("http"):
            continue
        taken = [
            one.name
            for one in inspect.signature(call).parameters.values()
            if one.name not in {"self", "tell"} and one.kind is not one.VAR_KEYWORD
        ]
        if taken:
            found.append((name, getattr(held, name), taken))
    return found


NEEDED: dict[str, dict[str, Any]] = {
    "sql": {"query": "SELECT 1"},
    "validate": {"query": "SELECT 1"},
    "graph": {"dataset": "worm"},
    "job": {"job_id": JOB_ID},
    "keep": {"hours": 1},
    "named": {"name": "worm"},
}
SHOWN = {"composer", "monitor", "table", "explore", "plot", "to_igraph", "show"}


def check(call: Callable[..., Any], label: str, /, **arguments: Any) -> str | None:
    """Call it; return what is wrong with what comes back, None where nothing is."""
    try:
        call(**arguments)
    except SyndbError as error:
        lines = str(error).splitlines()
        if len(lines) > 24 or len(str(error)) > 24 * 120:
            return f"{label}: longer than a screen: {len(lines)} lines of up to {max(map(len, lines))}"
        if " failed: " in lines[0]:
            return f"{label}: unforeseen: {lines[0][:150]}"
        if not error.hint:
            return f"{label}: no next step: {lines[0][:120]}"
    except Exception as error:
        return f"{label}: {type(error).__name__}: {str(error)[:120]}"
    return None


def test_no_argument_of_a_public_call_ends_in_a_stranger(pretend_lab: Callable[[Answer], Lab]) -> None:
    lab = pretend_lab(answer)
    job, datasets = lab.job(JOB_ID), lab.datasets()
    assert isinstance(job, Job)
    wrong = []
    for held in (lab, job, datasets):
        for name, call, taken in public_calls(held):
            if name in SHOWN:
                continue
            for parameter in taken:
                for make in HOSTILE:
                    arguments = {**NEEDED.get(name, {}), parameter: (value := make())}
                    label = f"{name}({parameter}={type(value).__name__})"
                    wrong.append(check(call, label, **arguments))
    assert not any(wrong), "\n".join(filter(None, wrong))


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
