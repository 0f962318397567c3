"""The gate against the engine: what it lets through runs on a DuckDB that nothing else holds back.

That engine may read and write files, and has a table, a variable and a macro that are nobody's to name. A
statement that passed the gate and yet shows, reads or changes any of it is a finding.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import resource
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import duckdb

from syndb_service.child.query_task import validate_query
from syndb_service.domain.table_schema import TABLES, VIEWS, view_sql
from syndb_service.errors import InvalidQuery
from syndb_service.sql.session import table_columns
from syndb_service.sql.source_position import after_explain
from syndb_service.sql.validator import SqlValidator
from tests.support.sandbox.grammar import Writer
from tests.support.sandbox.rig import statements

CANARY: Final = "CANARY-FUZZ-5d1e"
PATIENCE_S: Final = 2.0
LOOK_EVERY: Final = 250
FORBIDDEN: Final = re.compile(
    r"DUCKDB_|PRAGMA|SQLITE|READ_TEXT|READ_CSV|READ_BLOB|READ_JSON|GLOB|SEQ_SCAN|SEQ SCAN|TABLE_SCAN|COPY"
    r"|INSERT|DELETE|UPDATE|CREATE|ATTACH|PARQUET_METADATA|PARQUET_SCHEMA|PG_|INFORMATION_SCHEMA"
)


class Arena:
    """The unguarded engine and its surroundings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        os.environ["SYNDB_CANARY"] = CANARY
        self.secret = folder / "secret.txt"
        self.secret.write_text(CANARY)
        self.files = {table: self._file(table) for table in ("neurons", "synapses", "neuron_relations")}
        self.engine = self._engine()
        self.gate = SqlValidator(duckdb.connect(), table_columns(), 10**6)
        self.before = self.tree()

    def names(self) -> dict[str, str]:
        """Return what statements are written with."""
        ok = self.files["neurons"]
        return {
            "TXT": str(self.secret), "OK": ok, "DIR": str(Path(ok).parent), "SEC": str(self.secret),
            "ROOT": str(self.folder), "TMP": str(self.folder), "HTTP": "http://127.0.0.1:9", "SECRET_ID": "s",
        }  # fmt: skip

    def tree(self) -> dict[str, str]:
        """Return every file with its digest."""
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    def run(self, sql: str) -> tuple[str, str]:
        """Run a statement that passed the gate; return how it ended, and all that came out of it."""
        with self._interrupting():
            try:
                plan = "" if after_explain(sql) is not None else self._plan(sql)
                answer = self.engine.execute(sql, {"p": 1} if "$p" in sql else None)
                rows = answer.fetchmany(200)
            except duckdb.Error as error:
                return "failed", str(error)
        return "executed", f"{answer.description}\n{rows}\n{plan}"

    def findings(self, sql: str, said: str) -> list[str]:
        """Return what a statement showed or did that it may not."""
        found = [word for word in (CANARY, "CREATE VIEW", "CREATE TABLE") if word in said]
        if str(self.folder) in said and str(self.folder) not in sql:
            found.append("a path")
        (count,) = self.engine.execute("SELECT count(*) FROM marker").fetchone() or (0,)
        return [*found, *([] if count == 1 else ["the table changed"])]

    def _plan(self, sql: str) -> str:
        ((_, plan),) = self.engine.execute(
            f"EXPLAIN (FORMAT json) {sql}", {"p": 1} if "$p" in sql else None
        ).fetchall()
        names = " ".join(_operators(json.loads(plan)))
        forbidden = FORBIDDEN.search(names)
        return f"{CANARY}: the plan has {forbidden.group()}" if forbidden else ""

    @contextlib.contextmanager
    def _interrupting(self) -> Iterator[None]:
        timer = threading.Timer(PATIENCE_S, self.engine.interrupt)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _file(self, table: str) -> str:
        place = self.folder / table / "dataset_id=00000000-0000-0000-0000-000000000001"
        place.mkdir(parents=True)
        values = {"BIGINT": "range", "DOUBLE": "range / 2", "VARCHAR": "'v' || range"}
        columns = ", ".join(f"{values[c.type]}::{c.type} AS {c.name}" for c in TABLES[table][1:])
        file = str(place / "a.parquet")
        duckdb.execute(f"COPY (SELECT {columns} FROM range(4)) TO '{file}' (FORMAT parquet)")
        return file

    def _engine(self) -> duckdb.DuckDBPyConnection:
        alone = {"autoload_known_extensions": False, "autoinstall_known_extensions": False}
        engine = duckdb.connect(config={"memory_limit": "400MB", "threads": 1, **alone})
        for table in TABLES:
            paths = [self.files[table]] if table in self.files else []
            engine.execute(f"CREATE VIEW {table} AS {view_sql(table, paths)}")
        for name, view in VIEWS.items():
            engine.execute(f"CREATE VIEW {name} AS {view.sql}")
        engine.execute(f"CREATE TABLE marker AS SELECT '{CANARY}' AS sql")
        engine.execute(f"CREATE MACRO canary_macro() AS '{CANARY}'")
        engine.execute(f"SET VARIABLE canary = '{CANARY}'")
        engine.execute("CREATE SEQUENCE s")
        engine.execute(
            "SET disabled_optimizers = 'statistics_propagation'"
        )  # so that a plan shows every scan
        return engine


def _operators(plan: Any) -> Iterator[str]:
    for node in plan if isinstance(plan, list) else [plan]:
        info = node.get("extra_info", {})
        yield f"{node.get('name', '')} {info.get('Function', '') if isinstance(info, dict) else ''}".upper()
        yield from _operators(node.get("children", []))


def fuzz(seed: int, count: int, folder: Path) -> dict[str, Any]:
    """Write, check and run statements; return the figures, and every finding with its statement."""
    corpus = [text for name in ("hostile.txt", "legitimate.txt") for _, _, text in statements(name)]
    arena, writer, figures, findings = Arena(folder), Writer(seed, corpus), Counter[str](), []
    for number in range(count):
        sql = writer.statement()
        for name, value in arena.names().items():
            sql = sql.replace(f"{{{name}}}", value)
        figures["statements"] += 1
        try:
            validate_query(arena.gate.connection, sql, {"p": 1} if "$p" in sql else {}, 10**6)
        except InvalidQuery as refusal:
            figures["refused"] += 1
            if str(folder) in refusal.message and str(folder) not in sql:
                findings.append({"sql": sql, "found": ["a path in a refusal"]})
            continue
        figures["accepted"] += 1
        how, said = arena.run(sql)
        figures[how] += 1
        found = arena.findings(sql, said)
        if number % LOOK_EVERY == 0 and arena.tree() != arena.before:
            found.append("a file changed, here or in the statements before")
        if found:
            findings.append({"sql": sql, "found": found, "said": said[:500]})
    if arena.tree() != arena.before:
        findings.append({"sql": "", "found": ["a file changed"]})
    return {**figures, "seed": seed, "findings": findings}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (6 * 1024**3, 6 * 1024**3))
    sys.setrecursionlimit(20_000)
    with tempfile.TemporaryDirectory() as made:
        print(json.dumps(fuzz(int(sys.argv[1]), int(sys.argv[2]), Path(made))))
