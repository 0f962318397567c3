"""Rejects ids that are written in two ways, such as 007 and 7: they may be two neurons."""

# ruff: noqa: S608 - the names in the SQL are the schema's

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import duckdb

from syndb_service.ingest.column_mapping import NEURON_REFERENCES
from syndb_service.ingest.issues import PER_FILE, IssueList
from syndb_service.ingest.raw_tables import RawTable

_WHOLE: Final = r"[+-]?[0-9]+"
_PADDED: Final = r"[+][0-9]+|[+-]?0+[0-9]+|-0"


def check_spellings(
    con: duckdb.DuckDBPyConnection,
    raws: Mapping[str, RawTable],
    named: Mapping[str, frozenset[str]],
    issues: IssueList,
) -> None:
    """Record an issue for each id of a neuron that is written in two ways.

    Parameters
    ----------
    con : duckdb connection
        The work database.
    raws : mapping
        The raw tables.
    named : mapping
        For each table, the columns with names, which are not checked.
    issues : IssueList
        Receives the issues.
    """
    cells = [
        (raw, name)
        for table, raw in raws.items()
        for name in NEURON_REFERENCES
        if raw.types.get(name) == "VARCHAR" and name not in named[table]
    ]
    texts = [f"SELECT trim({name}) AS v FROM {raw.relation}" for raw, name in cells]
    if not texts or not _any(con, f"({' UNION ALL '.join(texts)}) WHERE regexp_full_match(v, '{_PADDED}')"):
        return
    number = "TRY_CAST(v AS BIGINT)"
    con.execute(
        f"CREATE OR REPLACE TABLE spellings AS SELECT v, min(v) OVER (PARTITION BY {number}) AS first "
        f"FROM ({' UNION '.join(texts)}) WHERE regexp_full_match(v, '{_WHOLE}') AND {number} IS NOT NULL "
    )
    for raw, name in cells:
        written = f"SELECT {raw.at} AS _at, trim({name}) AS v FROM {raw.relation}"
        again = f"({written}) r JOIN spellings s ON r.v = s.v WHERE s.v <> s.first"
        rows = con.execute(
            f"SELECT r._at, s.v, s.first FROM {again} ORDER BY r._at LIMIT {PER_FILE}"
        ).fetchall()
        locations = raw.locate_rows(row_key for row_key, *_ in rows)
        for row_key, value, first in rows:
            file, line = locations[row_key]
            issues.add(
                file,
                f"{value!r} and {first!r} are one number, and may be two neurons; write each id in one way",
                row=line,
                column=raw.given[name],
            )


def _any(con: duckdb.DuckDBPyConnection, rows: str) -> bool:
    return con.execute(f"SELECT 1 FROM {rows} LIMIT 1").fetchone() is not None
