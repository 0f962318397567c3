"""Queries with many kinds of schema, width and length, made from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from tests.support.results.columns import KINDS, Column, make_column, make_text

FORMATS: Final = ("arrow", "parquet", "csv")
EDGES: Final = (0, 1, 2, 100, 101, 1023, 1024, 1025, 2047, 2048, 2049, 122_880, 131_071, 131_072, 131_073)
WIDTHS: Final = (1, 10, 63, 64, 65, 200, 1_000, 10_000, 65_536, 100_000, 1_000_000)
NAMES: Final = ("n", "n", "N", "a b", 'q"', "é", "1", "select", "x.y", "😀")
A_VALUE: Final = 24  # bytes, about
MOST_ROWS: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """A query, and the format of its result."""

    name: str
    columns: tuple[Column, ...]
    rows: int
    format: str

    @property
    def sql(self) -> str:
        """The whole statement."""
        listed = ",\n  ".join(f"{column.sql} AS {quoted(column.name)}" for column in self.columns)
        return f"SELECT\n  {listed}\nFROM range({self.rows}) r(i)"

    def __str__(self) -> str:
        kinds = ", ".join(column.type for column in self.columns[:9])
        return (
            f"{self.name} ({self.rows:,} rows as {self.format} of {kinds}{', …' * (len(self.columns) > 9)})"
        )


def quoted(name: str) -> str:
    """Write a name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def every_kind(made: random.Random, file_format: str, rows: int) -> Case:
    """Make a query with a column of every kind."""
    columns = [make_column(made, kind, f"c{number}") for number, kind in enumerate(KINDS)]
    return Case(f"every kind, {file_format}", tuple(columns), rows, file_format)


def make_case(made: random.Random, number: int, most_bytes: int) -> Case:
    """Make a query of any kind whose result is at most about so many bytes."""
    kinds = sorted(KINDS)
    names = [made.choice(NAMES) if made.random() < 0.2 else f"c{at}" for at in range(12)]
    columns = [make_column(made, made.choice(kinds), names[at]) for at in range(made.choice([1, 1, 2, 4, 8]))]
    width = made.choice(WIDTHS) if made.random() < 0.6 else 0
    if width:
        columns.append(make_text(made, "wide", width, random_letters=width >= 1000 and made.random() < 0.5))
    made.shuffle(columns)
    fits = most_bytes // (A_VALUE * len(columns) + width)
    rows = min(
        made.choice(EDGES) if made.random() < 0.6 else int(10 ** made.uniform(0, 6.31)), fits, MOST_ROWS
    )
    return Case(f"case {number}", tuple(columns), rows, made.choice(FORMATS))
