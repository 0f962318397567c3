"""Every type of DuckDB with its extremes, and a query run as a job's child runs it, without a service."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import duckdb
import pyarrow as pa

from syndb_service.child import check_task
from syndb_service.child import query_task as query_job
from syndb_service.domain.child_task import CheckRequest, ReferencedResult
from syndb_service.isolation.channel import ChildChannel, FrameType
from syndb_service.sql.session import lock_down, open_session, set_limits, table_columns
from tests.support.child_tasks import query_task

FORMATS: Final = ("arrow", "parquet", "csv")
JOB_ID: Final = "6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11"
MEDIUM: Final = ", ".join(f"'name {number}'" for number in range(300))
LARGE: Final = ", ".join(f"'n{number}'" for number in range(5_000))

VALUES: Final[dict[str, tuple[str, ...]]] = {
    "BOOLEAN": ("true", "false"),
    "TINYINT": ("-128", "127"),
    "SMALLINT": ("-32768", "32767"),
    "INTEGER": ("-2147483648", "2147483647"),
    "BIGINT": ("-9223372036854775808", "9223372036854775807", "720575940600000001"),
    "HUGEINT": ("-9223372036854775808", "9223372036854775807", "0"),
    "UTINYINT": ("0", "255"),
    "USMALLINT": ("0", "65535"),
    "UINTEGER": ("0", "4294967295"),
    "UBIGINT": ("0", "18446744073709551615"),
    "UHUGEINT": ("340282366920938463463374607431768211455", "0", "9", "10"),
    "BIGNUM": ("0", "-1", "9", "10", "123456789012345678901234567890123456789012345678901234567890"),
    "FLOAT": ("0.1", "-0.0", "3.4028235e38", "1e-45", "nan", "inf", "-inf"),
    "DOUBLE": ("0.1", "-0.0", "1.7976931348623157e308", "5e-324", "9007199254740993", "nan", "inf", "-inf"),
    "DECIMAL(4,1)": ("-999.9", "999.9", "0.1"),
    "DECIMAL(9,4)": ("-99999.9999", "0.0001"),
    "DECIMAL(18,6)": ("-999999999999.999999", "0.000001"),
    "DECIMAL(38,10)": ("9999999999999999999999999999.9999999999", "0.0000000001"),
    "DECIMAL(38,0)": ("-99999999999999999999999999999999999999",),
    "VARCHAR": (
        *("001", "", " ", "NULL", "a,b", 'say "yes"', "two\nlines", "tab\there", "it's", "🦆", "\u2028"),
    ),
    "BLOB": ("\\x00\\xFF\\x5C", "", "abc", "a,b"),
    "BIT": ("10101", "0", "1" * 70),
    "UUID": ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "JSON": ('{"a": [1,  2]}', "null", '"x"'),
    "DATE": ("2024-02-29", "0001-01-01", "9999-12-31"),
    "DATE beyond": ("infinity", "-infinity", "0044-03-15 (BC)", "10000-01-01", "5881580-07-10"),
    "TIME": ("00:00:00", "12:34:56.5", "23:59:59.999999", "24:00:00"),
    "TIME_NS": ("00:00:00.000000001", "23:59:59.999999999", "24:00:00"),
    "TIMETZ": ("12:00:00+05:30", "12:00:00-08:00", "00:00:00+15:59:59", "24:00:00-15:59:59"),
    "TIMESTAMP": ("2024-02-29 12:34:56.123456", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"),
    "TIMESTAMP beyond": (
        "infinity",
        "-infinity",
        "290309-12-22 (BC) 00:00:00",
        "294247-01-10 04:00:54.775806",
    ),
    "TIMESTAMP_S": ("2024-02-29 12:34:56", "0001-01-01 00:00:00"),
    "TIMESTAMP_S beyond": ("infinity", "-infinity", "294247-01-10 04:00:54"),
    "TIMESTAMP_MS": ("2024-02-29 12:34:56.123", "1969-12-31 23:59:59.999"),
    "TIMESTAMP_MS beyond": ("infinity", "-infinity", "294247-01-10 04:00:54.775"),
    "TIMESTAMP_NS": ("2024-02-29 12:34:56.123456789", "1677-09-22 00:00:00", "2262-04-11 23:47:16.854775806"),
    "TIMESTAMP_NS beyond": ("infinity", "-infinity"),
    "TIMESTAMPTZ": ("2024-02-29 12:34:56.5+05:30", "1880-01-01 00:00:00+00"),
    "TIMESTAMPTZ beyond": ("infinity", "-infinity", "290309-12-22 (BC) 00:00:00+00"),
    "TIMESTAMPTZ_NS": ("2024-02-29 12:34:56.123456789+00",),
    "TIMESTAMPTZ_NS beyond": ("infinity", "-infinity"),
    "INTERVAL": ("1 month -2 days", "9 days", "10 days", "-10 months 3 days -00:00:01.5", "3000000:00:00"),
    "ENUM('b', 'a')": ("a", "b"),
    "ENUM('NULL', '', 'it''s', 'a,b', '001')": ("001", "NULL", "", "it's", "a,b"),
    f"ENUM({MEDIUM})": ("name 299", "name 2", "name 10"),
    f"ENUM({LARGE})": ("n4999", "n7"),
    "GEOMETRY": ("POINT EMPTY", "POINT (0.1 0.30000000000000004)", "LINESTRING (1e+300 2, 1e-300 3)"),
    "INTEGER[]": ("[]", "[42, NULL, -42]"),
    "DOUBLE[]": ("[0.1, nan, inf, NULL]",),
    "VARCHAR[]": ("['', NULL, 'NULL', 'a, b', 'it''s', '[1]']",),
    "DATE[]": ("[2024-02-29, NULL]",),
    "DATE[] beyond": ("[infinity]",),
    "TIMETZ[]": ("['12:00:00+05:30', NULL]",),
    "UHUGEINT[]": ("[340282366920938463463374607431768211455]",),
    "HUGEINT[]": ("[9223372036854775807, NULL]",),
    "BIT[]": ("[10101]",),
    "UUID[]": ("[5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8]",),
    "INTEGER[][]": ("[[], [1, NULL], NULL]",),
    "INTEGER[3]": ("[1, NULL, 3]",),
    "VARCHAR[2][2]": ("[[a, NULL], [c, '']]",),
    "ENUM('b', 'a')[]": ("[b, NULL, a]",),
    "ENUM('b', 'a')[2]": ("[b, a]",),
    "STRUCT(a INTEGER, b VARCHAR)": ("{'a': NULL, 'b': NULL}", "{'a': 42, 'b': 'x, y'}"),
    "STRUCT(e ENUM('b', 'a'), \"b c\" INTERVAL, n STRUCT(t TIME))": (
        "{'e': a, 'b c': 1 month, 'n': {'t': '24:00:00'}}",
    ),
    "STRUCT(a INTEGER)[]": ("[]", "[{'a': 1}, NULL]"),
    "STRUCT(l TIMESTAMP[])[2]": ("[{'l': ['2024-02-29 12:34:56']}, NULL]",),
    "MAP(VARCHAR, INTEGER)": ("{}", "{a=1, 'b c'=NULL}"),
    "MAP(UUID, TIMETZ)": ("{5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8='12:00:00+05:30'}",),
    "TUPLE(INTEGER, VARCHAR)": ("(42, x)",),
    "BLOB[]": ("['\\\\x00a']",),
    '"NULL"': (),
}
"""Literals by type; those "beyond" are moments that no frame shows, though every file holds them."""
UNION: Final = (
    "SELECT unnest([union_value(num := 5)::UNION(num INTEGER, str VARCHAR), "
    "union_value(str := '5')::UNION(num INTEGER, str VARCHAR), NULL]) AS v"
)
REFUSED: Final = {
    "VARIANT": "SELECT 5::VARIANT AS v",
    "VARIANT[]": "SELECT [5::VARIANT] AS v",
    "UNION(a BIT)": "SELECT union_value(a := '1'::BIT) AS v",
}
"""Queries that are refused before they run, in every format."""


def type_name(case: str) -> str:
    """Return the type of a case."""
    return case.removesuffix(" beyond")


def query_of(cases: Sequence[str]) -> str:
    """Write a query with a column for each case, ``c0``, ``c1``, …: its values, then NULL."""
    rows = 1 + max(len(VALUES[case]) for case in cases)
    lines = [", ".join(_literal(VALUES[case], row) for case in cases) for row in range(rows)]
    names = [f"c{number}" for number in range(len(cases))]
    typed = [f"CAST({name} AS {type_name(case)}) AS {name}" for name, case in zip(names, cases, strict=True)]
    values = f"(VALUES ({'), ('.join(lines)})) t({', '.join(names)})"
    return f"SELECT {', '.join(typed)} FROM {values}"


def _literal(values: Sequence[str], row: int) -> str:
    return "'" + values[row].replace("'", "''") + "'" if row < len(values) else "NULL::VARCHAR"


def engine() -> duckdb.DuckDBPyConnection:
    """Open an engine that is not ours: what it says is right."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


@dataclass
class Answer:
    """What a child said."""

    data: bytes = b""
    preview: bytes = b""
    done: dict[str, Any] = field(default_factory=dict)

    def table(self) -> pa.Table:
        """Return an Arrow result."""
        return pa.ipc.open_file(pa.py_buffer(self.data)).read_all()

    @property
    def columns(self) -> list[dict[str, str]]:
        """The columns as in a job's record."""
        return [
            dict(zip(("name", "type", "sql_type"), column, strict=False)) for column in self.done["columns"]
        ]


def run(
    query: str,
    file_format: str = "arrow",
    stored: Path | None = None,
    parameters: dict[str, Any] | None = None,
) -> Answer:
    """Run a query as a child does, in this process; ``stored`` is the result that ``JOB_ID`` stands for.

    Raises
    ------
    InvalidQuery
        As the child.
    """
    ours, theirs = socket.socketpair()
    answer = Answer()

    def listen() -> None:
        frames = ChildChannel(ours)
        while not frames.ended:
            for kind, payload in frames.receive():
                if kind is FrameType.DATA:
                    answer.data += payload
                elif kind is FrameType.PREVIEW:
                    answer.preview = payload
                elif kind is FrameType.DONE:
                    answer.done = json.loads(payload)

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        with tempfile.TemporaryDirectory() as folder, open_session() as engine:
            results = {}
            if stored is not None:
                told: Any = {"format": stored.suffix[1:], "sha256": "", "query": "", "created_at": ""}
                results[JOB_ID] = ReferencedResult(**told)
            task = query_task(
                folder,
                query,
                parameters=parameters or {},
                format=file_format,
                limits={"threads": 2},
                sources={JOB_ID: (str(stored),)} if stored else {},
                results=results,
                job_id=JOB_ID,
            )
            query_job.run_query_task(ChildChannel(theirs), task, engine)
    finally:
        theirs.close()
        listener.join()
        ours.close()
    return answer


def check(query: str, file_format: str) -> list[list[str]]:
    """Return the columns that a check says of a query.

    Raises
    ------
    InvalidQuery
        As the checker's child.
    """
    with open_session() as engine:
        set_limits(engine, memory_bytes=2**29, threads=1)
        lock_down(engine, table_columns(), {})
        request = CheckRequest(sql=query, format=cast("Any", file_format), describe=True)
        checked, _ = check_task._read(engine, request, 2**20)
        columns: list[list[str]] = check_task._bind(engine, request, checked)["columns"]
        return columns
