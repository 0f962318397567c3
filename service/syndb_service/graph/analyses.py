"""The analyses: their stages, functions and definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from syndb_service.domain.graph.analysis_options import (
    CommunitiesOptions,
    CompareOptions,
    GraphOptions,
    HubsOptions,
    MetricsOptions,
    MotifSignificanceOptions,
    MotifsOptions,
    ReachabilityOptions,
    RichClubOptions,
    ShortestPathOptions,
)
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
from syndb_service.graph.paths.path_lengths import reachability, reachability_from
from syndb_service.graph.paths.shortest_path import shortest_path
from syndb_service.graph.profile_comparison import compare

READING = {"reading synapses": 2.0, "building the graph": 0.4}
RICH_CLUB_SAMPLES = 20


Options = TypeVar("Options", bound=GraphOptions)


@dataclass(frozen=True, slots=True)
class Analysis(Generic[Options]):
    """One analysis.

    Parameters
    ----------
    options : type
        The class of its options, which also names the analysis.
    stages : mapping of str to float
        The stages after the graph is built, with each stage's share of the work.
    run : callable
        Receives the analysis context and the options, and returns this analysis's keys of the answer.
    definitions : mapping of str to str
        The meaning of each measure, with its source.
    """

    options: type[Options]
    stages: Mapping[str, float]
    run: Callable[[AnalysisContext, Options], dict[str, Any]]
    definitions: Mapping[str, str]


def motifs(context: AnalysisContext, options: MotifsOptions) -> dict[str, Any]:
    """Count the 16 motifs."""
    return {"triadic_census": triadic_census(context.connectome, context.triangles)}


def hubs(context: AnalysisContext, options: HubsOptions) -> dict[str, Any]:
    """Return the hubs and their strongest connections."""
    context.stages.begin("hubs")
    return {
        "hubs": describe_hubs(context.connectome, context.degrees, options.top_hubs),
        "strongest_subnetwork": strongest_subnetwork(context.connectome, context.degrees, options.top_hubs),
    }


def compute_reachability(context: AnalysisContext, options: ReachabilityOptions) -> dict[str, Any]:
    """Measure the neurons reached within k hops, from one neuron or on average."""
    context.stages.begin("reachability")
    graph, max_hops = context.connectome, options.max_hops
    if options.source is not None:
        return {"reachability": reachability_from(graph, context.find_neuron(options.source), max_hops)}
    return {"reachability": reachability(graph, options.seed, context.thread_pool, max_hops)}


def compute_rich_club(context: AnalysisContext, options: RichClubOptions) -> dict[str, Any]:
    """Measure the rich club."""
    context.stages.begin("rich club")
    found = rich_club(
        context.connectome,
        context.degrees,
        options.samples or context.count_affordable_samples(RICH_CLUB_SAMPLES),
        options.seed,
        keep_reciprocity=options.keep_reciprocity,
        thread_pool=context.thread_pool,
    )
    return {"rich_club": found}


def compute_communities(context: AnalysisContext, options: CommunitiesOptions) -> dict[str, Any]:
    """Find communities, and compare them with a column of ``neurons`` if requested."""
    graph, found = context.connectome, context.communities
    answer: dict[str, Any] = {
        "count": found.count,
        "modularity": found.modularity,
        "resolution": options.resolution,
        "seed": options.seed,
        "sizes": np.bincount(found.labels, minlength=found.count).tolist(),
        "adjacency": adjacency_sketch(graph, found.labels),
    }
    column = options.column
    if column is not None and context.con is not None:
        neurons = load_neurons(context.con, context.dataset_id, column)
        names = neurons.column[np.searchsorted(neurons.ids, graph.neuron_ids)].tolist()
        answer["agreement"] = {"column": column, **agreement(found.labels, names)}
    return {"communities": answer}


def compute_shortest_path(context: AnalysisContext, options: ShortestPathOptions) -> dict[str, Any]:
    """Find the shortest path between two neurons."""
    context.stages.begin("shortest path")
    source, target = (context.find_neuron(end) for end in (options.source, options.target))
    return {"shortest_path": shortest_path(context.connectome, source, target, options.weight)}


def significance(context: AnalysisContext, options: MotifSignificanceOptions) -> dict[str, Any]:
    """Compare the motifs with those of rewired graphs."""
    context.stages.begin("rewired graphs")
    found = motif_significance(
        context.connectome,
        options.samples,
        options.seed,
        keep_reciprocity=options.keep_reciprocity,
        thread_pool=context.thread_pool,
    )
    census = {name: motif["count"] for name, motif in found["motifs"].items()}
    return {"triadic_census": census, "motif_significance": found}


_ALL: tuple[Analysis[Any], ...] = (
    Analysis(
        MetricsOptions,
        {"components": 0.3, "triadic census": 1.0, "shortest paths": 1.0},
        metrics,
        definitions.METRICS,
    ),
    Analysis(MotifsOptions, {"triadic census": 1.0}, motifs, definitions.MOTIFS),
    Analysis(ReachabilityOptions, {"reachability": 1.0}, compute_reachability, definitions.REACHABILITY),
    Analysis(HubsOptions, {"hubs": 0.3}, hubs, definitions.HUBS),
    Analysis(CommunitiesOptions, {"communities": 2.0}, compute_communities, definitions.COMMUNITIES),
    Analysis(RichClubOptions, {"rich club": 4.0}, compute_rich_club, definitions.RICH_CLUB),
    Analysis(ShortestPathOptions, {"shortest path": 1.0}, compute_shortest_path, definitions.SHORTEST_PATH),
    Analysis(MotifSignificanceOptions, {"rewired graphs": 200.0}, significance, definitions.SIGNIFICANCE),
    Analysis(CompareOptions, {"comparing": 2.0}, compare, definitions.COMPARE),
)
ANALYSES = {analysis.options.analysis: analysis for analysis in _ALL}
"""Every analysis except ``full``, which runs several of them."""
