"""What may be given to an option, and what chooses from a list: the words of a refusal."""

from __future__ import annotations

import datetime
import decimal
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import polars as pl
import pytest

from syndb_lab import Lab
from syndb_lab.conversion.plain_values import plain_value
from syndb_lab.datasets import Datasets
from syndb_lab.display.listing import Listing
from syndb_lab.errors import ParameterError, UnknownDataset
from syndb_lab.http.json_body import encode_body
from tests.support.lab_fakes import Answer, job_record

WORM = "5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8"
DATASETS = [{"id": WORM, "name": "worm"}, {"id": "5ef66999-3c1e-5aa8-a230-f5aa22f3a1d9", "name": "fly"}]


@pytest.mark.slow
@pytest.mark.parametrize(
    "value",
    [
        *(
            float("nan"),
            float("-inf"),
            np.float32("nan"),
            decimal.Decimal("Infinity"),
            decimal.Decimal("1e999"),
        ),
        *(b"5", memoryview(b"5"), object(), print, 1 + 2j, pd.DataFrame({"a": [1]}), pl.col("a")),
    ],
)
@pytest.mark.parametrize("name", ["samples", "cell_class"])
def test_what_no_option_takes_is_named_without_a_word_of_sql(
    name: str, value: Any, pretend_lab: Callable[[Answer], Lab]
) -> None:
    lab = pretend_lab(lambda _: httpx.Response(200, json={"datasets": DATASETS}))
    with pytest.raises(ParameterError, match=f"^{name} (is|holds) .*, which no option takes") as refused:
        lab.graph("worm", **{name: value})
    assert refused.value.hint
    assert not any(word in str(refused.value) for word in ("query", "bound", "Bind", "NULL", "dropna"))


def test_a_parameter_is_still_told_in_the_words_of_sql() -> None:
    for value, words in ((float("nan"), "no place in a query"), (b"x", "can't be bound")):
        with pytest.raises(ParameterError, match=words):
            plain_value(":n", value)


def test_numbers_that_python_users_hold_are_numbers(pretend_lab: Callable[[Answer], Lab]) -> None:
    body = encode_body(
        {
            "samples": decimal.Decimal(3),
            "resolution": decimal.Decimal("0.5"),
            "seed": np.uint8(7),
            "neuron_ids": pl.Series([720575940600000001, None]),
            "label": Path("a/b"),
            "parameters": {"p": "0.05"},
            "sizes": [decimal.Decimal("2E+3"), np.int64(4)],
            "at": datetime.date(2011, 2, 3),
        }
    )
    assert json.loads(body) == {
        "samples": 3,
        "resolution": 0.5,
        "seed": 7,
        "neuron_ids": [720575940600000001, None],
        "label": "a/b",
        "parameters": {"p": "0.05"},
        "sizes": [2000, 4],
        "at": "2011-02-03",
    }


def test_a_dataset_is_chosen_by_its_name_its_id_or_its_place() -> None:
    found = Datasets(DATASETS)
    for key in ("worm", WORM, 0, -2, np.int64(0)):
        assert found[key].id == WORM
    assert [one.name for one in found[:1]] == ["worm"]
    with pytest.raises(UnknownDataset, match=r"no dataset is called 'wurm'\nThere is worm"):
        found["wurm"]


@pytest.mark.parametrize("key", ["x", 1.5, None, (0, 1), b"worm", float("nan"), "\ud800"])
def test_what_is_no_place_in_a_list_is_refused_in_a_sentence(key: Any) -> None:
    listed = Listing([3, 4], {"n": str}, empty="none")
    with pytest.raises(ParameterError, match=r"is no place in this list\nThe list has 2 entries"):
        listed[key]
    for far in (2, -3, 10**30):
        with pytest.raises(IndexError):
            listed[far]
    with pytest.raises(IndexError, match="no \\[2\\]: the list has 2 entries, counted from 0"):
        listed[2]
    assert (listed[1], listed[:1], [*listed], [*reversed(listed)]) == (4, [3], [3, 4], [4, 3])


def test_a_list_of_jobs_is_no_dictionary(pretend_lab: Callable[[Answer], Lab]) -> None:
    lab = pretend_lab(lambda _: httpx.Response(200, json={"jobs": [job_record()], "next_cursor": None}))
    with pytest.raises(ParameterError, match="The list has 1 entry"):
        lab.jobs()["mine"]
    assert lab.jobs()[0].status == "pending"
