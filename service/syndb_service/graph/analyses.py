"""Each analysis: its stages, what it finds, and what its figures mean."""

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
from syndb_service.graph.paths.path_lengths import MOST_HOPS, reachability, reachability_from
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
        What it does after the graph is there, with each stage's share of the work.
    run : callable
        Takes the study and returns the part of the answer that is this analysis's.
    definitions : mapping of str to str
        What each figure of that part means, and where its definition comes from.
    """

    stages: Mapping[str, float]
    run: Callable[[AnalysisContext], dict[str, Any]]
    definitions: Mapping[str, str]


def motifs(study: AnalysisContext) -> dict[str, Any]:
    """Count the 16 motifs."""
    return {"triadic_census": triadic_census(study.connectome, study.triangles)}


def hubs(study: AnalysisContext) -> dict[str, Any]:
    """Name the hubs, and the strongest connections around them."""
    study.stages.begin("hubs")
    most = study.options["top_hubs"]
    return {
        "hubs": describe_hubs(study.connectome, study.degrees, most),
        "strongest_subnetwork": strongest_subnetwork(study.connectome, study.degrees, most),
    }


def compute_reachability(study: AnalysisContext) -> dict[str, Any]:
    """Measure how many neurons are reached within k hops, from one neuron or on average."""
    study.stages.begin("reachability")
    most, source = study.options.get("max_hops") or MOST_HOPS, study.options.get("source")
    if source is not None:
        return {"reachability": reachability_from(study.connectome, study.find_neuron(source), most)}
    return {"reachability": reachability(study.connectome, study.options["seed"], study.crew, most)}


def compute_rich_club(study: AnalysisContext) -> dict[str, Any]:
    """Measure the rich club."""
    study.stages.begin("rich club")
    found = rich_club(
        study.connectome,
        study.degrees,
        study.sample_count(RICH_CLUB_SAMPLES),
        study.options["seed"],
        keep_reciprocity=study.options.get("keep_reciprocity", False),
        crew=study.crew,
    )
    return {"rich_club": found}


def compute_communities(study: AnalysisContext) -> dict[str, Any]:
    """Find communities, and compare them with a column of ``neurons`` where that is asked for."""
    graph, found = study.connectome, study.communities
    answer: dict[str, Any] = {
        "count": found.count,
        "modularity": found.modularity,
        "resolution": study.options.get("resolution", 1.0),
        "seed": study.options["seed"],
        "sizes": np.bincount(found.labels, minlength=found.count).tolist(),
        "adjacency": adjacency_sketch(graph, found.labels),
    }
    column = study.options.get("column")
    if column is not None and study.con is not None:
        neurons = load_neurons(study.con, study.dataset_id, column)
        names = neurons.column[np.searchsorted(neurons.ids, graph.neuron_ids)].tolist()
        answer["agreement"] = {"column": column, **agreement(found.labels, names)}
    return {"communities": answer}


def compute_shortest_path(study: AnalysisContext) -> dict[str, Any]:
    """Find the shortest path between two neurons."""
    study.stages.begin("shortest path")
    source, target = (study.find_neuron(study.options[end]) for end in ("source", "target"))
    weight = study.options.get("weight", "hops")
    return {"shortest_path": shortest_path(study.connectome, source, target, weight)}


def significance(study: AnalysisContext) -> dict[str, Any]:
    """Compare the motifs with those of rewired graphs."""
    study.stages.begin("rewired graphs")
    found = motif_significance(
        study.connectome,
        study.options.get("samples") or SIGNIFICANCE_SAMPLES,
        study.options["seed"],
        keep_reciprocity=study.options.get("keep_reciprocity", False),
        crew=study.crew,
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
"""Every analysis but ``full``, which consists of them."""

ALWAYS = ("metrics", "motifs", "reachability", "hubs", "communities", "rich_club")
ASKED_BY = {
    "shortest_path": ("target",),
    "compare": ("by", "other_dataset_id"),
    "motif_significance": ("samples",),
}
"""The analyses that ``full`` holds where one of these options is given: they need it, or take minutes."""


def parts_of(analysis: str, options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return which analyses one consists of.

    Examples
    --------
    >>> parts_of("hubs", {}), len(parts_of("full", {}))
    (('hubs',), 6)
    >>> parts_of("full", {"source": "ASEL", "target": "DA1"})[6:]
    ('shortest_path',)
    """
    if analysis != "full":
        return (analysis,)
    asked = (part for part, names in ASKED_BY.items() if any(options.get(name) for name in names))
    return (*ALWAYS, *asked)
