"""The figure of a full analysis draws for every graph, without warnings and without pyplot."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syndb_lab.plots import draw_full
from syndb_lab.plots.degree_distribution import survival
from syndb_lab.plots.label_layout import layout_labels
from syndb_lab.plots.motifs import APART, CLOSED, OPEN, format_count
from syndb_service.domain.graph.analysis_options import FullOptions
from syndb_service.graph.analysis_context import AnalysisContext
from syndb_service.graph.analyze import run_analyses, stages_of
from syndb_service.graph.measures.triad_census import TRIADS
from syndb_service.graph.model.connectome import connectome_from_edges
from syndb_service.graph.progress import StageProgress

DATASET = {
    "id": "d",
    "name": "made_up",
    "title": "A made-up worm with $5 and _underscores_",
    "version": "3",
    "citation": "Nobody N (2011) On nothing. J Nowhere 1: 1",
    "doi": "10.0/none",
}


def answer(n: int, edges: list[tuple[int, int]], synapses: list[int] | None = None) -> dict[str, Any]:
    options = FullOptions()
    graph, stages = (
        connectome_from_edges(n, edges, synapses),
        StageProgress(lambda name, fraction: None, stages_of(options)),
    )
    found = run_analyses(AnalysisContext(graph, options, stages))
    return {"analysis": "full", "dataset": DATASET, "options": options.to_dict(), **found}


def crowd(n: int = 80, m: int = 900) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    share = rng.pareto(1.2, n) + 0.1
    pairs = {(int(a), int(b)) for a, b in rng.choice(n, (m, 2), p=share / share.sum()) if a != b}
    edges = sorted(pairs)
    made = answer(n, edges, [1 + (a * b) % 40 for a, b in edges])
    classes = [*(f"class_{i}" for i in range(9)), None]
    for place, neuron in enumerate(made["strongest_subnetwork"]["neurons"]):
        neuron["name"] = [None, "AVAL", "CB.FB2,3G4.X", "a rather long name of a neuron", "$x_1$"][place % 5]
        neuron["cell_class"] = classes[place % 10]
    return made


ANSWERS = {
    "empty": answer(0, []),
    "one neuron": answer(1, []),
    "isolated neurons": answer(5, []),
    "one connection": answer(2, [(0, 1)]),
    "two-cycle": answer(3, [(0, 1), (1, 0)]),
    "complete": answer(12, list(itertools.permutations(range(12), 2))),
    "crowd": crowd(),
}


def panel(figure: Any, title: str) -> Any:
    return next(ax for ax in figure.axes if ax.get_title(loc="left").startswith(title))


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_is_drawn_without_a_warning(name: str) -> None:
    figure = draw_full(ANSWERS[name])
    file = io.BytesIO()
    figure.savefig(file, format="png")
    assert file.getvalue().startswith(b"\x89PNG")
    assert figure.get_size_inches()[0] * figure.dpi == 1600


@pytest.mark.slow
def test_an_answer_is_drawn_the_same_twice() -> None:
    pictures = []
    for _ in range(2):
        file = io.BytesIO()
        draw_full(ANSWERS["crowd"]).savefig(file, format="png")
        pictures.append(file.getvalue())
    assert pictures[0] == pictures[1]


def test_the_head_says_what_and_whose() -> None:
    texts = [text.get_text() for text in draw_full(ANSWERS["two-cycle"]).texts]
    assert texts[0] == DATASET["title"]
    assert texts[1].startswith("3 neurons · 2 connections · 2 synapses · reciprocity 1")
    assert all(part in texts[2] for part in (DATASET["citation"], DATASET["doi"], "version 3"))


def test_undefined_figures_are_left_out() -> None:
    texts = [text.get_text() for text in draw_full(ANSWERS["empty"]).texts]
    assert texts[1] == "0 neurons · 0 connections · 0 synapses"


def test_sampled_paths_are_marked() -> None:
    sampled = dict(ANSWERS["two-cycle"])
    sampled["paths"] = {**sampled["paths"], "exact": False}
    assert "mean shortest path ≈ 1.00" in draw_full(sampled).texts[1].get_text()


@pytest.mark.slow
def test_sixteen_motifs_with_their_names_and_counts() -> None:
    made = ANSWERS["crowd"]
    bars = panel(draw_full(made), "The 16 motifs")
    (strip,) = bars.child_axes
    assert [text.get_text() for text in strip.texts] == [*APART, *OPEN, *CLOSED]
    assert sorted([*APART, *OPEN, *CLOSED]) == sorted(TRIADS)
    counts = [made["triadic_census"][name] for name in (*APART, *OPEN, *CLOSED)]
    assert [text.get_text() for text in bars.texts] == [format_count(count) for count in counts]


def test_a_motif_that_never_occurs_has_no_bar() -> None:
    made = ANSWERS["two-cycle"]
    bars = panel(draw_full(made), "The 16 motifs")
    assert len(bars.containers) == 1
    assert [text.get_text() for text in bars.texts].count("0") == 15


def test_an_empty_graph_says_so() -> None:
    figure = draw_full(ANSWERS["empty"])
    for title in ("Degree distribution", "The strongest"):
        assert [text.get_text() for text in panel(figure, title).texts] == ["no connections"]


def test_without_hubs_the_title_names_none() -> None:
    made = dict(ANSWERS["two-cycle"])
    part = made["strongest_subnetwork"]
    made["strongest_subnetwork"] = {**part, "neurons": [{**n, "is_hub": False} for n in part["neurons"]]}
    title = panel(draw_full(made), "The strongest").get_title(loc="left")
    assert title == "The strongest connections around the best-connected neurons"


@pytest.mark.slow
def test_long_names_are_cut_and_missing_ones_are_ids() -> None:
    made = ANSWERS["crowd"]
    drawn = [text.get_text() for text in panel(draw_full(made), "The strongest").texts]
    neurons = made["strongest_subnetwork"]["neurons"]
    assert len(drawn) == len(neurons)
    assert drawn[0] == neurons[0]["neuron_id"]
    assert drawn[3] == "a rather long…"


def test_labels_never_overlap_and_stay_inside() -> None:
    sizes = {str(i): (30.0 + 7 * (i % 6), 17.0) for i in range(36)}
    connections = [{"pre": "0", "post": str(i), "synapse_count": i} for i in range(1, 36)]
    places = layout_labels(sizes, connections, (650, 300), seed=1)
    for name, (x, y) in places.items():
        width, height = sizes[name]
        assert width / 2 <= x <= 650 - width / 2
        assert height / 2 <= y <= 300 - height / 2
    for one, other in itertools.combinations(sizes, 2):
        across = abs(places[one][0] - places[other][0]) - (sizes[one][0] + sizes[other][0]) / 2
        upwards = abs(places[one][1] - places[other][1]) - (sizes[one][1] + sizes[other][1]) / 2
        assert max(across, upwards) >= 0, (one, other)


def test_survival_starts_with_the_neurons_that_have_partners() -> None:
    assert survival({"values": [0, 2, 5], "counts": [1, 2, 1]}) == ([2, 5], [0.75, 0.25])
    assert survival({"values": [0], "counts": [4]}) == ([], [])
    assert survival({"values": [], "counts": []}) == ([], [])


@pytest.mark.slow
def test_pyplot_is_never_imported_and_nothing_heavy_is_at_import(tmp_path: Path) -> None:
    program = (
        "import sys, syndb_lab.plots as d\n"
        "assert not {'matplotlib', 'networkx', 'numpy'} & set(sys.modules), 'heavy at import'\n"
        "degree = {'mean': 1.0, 'max': 1, 'distribution': {'values': [1], 'counts': [2]}}\n"
        "neurons = [{'neuron_id': i, 'name': None, 'cell_class': None, 'is_hub': True} for i in '12']\n"
        "part = {'neurons': neurons, 'connections': [{'pre': '1', 'post': '2', 'synapse_count': 1}],\n"
        "        'connections_among_neurons': 1}\n"
        "d.draw_full({'dataset': {}, 'neuron_count': 2, 'connection_count': 2, 'synapse_count': 2,\n"
        "             'reciprocity': 1.0, 'mean_clustering_coefficient': 0.0, 'mean_shortest_path': None,\n"
        "             'in_degree': degree, 'out_degree': degree, 'triadic_census': {'003': 0},\n"
        "             'strongest_subnetwork': part, 'paths': {'exact': True}}).savefig(sys.argv[1])\n"
        "assert 'matplotlib.pyplot' not in sys.modules, 'pyplot'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "figure.png")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
