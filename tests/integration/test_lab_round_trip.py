"""From a value in Python through the service and back: the same in each frame."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import polars as pl
import pytest

import syndb_lab
from syndb_lab import Lab

if TYPE_CHECKING:
    from tests.support.live_service import Live

DAY, MOMENT = datetime.date(2011, 2, 3), datetime.datetime(2011, 2, 3, 4, 5, 6, 789012)
VALUES: dict[str, tuple[Any, Any]] = {
    "id": (720575940600000001, 720575940600000001),
    "wide": (2**126, str(2**126)),
    "real": (0.1, 0.1),
    "small": (5e-324, 5e-324),
    "text": ("it's :x {{y}} $$ é 🧠 \\ \n", "it's :x {{y}} $$ é 🧠 \\ \n"),
    "flag": (True, True),
    "nothing": (None, None),
    "day": (DAY, DAY),
    "moment": (MOMENT, MOMENT),
    "zoned": (MOMENT.replace(tzinfo=datetime.UTC), MOMENT.replace(tzinfo=datetime.UTC)),
    "clock": (MOMENT.time(), str(MOMENT.time())),
    "exact": (decimal.Decimal("123456789012345678901234567890.12345678"),) * 2,
    "numpy": (np.int64(2**62 + 1), 2**62 + 1),
    "ids": ({720575940600000001}, [720575940600000001]),
    "column": (pl.Series([2**53 + 1, None]), [2**53 + 1, None]),
    "frame": (pd.Series(["a", None], dtype="string"), ["a", None]),
    "array": (np.array([0.5, 2**52 + 0.5]), [0.5, 2**52 + 0.5]),
    "days": (np.array(["2011-02-03"], "datetime64[D]"), [DAY]),
}


@pytest.fixture
def lab(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with syndb_lab.connect(live.url, live.token) as lab:
        yield lab


@pytest.mark.parametrize("kind", ["arrow", "parquet"])
def test_a_value_comes_back_in_every_frame(lab: Lab, kind: Literal["arrow", "parquet"]) -> None:
    casts = {"wide": "::VARCHAR"}  # a result's whole numbers have 64 bits
    sql = "SELECT " + ", ".join(f':{name}{casts.get(name, "")} AS "{name}"' for name in VALUES)
    job = lab.sql(sql, parameters={name: given for name, (given, _) in VALUES.items()}, format=kind)
    wanted = {name: wanted for name, (_, wanted) in VALUES.items()}
    (row,) = job.to_arrow().to_pylist()
    (polars_row,) = job.to_polars().to_dicts()
    (duckdb_row,) = job.to_duckdb().fetchall()
    for name, value in wanted.items():
        for found in (row[name], polars_row[name], duckdb_row[list(wanted).index(name)]):
            assert (str(found) if name == "clock" else found) == value, name
    frame = job.to_pandas()
    assert int(frame["id"][0]) == wanted["id"]
    assert frame["text"][0] == wanted["text"]
    again = lab.sql(
        'SELECT "id", "exact" FROM {{job}} WHERE "text" = :text',
        jobs={"job": job},
        parameters={"text": wanted["text"]},
    )
    assert again.to_arrow().to_pylist() == [{"id": wanted["id"], "exact": wanted["exact"]}]
