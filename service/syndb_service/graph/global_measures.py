"""Measures of the whole graph."""

from __future__ import annotations

from typing import Any

from syndb_service.domain.graph.analysis_options import MetricsOptions
from syndb_service.graph.analysis_context import AnalysisContext
from syndb_service.graph.measures import clustering
from syndb_service.graph.measures.degrees import Degrees, density, distribution, reciprocity
from syndb_service.graph.model.connectome import Connectome
from syndb_service.graph.paths.path_lengths import shortest_paths


def size(connectome: Connectome) -> dict[str, int]:
    """Return the numbers of neurons, connections and synapses, with which every answer begins."""
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


def metrics(context: AnalysisContext, options: MetricsOptions) -> dict[str, Any]:
    """Measure density, reciprocity, degrees, components, clustering and shortest paths."""
    graph = context.connectome
    context.stages.begin("components")
    answer = profile(graph, context.degrees)
    for name, found in (("weakly", context.weak), ("strongly", context.strong)):
        answer[f"{name}_connected_components"] = {"count": found.count, "largest": found.largest}
    directed = clustering.directed_clustering(graph, context.degrees, context.triangles)
    undirected = clustering.undirected_clustering(graph, context.triangles)
    context.stages.begin("shortest paths")
    paths = shortest_paths(graph, context.strong.members, options.seed, context.thread_pool)
    return {
        **answer,
        "mean_clustering_coefficient": clustering.mean(directed),
        "mean_clustering_coefficient_undirected": clustering.mean(undirected),
        "mean_shortest_path": paths.pop("mean_shortest_path"),
        "diameter": paths.pop("diameter"),
        "paths": paths,
    }
