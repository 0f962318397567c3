"""Hostile text where text is data: parameters, labels, unusual characters, other formats."""

from __future__ import annotations

import json
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from syndb_service.domain.result_references import find_references
from tests.support.sandbox.rig import Rig

TEXTS = (
    "'; drop view neurons; --",
    "x' union all select getenv('SYNDB_CANARY') --",
    "{TXT}",
    "${getenv('SYNDB_CANARY')}",
    "$1",
    "../../../etc/passwd",
    "{HTTP}/leak",
    "<script>alert(1)</script>",
    "a\r\nSet-Cookie: x=1",
    "\x01\x1b[31m\u202e\u2028",
    "%s%n{0}{0.__class__}",
    "ſ\u212a\U0001f9e0",
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_parameter_is_a_value_whatever_it_says(rig: Rig, text: str) -> None:
    value = rig.written(text)
    query = "SELECT $t AS t, [$t, 'b'] AS l, (SELECT count(*) FROM neurons WHERE name = $t) AS n"
    job = rig.jobs.run(query, parameters={"t": value})
    (row,) = pa.ipc.open_file(rig.jobs.result(job).content).read_all().to_pylist()
    assert row == {"t": value, "l": [value, "b"], "n": 0}


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("FROM query_table($t)", {"t": "neurons"}),
        ("FROM query($t)", {"t": "from neurons"}),
        ("FROM read_text($t)", {"t": "{TXT}"}),
        ("FROM $t", {"t": "{TXT}"}),
        ("SELECT $f('SYNDB_CANARY')", {"f": "getenv"}),
        ("SELECT getenv($t)", {"t": "SYNDB_CANARY"}),
        ("SELECT current_setting($t)", {"t": "allowed_paths"}),
        ("SELECT $t", {"t": 1, "u": 2}),
        ("SELECT $t", {"t; DROP VIEW neurons": 1}),
        ("SELECT $t", {}),
        ("SELECT list_aggregate(['SYNDB_CANARY'], $f)", {"f": "getenv"}),
        ("FROM range(len(range($n)))", {"n": 10**9}),
        ("PIVOT neurons ON $c IN ('x') USING getenv($c)", {"c": "name"}),
        ("SELECT CAST('x' AS $t)", {"t": "integer"}),
        ("COPY neurons TO $t", {"t": "{DIR}/evil.csv"}),
        ("EXECUTE p($t)", {"t": 1}),
    ],
)
def test_a_parameter_names_nothing(rig: Rig, query: str, parameters: dict[str, Any]) -> None:
    values = {
        name: rig.written(value) if isinstance(value, str) else value for name, value in parameters.items()
    }
    answer = rig.jobs.http.post("/v1/jobs", json={"query": query, "parameters": values})
    assert answer.status_code == 400, answer.text
    assert not rig.canaries.in_text(answer.text)


CONTROL = (
    "select 1\0; drop view neurons",
    "select 1\ufeff; select 2",
    "\ufeffexplain\ufeffanalyze\ufeffselect 1",
    "explain\u200banalyze select 1",
    "\ufeffselect getenv('SYNDB_CANARY')",
    "select\u00a0getenv('SYNDB_CANARY')",
    "select\u2003*\u2003from\u2003read_text('{TXT}')",
    "select 1 --\rfrom read_text('{TXT}')\nselect 2",
    "select 1 -- \n; drop view neurons",
    "select /* /* */ 1 */ ; from read_text('{TXT}')",
    "explain /* /* */ */ analyze select 1",
    "explain --\nanalyze select 1",
    "explain\n(analyze) select 1",
    "explain/**/analyze/**/select 1",
    "sel\u200bect getenv('SYNDB_CANARY')",
    "select get\u0065nv('SYNDB_CANARY')",
    "select U&'\\0067' || getenv('SYNDB_CANARY')",
    "select g\u0435tenv('SYNDB_CANARY')",
    "\x1bselect 1; select 2",
    "select 1;\n\n\n-- end\nselect 2;",
    "from neurons;\0",
    "select '\ud83e' || getenv('SYNDB_CANARY')",
)


@pytest.mark.parametrize("statement", CONTROL, ids=range(len(CONTROL)))
def test_unusual_characters_hide_nothing(rig: Rig, statement: str) -> None:
    body = json.dumps({"query": rig.written(statement)})
    answer = rig.jobs.http.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert not rig.leaks(statement, answer.text)


def test_half_a_character_is_no_value(rig: Rig) -> None:
    for value in ("x\ud83e", ["y", "\udc00"]):
        answer = rig.jobs.http.post(
            "/v1/jobs", content=json.dumps({"query": "SELECT $a", "parameters": {"a": value}})
        )
        assert answer.status_code == 422, answer.text
        assert "broken character" in answer.json()["detail"]


READS = (
    "SELECT * FROM neurons",
    "SELECT to_json(neurons) AS j FROM neurons",
    "SUMMARIZE neurons",
    "EXPLAIN FROM connections JOIN neurons ON neuron_id = pre_neuron_id WHERE neurons.name > ''",
    "SELECT * FROM (DESCRIBE connections)",
    "SELECT dataset_id FROM synapses UNION SELECT '{SECRET_ID}'",
)


@pytest.mark.parametrize(("statement", "kind"), product(READS, ("csv", "parquet")))
def test_no_format_holds_more_than_the_rows(rig: Rig, statement: str, kind: str) -> None:
    first, said = rig.answer(statement, format=kind)
    assert first.status_code == 202
    assert "'completed'" in said
    assert not rig.leaks(statement, said)


def test_the_canaries_are_where_they_are_said_to_be(rig: Rig) -> None:
    assert Path(rig.names["TXT"]).read_text() == rig.canaries.file
    assert rig.canaries.row in parquet.read_table(rig.names["SEC"])["name"].to_pylist()
    process = rig.live.process.pid
    if sys.platform == "linux":
        assert rig.canaries.environment in Path(f"/proc/{process}/environ").read_text()


@pytest.mark.timeout(120)  # each was quadratic once: a quarter of an hour for a text of this length
@pytest.mark.parametrize("open_ended", ["/* ", "$a{n}$ ", "e' ", "'' ' ", "-- "])
def test_what_is_never_closed_is_read_once(open_ended: str) -> None:
    assert find_references("SELECT 1 " + "".join(open_ended.format(n=n) for n in range(300_000))) == []
