"""The figures that describe a graph as a whole."""

from __future__ import annotations

from typing import Any

from syndb_service.graph.analysis_context import AnalysisContext
from syndb_service.graph.measures import clustering
from syndb_service.graph.measures.degrees import Degrees, density, distribution, reciprocity
from syndb_service.graph.model.connectome import Connectome
from syndb_service.graph.paths.path_lengths import shortest_paths


def size(connectome: Connectome) -> dict[str, int]:
    """Return how many neurons, connections and synapses there are; every answer begins with them."""
    return {
        "neuron_count": connectome.neuron_count,
        "connection_count": connectome.connection_count,
        "synapse_count": connectome.synapse_total,
    }


def profile(connectome: Connectome, degrees: Degrees) -> dict[str, Any]:
    """Return density, reciprocity and the distributions of degrees and strengths."""
    return {
        "density": density(connectome),
        "reciprocity": reciprocity(connectome),
        "in_degree": distribution(degrees.in_degree),
        "out_degree": distribution(degrees.out_degree),
        "in_strength": distribution(degrees.in_strength),
        "out_strength": distribution(degrees.out_strength),
    }


def metrics(study: AnalysisContext) -> dict[str, Any]:
    """Measure density, reciprocity, degrees, components, clustering and shortest paths."""
    graph = study.connectome
    study.stages.begin("components")
    answer = profile(graph, study.degrees)
    for name, found in (("weakly", study.weak), ("strongly", study.strong)):
        answer[f"{name}_connected_components"] = {"count": found.count, "largest": found.largest}
    directed = clustering.directed_clustering(graph, study.degrees, study.triangles)
    undirected = clustering.undirected_clustering(graph, study.triangles)
    study.stages.begin("shortest paths")
    paths = shortest_paths(graph, study.strong.members, study.options["seed"], study.crew)
    return {
        **answer,
        "mean_clustering_coefficient": clustering.mean(directed),
        "mean_clustering_coefficient_undirected": clustering.mean(undirected),
        "mean_shortest_path": paths.pop("mean_shortest_path"),
        "diameter": paths.pop("diameter"),
        "paths": paths,
    }
