"""What nobody should give to a public call, and what may come back."""

from __future__ import annotations

import datetime
import decimal
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from syndb_lab import Lab, SyndbError


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
