"""Shortest paths from neuron to neuron, by hops and by synapses."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syndb_service.domain.graph.analysis_options import HubsOptions
from syndb_service.graph.analysis_context import AnalysisContext
from syndb_service.graph.errors import UnknownNeuron
from syndb_service.graph.model.connectome import connectome_from_edges
from syndb_service.graph.paths.shortest_path import shortest_path
from syndb_service.graph.progress import StageProgress
from tests.support.graph_shapes import Shape, shapes


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(shapes(largest=9).filter(lambda shape: shape[0] > 0), st.data())
def test_paths_are_as_long_as_networkxs(shape: Shape, data: st.DataObject) -> None:
    n, edges = shape
    source, target = (data.draw(st.integers(0, n - 1)) for _ in range(2))
    synapses = {(pre, post): 1 + (3 * pre + 5 * post) % 9 for pre, post in edges}
    theirs = nx.DiGraph()
    theirs.add_nodes_from(range(n))
    theirs.add_weighted_edges_from((pre, post, 1 / count) for (pre, post), count in synapses.items())
    graph = connectome_from_edges(n, edges, [synapses[edge] for edge in edges])
    for weight, theirs_weight in (("hops", None), ("synapses", "weight")):
        found = shortest_path(graph, source, target, weight)
        if not nx.has_path(theirs, source, target):
            assert (found["found"], found["path"], found["hops"]) == (False, [], None)
            continue
        assert found["length"] == pytest.approx(
            nx.shortest_path_length(theirs, source, target, theirs_weight)
        )
        path = [int(neuron["neuron_id"]) for neuron in found["path"]]
        assert (path[0], path[-1], len(path) - 1) == (source, target, found["hops"])
        for step, pre, post in zip(found["connections"], path, path[1:], strict=False):
            assert step == {"pre": str(pre), "post": str(post), "synapse_count": synapses[pre, post]}


def study(names: list[str | None]) -> AnalysisContext:
    graph = connectome_from_edges(len(names), [])
    graph.names[:] = names
    return AnalysisContext(graph, HubsOptions(), StageProgress(lambda name, fraction: None, {}))


def test_neurons_are_found_by_id_or_name() -> None:
    assert study(["AVAL", "AVAR", None]).find_neuron("AVAR") == 1
    assert study(["AVAL", "AVAR", None]).find_neuron("2") == 2
    assert study(["AVAL", "77", None]).find_neuron("77") == 1


@pytest.mark.parametrize(
    ("wanted", "message", "hint"),
    [
        ("AVAX", "no neuron 'AVAX'", "Did you mean 'AVA[LR]'"),
        ("99", "no neuron '99'", "SELECT neuron_id, name FROM neurons"),
        ("twice", "2 neurons of the graph are called 'twice'", "Give an id: 2, 3"),
        ("9" * 40, "no neuron", "SELECT"),
    ],
)
def test_a_neuron_that_is_not_there(wanted: str, message: str, hint: str) -> None:
    with pytest.raises(UnknownNeuron, match=message) as refused:
        study(["AVAL", "AVAR", "twice", "twice"]).find_neuron(wanted)
    assert pytest.importorskip("re").search(hint, str(refused.value.hint))
