"""Each analysis alone is drawn, for every kind of graph, without a warning."""

from __future__ import annotations

import io
from typing import Any

import pytest

from syndb_lab.plots import draw
from syndb_service.graph.analyses import ANALYSES
from tests.support.graph_answers import answer


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("shape", ["heavy-tailed", "two neurons apart", "directed line"])
@pytest.mark.parametrize("analysis", ANALYSES)
def test_it_is_drawn(analysis: str, shape: str) -> None:
    figure, file = draw(answer(analysis, shape)), io.BytesIO()
    figure.savefig(file, format="png", dpi=30)
    assert file.getvalue().startswith(b"\x89PNG")
    assert len(figure.axes) >= 1


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("shape", ["empty", "one neuron", "two-cycle"])
def test_all_of_a_tiny_graph_is_drawn(shape: str) -> None:
    found = answer("full", shape, source=None, target=None)
    draw(found).savefig(io.BytesIO(), format="png", dpi=20)
    texts = [text.get_text() for text in draw({**found, "dataset": {"id": ""}}).texts]
    assert texts[0] == "Connectome"
    assert texts[-1] == ""


def titles(figure: Any) -> list[str]:
    return [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]


def test_each_analysis_shows_its_own_panels() -> None:
    assert titles(draw(answer("motif_significance", "medium"))) == ["Motifs against chance"]
    assert titles(draw(answer("communities", "medium"))) == ["Communities"]
    assert titles(draw(answer("rich_club", "heavy-tailed"))) == ["Rich club"]


@pytest.mark.slow
def test_the_whole_page_has_them_all() -> None:
    assert titles(draw(answer("full", "heavy-tailed", source=None, target=None, samples=None))) == [
        "Degree distribution",
        "The strongest connections around the hubs",
        "The 16 motifs of three neurons",
        "Reachability",
        "Rich club",
        "Communities",
    ]


def test_a_path_names_its_neurons_and_their_synapses() -> None:
    texts = [text.get_text() for text in draw(answer("shortest_path", "directed line")).axes[0].texts]
    assert texts == ["", "1 synapse", "0", "1"]
