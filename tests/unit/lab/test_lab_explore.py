"""Which part of a graph is fetched, what is said of it, and what a click comes to."""

from __future__ import annotations

import base64
import gc
import re
import threading
import time
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from ipywidgets.widgets.widget import _instances

from syndb_lab.errors import ParameterError, ResultUnsuitable
from syndb_lab.notebook.explorer.explorer import Explorer
from syndb_lab.plots.force_layout import layout_neurons
from syndb_lab.plots.visual_encoding import encode_color, sizes
from syndb_lab.subnetwork.caption import advice, caption
from syndb_lab.subnetwork.fetch import RunQueries, fetch_from_analysis
from syndb_lab.subnetwork.filter_sql import graph_queries
from syndb_lab.subnetwork.model import Connection, Counts, Subnetwork, pagerank
from syndb_lab.subnetwork.neighborhood_sql import SubnetworkRequest
from syndb_service.domain.graph.selection import Selection
from syndb_service.graph.model.loader import load_connectome
from tests.support.waiting import wait_until

WORM = "5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8"
BIG = 720575940600000001
NAMES = ["A", 'B "quoted"', "it's C", "<img src=x onerror=alert(1)>", "🧠 E", None, "$x$", "H"]
ANSWER: dict[str, Any] = {"dataset": {"id": WORM, "name": "odd", "title": "Odd & <b>bold</b>"}, "filters": {}}


@pytest.fixture(scope="module")
def engine() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute(
        "CREATE TABLE neurons AS SELECT $1 AS dataset_id, unnest(range(8)) + $2::BIGINT AS neuron_id,"
        " unnest($3::VARCHAR[]) AS name, unnest(['s', 's', 'm', 'm', 'i', 'i', NULL, '']) AS cell_class,"
        " unnest(['GABA', 'ACh', NULL, 'GABA', 'ACh', NULL, 'GABA', 'ACh']) AS majority_neurotransmitter,"
        " unnest(['left', 'right', 'left', NULL, 'left', 'right', 'left', 'right']) AS brain_structure,"
        " NULL::DOUBLE AS soma_x, unnest(range(8)) * 1.5 AS cable_length, NULL AS cell_type",
        [WORM, BIG, NAMES],
    )
    con.execute(
        "CREATE TABLE synapses AS SELECT $1 AS dataset_id,"
        " $2::BIGINT + (n * 7 + n // 5) % 8 AS pre_neuron_id,"
        " $2::BIGINT + (n * n + n // 3) % 7 AS post_neuron_id,"
        " CASE n % 3 WHEN 0 THEN 'GABA' WHEN 1 THEN 'ACh' END AS neurotransmitter, NULL AS brain_structure"
        " FROM range(160) AS r(n)",
        [WORM, BIG],
    )
    con.execute(
        "CREATE VIEW connections AS"
        " SELECT dataset_id, pre_neuron_id, post_neuron_id, count(*) AS synapse_count"
        " FROM synapses GROUP BY ALL"
    )
    con.execute(
        "CREATE TABLE neuron_relations AS SELECT $1 AS dataset_id, $2::BIGINT + n % 5 AS pre_neuron_id,"
        " $2::BIGINT + 3 + n % 4 AS post_neuron_id, 'gap_junction' AS relation, 1.0 + n % 2 AS weight"
        " FROM range(9) AS r(n)",
        [WORM, BIG],
    )
    return con


@pytest.fixture
def ask(engine: duckdb.DuckDBPyConnection) -> RunQueries:
    def run(bodies: Sequence[dict[str, Any]]) -> list[pa.Table]:
        return [engine.sql(body["query"], params=body["parameters"]).to_arrow_table() for body in bodies]

    return run


FILTERS: list[dict[str, Any]] = [
    {},
    {"min_synapses": 3},
    {"include": "gap_junctions"},
    {"include": "both", "min_synapses": 2},
    {"neurotransmitter": ["GABA"]},
    {"neurotransmitter": ["GABA", "ACh"], "include": "both"},
    {"cell_class": {"pre": ["s"], "post": ["m", "i"]}},
    {"cell_class": {"pre": None, "post": ["m"]}, "include": "gap_junctions"},
    {"brain_structure": {"pre": ["left"], "post": ["left"]}},
    {"neuron_ids": [str(BIG + n) for n in range(5)]},
    {"neuron_ids": [str(BIG + n) for n in range(5)], "cell_class": {"pre": ["s"], "post": None}},
]


@pytest.mark.parametrize("options", FILTERS, ids=str)
def test_what_is_fetched_again_is_what_the_service_analysed(
    options: dict[str, Any], ask: RunQueries, engine: duckdb.DuckDBPyConnection
) -> None:
    selection = Selection.of(options)
    analysed = load_connectome(engine, WORM, selection)
    edges, neurons = ask(graph_queries(WORM, selection.to_options()))
    ids = analysed.neuron_ids
    assert neurons["neuron_id"].to_pylist() == ids.tolist()
    assert edges["pre_neuron_id"].to_pylist() == ids[analysed.pre].tolist()
    assert edges["post_neuron_id"].to_pylist() == ids[analysed.post].tolist()
    assert edges["synapse_count"].to_pylist() == analysed.synapse_count.tolist()


def part_of(
    ask: RunQueries, neurons: Any = None, filters: dict[str, Any] | None = None, **options: Any
) -> Subnetwork:
    return fetch_from_analysis(
        ask, {**ANSWER, "filters": filters or {}}, SubnetworkRequest(**options), neurons
    )


def test_ids_above_2_to_the_53_are_exact_and_the_centre_comes_first(ask: RunQueries) -> None:
    part = part_of(ask, BIG + 2, hops=1)
    assert part.ids[0] == BIG + 2
    assert set(part.ids) <= set(range(BIG, BIG + 8))
    assert part_of(ask, str(BIG + 2), hops=1).ids == part_of(ask, "it's C", hops=1).ids == part.ids


@pytest.mark.slow
def test_it_says_what_it_leaves_out_and_how_to_see_it(ask: RunQueries) -> None:
    part = part_of(ask, limit=3, connections=2)
    assert caption(part).startswith(
        "3 of 8 neurons: the 3 hubs, as far as the limit goes · the strongest 2 of "
    )
    told = advice(part)
    assert "limit=8 shows them all" in told[0]
    least = int(re.findall(r"min_synapses=(\d+) leaves 3 neurons or fewer", "\n".join(told))[0])
    fewer = part_of(ask, filters={"min_synapses": least}, limit=8)
    assert fewer.counts.connected <= 3
    assert advice(part_of(ask)) == []
    assert caption(part_of(ask)).startswith("all 8 neurons · all ")


@pytest.mark.slow
def test_hops_reach_no_further_than_asked(ask: RunQueries) -> None:
    everyone = part_of(ask, filters={"include": "gap_junctions"}).to_networkx().to_undirected()
    start = BIG + 3
    beside = {start, *everyone.neighbors(start)}
    assert set(part_of(ask, start, {"include": "gap_junctions"}, hops=1).ids) == beside
    assert part_of(ask, start, hops=0).ids == [start]


def test_gap_junctions_are_drawn_once_and_apart(ask: RunQueries) -> None:
    part = part_of(ask, filters={"include": "both"})
    junctions = [line for line in part.lines if line.junction]
    assert junctions
    assert all(part.ids[line.pre] < part.ids[line.post] for line in junctions)
    assert len({(line.pre, line.post) for line in junctions}) == len(junctions)


@pytest.mark.parametrize(
    ("neurons", "said"),
    [
        ("it's D", 'Did you mean "it\'s C"?'),
        (BIG + 99, "has no neuron 720575940600000100"),
        ([], "neurons is empty"),
        (1.5, "contains 1.5"),
        (2**63, "contains 9223372036854775808"),
        (True, "contains True"),
    ],
)
def test_a_neuron_that_is_not_there(neurons: Any, said: str, ask: RunQueries) -> None:
    with pytest.raises(ParameterError) as caught:
        part_of(ask, neurons)
    assert said in str(caught.value)


def test_a_graph_without_the_neurons_that_were_given(ask: RunQueries) -> None:
    with pytest.raises(ResultUnsuitable, match="none of these neurons is in this graph"):
        part_of(ask, BIG, {"neuron_ids": [str(BIG + 3), str(BIG + 4)]})


@pytest.mark.slow
@pytest.mark.parametrize("neurons", [2, 40, 410])
def test_a_layout_is_the_same_for_a_seed_and_within_its_field(neurons: int) -> None:
    links = [(n, (n * 7 + 3) % neurons, 1.0) for n in range(neurons)]
    places = layout_neurons(neurons, links, seed=3)
    assert places == layout_neurons(neurons, links, seed=3)
    assert all(abs(x) <= 1.7001 and abs(y) <= 1.0001 for x, y in places)
    assert len(set(places)) == neurons
    assert neurons == 410 or places != layout_neurons(neurons, links, seed=4)


def test_colours_stay_with_their_class_and_rare_ones_share_one() -> None:
    many = [f"class {n}" for n in range(9) for _ in range(9 - n)]
    labels = [label for label, _, _ in encode_color(many).labels]
    assert labels == [*(f"class {n}" for n in range(7)), "other (2)"]
    few = encode_color(["motor", "sensory", None]).colours
    assert encode_color(["sensory", "motor", "sensory"]).colours == few[:2]
    assert encode_color([1.0, float("nan"), None]).labels == [("unknown", 25, 2)]
    assert sizes([1, None]) == sizes([2, float("inf")]) == [0.6, 0.36]


def test_sizes_of_odd_numbers_are_sizes() -> None:
    most = 1.7e308
    assert sizes([-most, None, 0, most]) == [0.36, 0.36, 0.813, 1.0]
    assert encode_color([-most, most]).of == [0, 24]
    assert sizes([-3, -2, -1]) == [0.36, 0.813, 1.0]
    assert sizes([5e-324, 0]) == [1.0, 0.36]
    assert sizes([float("nan")] * 2) == [0.36, 0.36]
    assert encode_color([float("nan"), "motor"]).labels == [("motor", 0, 1), ("unknown", 1, 1)]


ODD: dict[str, tuple[list[Any], list[Connection]]] = {
    "one neuron": ([float("nan")], []),
    "one of no size": ([0], [Connection(0, 0, 3)]),
    "two apart, all equal": ([1, 1], []),
    "two, without a weight": ([float("inf"), float("-inf")], [Connection(0, 1, 0), Connection(1, 0, 0)]),
    "below zero": ([None, float("nan")], [Connection(0, 1, -5.0), Connection(1, 0, 0.5)]),
    "repeated": ([10**400, 1], [Connection(0, 1, 3), Connection(0, 1, 3), Connection(0, 1, 3, True)]),
    "self-loops alone": ([Decimal("1.5"), Decimal("NaN")], [Connection(0, 0, 3), Connection(1, 1, 1, True)]),
    "near the end of floats": ([1e308, -1e308, 0], [Connection(0, 1, 1.7e308), Connection(1, 2, 1.7e308)]),
    "the least floats": ([5e-324, 0], [Connection(0, 1, 5e-324), Connection(1, 1, 5e-324)]),
    "no numbers": ([[1], {"a": 1}, "x"], [Connection(0, 1, 2**70)]),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ODD)
def test_odd_scores_and_weights_are_drawn(name: str) -> None:
    values, lines = ODD[name]
    count = len(values)
    columns = {"degree": list(range(count)), "score": values}
    assert sum(pagerank(count, lines)) == pytest.approx(1)
    part = Subnetwork(list(range(count)), columns, lines, 1, Counts(count, count, 1, count, 1))
    view = Explorer(part, color="score", size="score" if "score" in Explorer(part).scores else "degree")
    assert view._bundle()["text/html"]
    assert view.to_networkx().number_of_nodes() == count
    view.close()


@pytest.fixture
def view(ask: RunQueries) -> Explorer:
    return Explorer(part_of(ask), seed=1)


def test_a_selection_is_exact_both_ways(view: Explorer) -> None:
    view._look.set_state({"selected": [str(BIG + 6), str(BIG)]})
    assert view.selected == [BIG + 6, BIG]
    view.selected = pa.array([BIG + 1, BIG + 1])
    assert view._look.get_state()["selected"] == [str(BIG + 1)]
    with pytest.raises(ParameterError, match="not among the 8 shown"):
        view.selected = [5]
    view.selected = []
    assert view.selected == []
    assert view.search("quoted") == [BIG + 1]
    assert view.search(str(BIG + 5)) == [BIG + 5]


def test_a_column_that_is_not_there_names_the_nearest(view: Explorer) -> None:
    with pytest.raises(ParameterError, match="Did you mean 'cell_class'"):
        view.color = "cel_class"
    with pytest.raises(ParameterError, match="holds no numbers"):
        view.size = "cell_class"
    with pytest.raises(ParameterError, match="no column 'soma_x' that holds anything"):
        view.color = "soma_x"
    view.color, view.size = None, "cable_length"
    assert (view.color, view.size) == (None, "cable_length")


def test_the_page_gets_texts_and_no_rounded_number(view: Explorer) -> None:
    told = view._look.part
    assert sorted(told["ids"]) == [str(BIG + n) for n in range(8)]
    assert str(BIG + 5) in told["names"]
    assert all(isinstance(text, str | None) for one in told["columns"].values() for text in one["texts"])


def test_the_page_knows_every_column_that_may_give_the_colour(view: Explorer) -> None:
    told = view._look.part
    assert "name" in view.columns
    assert list(told["columns"]) == [name for name, _, _ in told["colours"]] == view.columns
    view.color = "name"
    assert view.plot().axes


@pytest.mark.slow
def test_what_is_saved_is_a_picture_with_its_text_and_no_markup_of_others(view: Explorer) -> None:
    view.selected = [BIG + 3]
    bundle = view._bundle()
    html = bundle["text/html"]
    picture = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    assert base64.b64decode(picture[0]).startswith(b"\x89PNG")
    assert re.search(
        r'alt="Graph of 8 neurons and \d+ connections, coloured by cell class, '
        r"sized by degree in the whole graph: ",
        html,
    )
    assert f"&lt;img src=x onerror=alert(1)&gt; ({BIG + 3})" in html
    assert not re.search(r"<script|<style|<img src=x|<b>bold", html)
    assert f"({BIG + 3})" in bundle["text/plain"]


@pytest.mark.slow
def test_a_front_end_without_our_javascript_gets_the_picture(
    ask: RunQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VSCODE_PID", "1")
    view = Explorer(part_of(ask))
    assert "the picture is still" in view._bundle()["text/html"]
    view.color, view.selected = "brain_structure", [BIG]
    assert (view.color, view.selected) == ("brain_structure", [BIG])
    view.close()


class Output:
    """A place in the notebook that was written to."""

    def __init__(self) -> None:
        self.written: list[dict[str, str]] = []

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.written.append(bundle)


@pytest.mark.slow
def test_a_change_is_drawn_once_it_has_settled_and_kept_when_closed(
    view: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syndb_lab.notebook.explorer.explorer.SETTLE_S", 0.5)
    output = Output()
    view._outputs.append(output)
    for column in ("brain_structure", "majority_neurotransmitter", "degree"):
        view.color = column
    wait_until(lambda: output.written)
    wait_until(lambda: not [one for one in threading.enumerate() if one.name == "syndb-explore"])
    assert len(output.written) < 3
    assert "coloured by degree in the whole graph" in output.written[-1]["text/html"]
    view.color = "cell_class"
    view.close()
    assert "coloured by cell class" in output.written[-1]["text/html"]
    assert repr(view).endswith("closed>")


@pytest.mark.slow
def test_opened_and_closed_fifty_times_nothing_stays(ask: RunQueries) -> None:
    part = part_of(ask)

    def once(changed: bool) -> None:
        view = Explorer(part)
        view._outputs.append(Output())
        if changed:
            view.color = "brain_structure"
        view.close()

    once(True)
    before = set(_instances), threading.active_count()
    gc.collect()
    held = len(gc.get_objects())
    for number in range(50):
        once(number % 10 == 0)
    wait_until(lambda: threading.active_count() <= before[1])
    assert set(_instances) <= before[0]
    gc.collect()
    assert len(gc.get_objects()) - held < 5000


@pytest.mark.slow
def test_changes_from_several_threads_end_in_the_picture_of_the_last_one(
    ask: RunQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syndb_lab.notebook.explorer.explorer.SETTLE_S", 0.005)
    view, output, random = Explorer(part_of(ask), seed=1), Output(), Random(1)
    pauses = [random.random() / 20 for _ in range(200)]

    def bundle() -> dict[str, str]:
        selected = str(view.selected)
        time.sleep(pauses.pop())
        return {"text/html": selected}

    monkeypatch.setattr(view, "_bundle", bundle)
    view._outputs.append(output)

    def change(seed: int) -> None:
        choices = Random(seed)
        for _ in range(15):
            view.selected = choices.sample(view.neurons, choices.randrange(3))
            time.sleep(choices.random() / 50)

    threads = [threading.Thread(target=change, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: "syndb-explore" not in {thread.name for thread in threading.enumerate()})
    assert output.written[-1]["text/html"] == str(view.selected)
