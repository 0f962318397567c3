"""The analyses: their stages, functions and definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from syndb_service.graph import definitions
from syndb_service.graph.analysis_context import AnalysisContext
from syndb_service.graph.global_measures import metrics
from syndb_service.graph.measures.adjacency_matrix import adjacency_sketch
from syndb_service.graph.measures.communities import agreement
from syndb_service.graph.measures.hub_subnetwork import strongest_subnetwork
from syndb_service.graph.measures.hubs import describe_hubs
from syndb_service.graph.measures.triad_census import triadic_census
from syndb_service.graph.model.loader import load_neurons
from syndb_service.graph.null_models.motif_significance import motif_significance
from syndb_service.graph.null_models.rich_club import rich_club
from syndb_service.graph.paths.path_lengths import MAX_HOPS, reachability, reachability_from
from syndb_service.graph.paths.shortest_path import shortest_path
from syndb_service.graph.profile_comparison import compare

READING = {"reading synapses": 2.0, "building the graph": 0.4}
SIGNIFICANCE_SAMPLES = 100
RICH_CLUB_SAMPLES = 20


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysis.

    Parameters
    ----------
    stages : mapping of str to float
        The stages after the graph is built, with each stage's share of the work.
    run : callable
        Receives the analysis context and returns this analysis's keys of the answer.
    definitions : mapping of str to str
        The meaning of each measure, with its source.
    """

    stages: Mapping[str, float]
    run: Callable[[AnalysisContext], dict[str, Any]]
    definitions: Mapping[str, str]


def motifs(context: AnalysisContext) -> dict[str, Any]:
    """Count the 16 motifs."""
    return {"triadic_census": triadic_census(context.connectome, context.triangles)}


def hubs(context: AnalysisContext) -> dict[str, Any]:
    """Return the hubs and their strongest connections."""
    context.stages.begin("hubs")
    top_hubs = context.options["top_hubs"]
    return {
        "hubs": describe_hubs(context.connectome, context.degrees, top_hubs),
        "strongest_subnetwork": strongest_subnetwork(context.connectome, context.degrees, top_hubs),
    }


def compute_reachability(context: AnalysisContext) -> dict[str, Any]:
    """Measure the neurons reached within k hops, from one neuron or on average."""
    context.stages.begin("reachability")
    max_hops, source = context.options.get("max_hops") or MAX_HOPS, context.options.get("source")
    if source is not None:
        return {"reachability": reachability_from(context.connectome, context.find_neuron(source), max_hops)}
    return {
        "reachability": reachability(
            context.connectome, context.options["seed"], context.thread_pool, max_hops
        )
    }


def compute_rich_club(context: AnalysisContext) -> dict[str, Any]:
    """Measure the rich club."""
    context.stages.begin("rich club")
    found = rich_club(
        context.connectome,
        context.degrees,
        context.sample_count(RICH_CLUB_SAMPLES),
        context.options["seed"],
        keep_reciprocity=context.options.get("keep_reciprocity", False),
        thread_pool=context.thread_pool,
    )
    return {"rich_club": found}


def compute_communities(context: AnalysisContext) -> dict[str, Any]:
    """Find communities, and compare them with a column of ``neurons`` if requested."""
    graph, found = context.connectome, context.communities
    answer: dict[str, Any] = {
        "count": found.count,
        "modularity": found.modularity,
        "resolution": context.options.get("resolution", 1.0),
        "seed": context.options["seed"],
        "sizes": np.bincount(found.labels, minlength=found.count).tolist(),
        "adjacency": adjacency_sketch(graph, found.labels),
    }
    column = context.options.get("column")
    if column is not None and context.con is not None:
        neurons = load_neurons(context.con, context.dataset_id, column)
        names = neurons.column[np.searchsorted(neurons.ids, graph.neuron_ids)].tolist()
        answer["agreement"] = {"column": column, **agreement(found.labels, names)}
    return {"communities": answer}


def compute_shortest_path(context: AnalysisContext) -> dict[str, Any]:
    """Find the shortest path between two neurons."""
    context.stages.begin("shortest path")
    source, target = (context.find_neuron(context.options[end]) for end in ("source", "target"))
    weight = context.options.get("weight", "hops")
    return {"shortest_path": shortest_path(context.connectome, source, target, weight)}


def significance(context: AnalysisContext) -> dict[str, Any]:
    """Compare the motifs with those of rewired graphs."""
    context.stages.begin("rewired graphs")
    found = motif_significance(
        context.connectome,
        context.options.get("samples") or SIGNIFICANCE_SAMPLES,
        context.options["seed"],
        keep_reciprocity=context.options.get("keep_reciprocity", False),
        thread_pool=context.thread_pool,
    )
    census = {name: motif["count"] for name, motif in found["motifs"].items()}
    return {"triadic_census": census, "motif_significance": found}


ANALYSES: dict[str, Analysis] = {
    "metrics": Analysis(
        {"components": 0.3, "triadic census": 1.0, "shortest paths": 1.0}, metrics, definitions.METRICS
    ),
    "motifs": Analysis({"triadic census": 1.0}, motifs, definitions.MOTIFS),
    "reachability": Analysis({"reachability": 1.0}, compute_reachability, definitions.REACHABILITY),
    "hubs": Analysis({"hubs": 0.3}, hubs, definitions.HUBS),
    "communities": Analysis({"communities": 2.0}, compute_communities, definitions.COMMUNITIES),
    "rich_club": Analysis({"rich club": 4.0}, compute_rich_club, definitions.RICH_CLUB),
    "shortest_path": Analysis({"shortest path": 1.0}, compute_shortest_path, definitions.SHORTEST_PATH),
    "motif_significance": Analysis({"rewired graphs": 200.0}, significance, definitions.SIGNIFICANCE),
    "compare": Analysis({"comparing": 2.0}, compare, definitions.COMPARE),
}
"""Every analysis except ``full``, which runs several of them."""

ALWAYS = ("metrics", "motifs", "reachability", "hubs", "communities", "rich_club")
REQUIRED_OPTIONS = {
    "shortest_path": ("target",),
    "compare": ("by", "other_dataset_id"),
    "motif_significance": ("samples",),
}
"""Analyses that ``full`` runs only if one of these options is given: they need it, or take minutes."""


def parts_of(analysis: str, options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the analyses that an analysis consists of.

    Examples
    --------
    >>> parts_of("hubs", {}), len(parts_of("full", {}))
    (('hubs',), 6)
    >>> parts_of("full", {"source": "ASEL", "target": "DA1"})[6:]
    ('shortest_path',)
    """
    if analysis != "full":
        return (analysis,)
    optional = (part for part, names in REQUIRED_OPTIONS.items() if any(options.get(name) for name in names))
    return (*ALWAYS, *optional)
