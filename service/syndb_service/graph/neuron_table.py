"""The measures of every neuron as an Arrow table: one row each, by ascending id."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from syndb_service.graph.analysis_context import AnalysisContext
from syndb_service.graph.measures.centrality import core_numbers, page_rank
from syndb_service.graph.measures.clustering import directed_clustering
from syndb_service.graph.paths.path_lengths import reachable

STAGES = {"triadic census": 1.0, "communities": 2.0, "neuron table": 2.0}
"""Stages of the table, with their shares of the work; the analysis may already have done some."""


def neuron_table(context: AnalysisContext) -> pa.Table:
    """Return the measures of every neuron of the graph.

    Returns
    -------
    pyarrow.Table
        ``neuron_id`` (int64, exact) and one row for each, ascending; ``name``, ``cell_class`` and
        ``neurotransmitter`` (null where unknown); ``degree`` in connections, ``in_degree`` and ``out_degree``
        in partners;
        ``strength``, ``in_strength`` and ``out_strength`` in synapses; ``clustering``, ``pagerank``,
        ``community`` (0 the largest), ``core_number``; ``neurons_reached``, the other neurons at the end of a
        directed path, and ``reachability``, their share of all others (null where there are no others).

    Examples
    --------
    >>> from syndb_service.domain.graph.analysis_options import HubsOptions
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> from syndb_service.graph.progress import StageProgress
    >>> stages = StageProgress(lambda name, fraction: None, STAGES)
    >>> graph = connectome_from_edges(3, [(0, 1), (1, 0), (1, 2)])
    >>> table = neuron_table(AnalysisContext(graph, HubsOptions(), stages))
    >>> table.select(["neuron_id", "degree", "core_number", "neurons_reached"]).to_pylist()[1]
    {'neuron_id': 1, 'degree': 3, 'core_number': 2, 'neurons_reached': 2}
    """
    graph, degrees = context.connectome, context.degrees
    clustering = directed_clustering(graph, degrees, context.triangles)
    communities = context.communities.labels
    context.stages.begin("neuron table")
    reached = reachable(graph, context.strong, context.thread_pool)
    others = graph.neuron_count - 1
    return pa.table(
        {
            "neuron_id": pa.array(graph.neuron_ids, pa.int64()),
            "name": pa.array(graph.names.tolist(), pa.string()),
            "cell_class": pa.array(graph.cell_classes.tolist(), pa.string()),
            "neurotransmitter": pa.array(graph.neurotransmitters.tolist(), pa.string()),
            "degree": degrees.total,
            "in_degree": degrees.in_degree,
            "out_degree": degrees.out_degree,
            "strength": degrees.in_strength + degrees.out_strength,
            "in_strength": degrees.in_strength,
            "out_strength": degrees.out_strength,
            "clustering": clustering,
            "pagerank": page_rank(graph),
            "community": communities,
            "core_number": core_numbers(graph),
            "neurons_reached": reached,
            "reachability": pa.array(
                reached / max(others, 1), pa.float64(), mask=np.full(len(reached), others < 1)
            ),
        }
    )
