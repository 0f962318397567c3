"""The answer of a graph job: its measures, and everything needed to cite and repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from syndb_service.domain.graph.analysis_options import CompareOptions, GraphOptions, RewiringOptions
from syndb_service.domain.graph.memory_budget import GraphBudget
from syndb_service.graph.analyses import ANALYSES, READING
from syndb_service.graph.analysis_context import AnalysisContext
from syndb_service.graph.definitions import GRAPH, NEURON_TABLE, SIZE
from syndb_service.graph.global_measures import size
from syndb_service.graph.model.loader import load_connectome
from syndb_service.graph.model.size_check import check_size
from syndb_service.graph.neuron_table import STAGES as TABLE_STAGES
from syndb_service.graph.progress import Progress, StageProgress

if TYPE_CHECKING:
    import duckdb


WORK_OF_A_SAMPLE = 2.0  # work of one rewired graph, in the unit of the stage weights


def analyze(
    con: duckdb.DuckDBPyConnection,
    dataset: Mapping[str, Any],
    options: GraphOptions,
    progress: Progress,
    *,
    threads: int = 1,
    memory_bytes: int | None = None,
    fits: bool = False,
) -> tuple[dict[str, Any], AnalysisContext]:
    """Load the graph of a dataset and analyze it.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        A connection with the views ``neurons``, ``synapses`` and ``neuron_relations``.
    dataset : mapping
        The dataset's ``id``, ``name``, ``title``, ``version``, ``citation`` …
    options : GraphOptions
        The options of the job; their class names the analysis.
    progress : callable
        Receives the stage and the fraction done of the whole analysis, which never decreases.
    threads : int
        Maximum number of threads; the answer doesn't depend on it.
    memory_bytes : int, optional
        Memory limit of the job.
    fits : bool
        Whether the graph is known to fit its budget, so that no connections are counted.

    Returns
    -------
    dict
        The answer, ready for JSON: the same graph and options give the same bytes. Undefined measures are
        None, ids of neurons are strings, and ``definitions`` explains each measure.
    AnalysisContext
        The intermediate results, for measures of single neurons.

    Raises
    ------
    GraphTooLarge, EmptyGraph, UnknownNeuron
        If the user must change the filters or options.
    """
    selection = options.selection
    stages = StageProgress(progress, stages_of(options))
    stages.begin("reading synapses")
    other = options.other_dataset_id if isinstance(options, CompareOptions) else None
    budget = None if fits else GraphBudget(options.max_edges, memory_bytes, graphs=1 if other is None else 2)
    if other is not None and budget is not None:
        check_size(con, other, selection, budget)
    connectome = load_connectome(
        con,
        str(dataset["id"]),
        selection,
        budget,
        building=lambda: stages.begin("building the graph"),
    )
    context = AnalysisContext(connectome, options, stages, threads, con, str(dataset["id"]))
    answer = {
        "analysis": options.analysis,
        "dataset": dict(dataset),
        "options": options.to_dict(),
        "filters": selection.to_options(),
        "dropped": asdict(connectome.dropped),
        **run_analyses(context),
        "libraries": {name: version(name) for name in ("duckdb", "numpy", "syndb-lab")},
    }
    return answer, context


def run_analyses(context: AnalysisContext) -> dict[str, Any]:
    """Return the results of the analysis and the definitions of its measures."""
    answer: dict[str, Any] = size(context.connectome)
    meanings = {"graph": GRAPH, **SIZE}
    for part in context.options.parts():
        analysis = ANALYSES[part.analysis]
        answer |= analysis.run(context, part)
        meanings |= analysis.definitions
    if context.options.node_table:
        meanings |= NEURON_TABLE
    return {**answer, "definitions": meanings}


def stages_of(options: GraphOptions) -> dict[str, float]:
    """Return the stages of an analysis in order, with their shares of the work.

    Examples
    --------
    >>> from syndb_service.domain.graph.analysis_options import MotifsOptions
    >>> list(stages_of(MotifsOptions()))
    ['reading synapses', 'building the graph', 'triadic census']
    """
    stages = dict(READING)
    for part in options.parts():
        shares = ANALYSES[part.analysis].stages
        if isinstance(part, RewiringOptions) and part.samples is not None:
            shares = dict.fromkeys(shares, WORK_OF_A_SAMPLE * part.samples)
        stages |= shares
    if options.node_table:
        stages = {**stages, **{name: share for name, share in TABLE_STAGES.items() if name not in stages}}
    return stages
