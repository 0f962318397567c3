"""Compares the profiles of two datasets, or of the parts of one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from syndb_service.domain.graph.analysis_options import CompareOptions
from syndb_service.domain.graph.connection_sql import groups_sql, parameters
from syndb_service.graph.analysis_context import AnalysisContext
from syndb_service.graph.global_measures import profile, size
from syndb_service.graph.measures.degrees import count_degrees, distribution
from syndb_service.graph.measures.triad_census import TRIADS, triadic_census
from syndb_service.graph.measures.triangles import enumerate_triangles
from syndb_service.graph.model.connectome import Connectome, Counts, Index, sort_by_row
from syndb_service.graph.model.loader import ends, load_connectome, load_neurons

CONNECTED = TRIADS[3:]
MAX_PARTS = 100


def compare(context: AnalysisContext, options: CompareOptions) -> dict[str, Any]:
    """Describe each graph by its motifs and degrees, and compute the similarity of every two.

    With ``other_dataset_id`` two datasets are compared; with ``by`` the parts of one: its selected
    connections, divided by the neurotransmitter or the brain structure of their synapses. The neurons of a
    part are those with a connection in it, so that parts of different sizes are comparable.
    """
    context.stages.begin("comparing")
    other, by = options.other_dataset_id, options.by
    graphs = {context.dataset_id: context.connectome}
    unknown = {"connections": 0, "parts_left_out": 0}
    if other is not None and context.con is not None:
        graphs[other] = load_connectome(context.con, other, context.options.selection, lenient=True)
    elif by is not None and context.con is not None:
        graphs, unknown = _parts(context, context.con, by)
    found = context.thread_pool.map(_profile, list(graphs.values()))
    parts = [{"name": name, **measured} for name, measured in zip(graphs, found, strict=True)]
    if by is None:
        for part, graph in zip(parts, graphs.values(), strict=True):
            part["dropped"] = asdict(graph.dropped)
    return {
        "compare": {
            "by": by or "dataset",
            "parts": parts,
            "left_out": unknown,
            "motif_similarity": _matrix(parts, _cosine),
            "degree_distance": _matrix(parts, _degree_distance),
        }
    }


def _parts(context: AnalysisContext, con: Any, by: str) -> tuple[dict[str, Connectome], dict[str, int]]:
    """Divide the connections by an attribute of their synapses, the largest part first."""
    selection, graph = context.options.selection, context.connectome
    rows = con.execute(groups_sql(by, selection), parameters(context.dataset_id, selection)).fetchnumpy()
    neurons = load_neurons(con, context.dataset_id)
    here = np.searchsorted(neurons.ids, graph.neuron_ids)
    may_send, may_receive = (np.append(allowed[here], False) for allowed in ends(neurons, selection))
    names = np.array(np.ma.asarray(rows["part"], object).tolist(), object)
    pre, post = (_node_indices(graph, np.asarray(rows[end], np.int64)) for end in ("pre", "post"))
    synapses = np.asarray(rows["synapses"], np.int64)
    inside = may_send[pre] & may_receive[post] & (pre != post) & (synapses >= selection.min_synapses)
    known = inside & np.array([name is not None and name != "" for name in names], np.bool_)
    distinct, part = np.unique(names[known].astype(str), return_inverse=True)
    largest = np.argsort(-np.bincount(part, minlength=len(distinct)), kind="stable")
    shown = {
        str(distinct[number]): _part(graph, pre, post, synapses, np.flatnonzero(known)[part == number])
        for number in largest[:MAX_PARTS].tolist()
    }
    left = {
        "connections": int(np.count_nonzero(inside & ~known)),
        "parts_left_out": max(len(distinct) - MAX_PARTS, 0),
    }
    return shown, left


def _node_indices(graph: Connectome, ids: Counts) -> Index:
    """Return the positions of neurons in the graph; -1 for those that are not in it."""
    if not graph.neuron_count:
        return np.full(len(ids), -1, np.int32)
    places = np.minimum(np.searchsorted(graph.neuron_ids, ids), graph.neuron_count - 1)
    return np.where(graph.neuron_ids[places] == ids, places, -1).astype(np.int32)


def _part(graph: Connectome, pre: Index, post: Index, synapses: Counts, rows: Counts) -> Connectome:
    used = np.unique(np.concatenate([pre[rows], post[rows]]))
    before, after = (np.searchsorted(used, end[rows]).astype(np.int32) for end in (pre, post))
    ordered = sort_by_row(len(used), before, after, synapses[rows])
    return Connectome(
        neuron_ids=graph.neuron_ids[used],
        names=graph.names[used],
        cell_classes=graph.cell_classes[used],
        neurotransmitters=graph.neurotransmitters[used],
        pre=ordered.pre,
        post=ordered.post,
        synapse_count=ordered.synapse_count,
        start=ordered.start,
    )


def _profile(graph: Connectome) -> dict[str, Any]:
    degrees = count_degrees(graph)
    census = triadic_census(graph, enumerate_triangles(graph, by_neuron=False))
    connected = sum(census[name] for name in CONNECTED)
    return {
        **size(graph),
        **profile(graph, degrees),
        "total_degree": distribution(degrees.total),
        "triadic_census": census,
        "motif_shares": {name: census[name] / connected if connected else None for name in CONNECTED},
    }


def _matrix(parts: list[dict[str, Any]], compare_pair: Any) -> list[list[float | None]]:
    return [[compare_pair(part, other) for other in parts] for part in parts]


def _cosine(part: dict[str, Any], other: dict[str, Any]) -> float | None:
    """Return the cosine of the angle between two profiles of the 13 connected motifs."""
    first, second = (
        np.array([profile["triadic_census"][name] for name in CONNECTED], float) for profile in (part, other)
    )
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return min(float(first @ second) / lengths, 1.0) if lengths else None


def _degree_distance(part: dict[str, Any], other: dict[str, Any]) -> float | None:
    """Return the largest gap between two distributions of total degree (Kolmogorov-Smirnov)."""
    distributions = [profile["total_degree"]["distribution"] for profile in (part, other)]
    if not all(distribution["values"] for distribution in distributions):
        return None
    values = np.unique(np.concatenate([distribution["values"] for distribution in distributions]))
    first, second = (_shares(distribution, values) for distribution in distributions)
    return float(np.abs(first - second).max())


def _shares(distribution: dict[str, Any], values: Counts) -> npt.NDArray[np.float64]:
    positions = np.searchsorted(distribution["values"], values, side="right")
    cumulated = np.append(0, np.cumsum(distribution["counts"]))
    shares: npt.NDArray[np.float64] = cumulated[positions] / cumulated[-1]
    return shares
