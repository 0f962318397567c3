"""The composer's forms: values of parameters, options of an analysis, and what stays in a saved notebook."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path
from typing import Any

import pytest

from syndb_lab.datasets import Datasets
from syndb_lab.errors import ParameterError
from syndb_lab.notebook.composer.draft import READERS, Draft, entries, values
from syndb_lab.notebook.composer.graph_form import graph_form, graph_options, missing_options
from syndb_lab.notebook.composer.html import draft_html, draft_text
from syndb_lab.notebook.composer.schema_catalog import catalogue, examples
from syndb_lab.user_data import query_history

ROOT = Path(__file__).parents[3]
FORM = graph_form(json.loads((ROOT / "docs" / "openapi.json").read_text()))
WORM = "5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8"


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", " AVAL ", " AVAL "),
        ("whole", "720575940600000001", 720575940600000001),
        ("number", "0.05", 0.05),
        ("number", "720575940600000001", 720575940600000001),
        ("flag", "True", True),
        ("date", "2011-02-03", datetime.date(2011, 2, 3)),
        ("moment", "2011-02-03 14:05", datetime.datetime(2011, 2, 3, 14, 5)),
        ("list", '[720575940600000001, null, "é"]', [720575940600000001, None, "é"]),
        ("dataset", WORM, WORM),
        ("null", "", None),
        ("variable", "least", 5),
    ],
)
def test_a_value_is_of_the_type_that_was_chosen(kind: str, text: str, value: object) -> None:
    draft = Draft(sql="SELECT :x", values={"x": {"kind": kind, "text": text}})
    (found,) = entries(draft, {"least": 5}, [])
    assert (found.value, found.trouble) == (value, "")
    assert type(found.value) is type(value)


@pytest.mark.parametrize("kind", [*READERS, "variable", "nonsense"])
def test_what_is_no_value_is_said_with_its_place(kind: str) -> None:
    text = "" if kind in {"text", "dataset", "nonsense"} else "<b>no"
    draft = Draft(sql="SELECT '🧠',\n  :x", values={"x": {"kind": kind, "text": text}})
    with pytest.raises(ParameterError, match=r"^:x") as raised:
        values(entries(draft, {}, []), draft.sql)
    assert (raised.value.line, raised.value.column) == (2, 3)


def test_a_value_is_offered_from_the_notebook_or_as_a_dataset() -> None:
    sql = "FROM neurons WHERE dataset_id = :worm AND cell_class = :kind AND name <> ':no' AND x[:2] > :least"
    found = entries(Draft(sql=sql), {"least": 5}, [WORM])
    assert [(one.name, one.kind, one.value) for one in found] == [
        ("worm", "dataset", WORM),
        ("kind", "text", None),
        ("least", "variable", 5),
    ]


@pytest.mark.parametrize("sent", [{}, {"sql": 5, "values": {"x": 3}, "kind": "table"}, {"format": "xlsx"}])
def test_a_draft_of_another_version_of_the_page_is_taken_as_far_as_it_goes(sent: dict[str, Any]) -> None:
    assert Draft.read(sent) == Draft()


def test_the_form_is_that_of_the_service() -> None:
    assert next(iter(FORM["analyses"])) == "full"
    assert {name: one["kind"] for name, one in FORM["fields"].items()} == {
        "min_synapses": "whole",
        "max_edges": "whole",
        "include": "choice",
        "neurotransmitter": "names",
        "cell_class": "ends",
        "brain_structure": "ends",
        "neuron_ids": "list",
        "top_hubs": "whole",
        "seed": "whole",
        "node_table": "flag",
        "source": "text",
        "target": "text",
        "weight": "choice",
        "max_hops": "whole",
        "samples": "whole",
        "keep_reciprocity": "flag",
        "resolution": "number",
        "column": "text",
        "other_dataset_id": "dataset",
        "by": "choice",
        "time_limit_s": "number",
    }
    assert all(one["hint"] for one in FORM["fields"].values())


def test_what_is_entered_becomes_options_of_their_types() -> None:
    entered = {
        "neuron_ids": "720575940600000001, 2",
        "cell_class": 'sensory, "left, right" -> motor',
        "min_synapses": "3",
        "include": "chemical",
        "source": "ASEL",
        "target": "720575940600000001",
        "samples": "5",
        "seed": " ",
    }
    options, troubles = graph_options(FORM, "shortest_path", entered)
    assert (troubles, missing_options(FORM, "shortest_path", entered)) == ({}, "")
    assert options == {
        "neuron_ids": ["720575940600000001", "2"],
        "cell_class": {"pre": ["sensory", "left, right"], "post": ["motor"]},
        "min_synapses": 3,
        "source": "ASEL",
        "target": "720575940600000001",
    }


def test_what_can_be_no_option_is_said_by_name() -> None:
    entered = {"top_hubs": "1001", "min_synapses": "few", "cell_class": "a -> b -> c", "by": "x"}
    options, troubles = graph_options(FORM, "compare", {**entered, "other_dataset_id": WORM})
    assert set(troubles) == {"top_hubs", "min_synapses", "cell_class", "by"}
    assert "1000 or less" in troubles["top_hubs"]
    assert options == {"other_dataset_id": WORM}
    assert missing_options(FORM, "shortest_path", {"source": "A"}) == "shortest_path needs target"


def test_a_service_that_tells_no_forms_gets_one_of_all_options() -> None:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text())
    del document["components"]["schemas"]["GraphBody"]["x-analyses"]
    form = graph_form(document)
    assert "source" in form["shared"]
    assert graph_options(form, "hubs", {"top_hubs": "5"}) == ({"top_hubs": 5}, {})


def test_a_saved_draft_holds_no_markup_of_others() -> None:
    attack = "</pre><img src=x onerror=alert(1)>\x1b[31m\u202e"
    for kind in ("query", "graph"):
        draft = Draft(kind, attack, {attack: {"kind": "text", "text": attack}}, label=attack)
        written = draft_html(draft, "k", attack, is_saved=True)
        assert not re.search(r"<(?!/?(div|pre|span|b)\b)", written)
        assert not set("\x1b\u202e") & set(written + draft_text(draft, attack, is_saved=False))


def test_datasets_without_tables_or_columns_are_shown() -> None:
    wide = {"name": "wide", "rows": 0, "columns": [{"name": f"c{n}", "type": "BIGINT"} for n in range(500)]}
    datasets = Datasets([{"id": "a", "name": "bare"}, {"id": "b", "name": '🧠"<b>', "tables": [wide]}])
    bare, odd = catalogue(datasets)
    assert (bare["tables"], odd["tables"][0]["rows"], len(odd["tables"][0]["columns"])) == ([], "0", 500)
    assert examples(datasets, []) == []


def test_the_history_keeps_the_newest_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for number in (*range(query_history.MAX_DRAFTS + 5), 50):
        query_history.add_to_history({"sql": f"SELECT {number}", "at": f"{number} o'clock"})
    kept = query_history.add_to_history({"sql": "x" * 2 * query_history.LONGEST, "at": ""})
    assert [one["sql"] for one in kept[:2]] == ["SELECT 50", f"SELECT {query_history.MAX_DRAFTS + 4}"]
    assert len({one["sql"] for one in kept}) == len(kept) == query_history.MAX_DRAFTS
    assert query_history.history_file().stat().st_mode & 0o077 == 0
    query_history.history_file().write_text('{"sql": "SELECT 1"}\n{"sql": "SEL')
    assert query_history.load_history() == [{"sql": "SELECT 1"}]


def test_completion_offers_functions_that_the_service_runs() -> None:
    listed = (ROOT / "js" / "src" / "composer" / "functions.js").read_text()
    offered = set(re.findall(r"^(\w+)\(", listed, re.MULTILINE)) - {"cast", "try_cast", "coalesce", "count"}
    known = (ROOT / "service" / "syndb_service" / "sql" / "functions.txt").read_text().split()
    assert len(offered) > 90
    assert offered - set(known) == set()
