"""A graph job's answer: the graph, what was asked of it, and everything needed to cite and repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from syndb_service.domain.graph.memory_budget import GraphBudget
from syndb_service.domain.graph.selection import Selection
from syndb_service.graph.analyses import ANALYSES, READING, parts_of
from syndb_service.graph.analysis_context import AnalysisContext
from syndb_service.graph.definitions import GRAPH, NEURON_TABLE, SIZE
from syndb_service.graph.global_measures import size
from syndb_service.graph.model.connectome import Connectome
from syndb_service.graph.model.loader import load_connectome
from syndb_service.graph.model.size_check import check_size
from syndb_service.graph.neuron_table import STAGES as TABLE_STAGES
from syndb_service.graph.progress import Progress, StageProgress

if TYPE_CHECKING:
    import duckdb


NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})
SAMPLED = {"rich club", "rewired graphs"}
WORK_OF_A_SAMPLE = 2.0  # of these stages, in the unit of the others


def analyze(
    con: duckdb.DuckDBPyConnection,
    dataset: Mapping[str, Any],
    analysis: str,
    options: Mapping[str, Any],
    progress: Progress,
    *,
    threads: int = 1,
    memory_bytes: int | None = None,
    fits: bool = False,
) -> tuple[dict[str, Any], AnalysisContext]:
    """Read a dataset's graph and analyse it.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        Has the views ``neurons``, ``synapses`` and ``neuron_relations``.
    dataset : mapping
        What the dataset says of itself: ``id``, ``name``, ``title``, ``version``, ``citation`` …
    analysis : str
        ``full`` or a key of ``ANALYSES``.
    options : mapping
        Of the job.
    progress : callable
        Is told the stage and the fraction of the whole analysis that is done, which never falls.
    threads : int
        How many may work at a time; the answer is the same with any number.
    memory_bytes : int, optional
        What the job may use.
    fits : bool
        Whether it is known that there is room for the graph, so that nothing is counted first.

    Returns
    -------
    dict, Study
        The answer, ready for JSON: the same graph and options give the same bytes. Undefined figures are
        None, ids of neurons are strings, and ``definitions`` says what each figure means. And the study, for
        whoever wants figures neuron by neuron.

    Raises
    ------
    GraphTooLarge, EmptyGraph, UnknownNeuron
        What the user has to change.
    """
    selection = Selection.of(options)
    stages = StageProgress(progress, stages_of(analysis, options))
    stages.begin("reading synapses")
    other = options.get("other_dataset_id")
    room = (
        None
        if fits
        else GraphBudget(options.get("max_edges"), memory_bytes, graphs=1 if other is None else 2)
    )
    if other is not None and room is not None:
        check_size(con, other, selection, room)
    connectome = load_connectome(
        con,
        str(dataset["id"]),
        selection,
        room,
        building=lambda: stages.begin("building the graph"),
    )
    study = AnalysisContext(connectome, options, stages, threads, con, str(dataset["id"]))
    answer = {
        "analysis": analysis,
        "dataset": dict(dataset),
        "options": dict(options),
        "filters": selection.to_options(),
        "dropped": asdict(connectome.dropped),
        **run_analyses(analysis, connectome, study),
        "libraries": {name: version(name) for name in ("duckdb", "numpy", "syndb-lab")},
    }
    return answer, study


def run_analyses(analysis: str, connectome: Connectome, study: AnalysisContext) -> dict[str, Any]:
    """Return what the analysis finds, and what its figures mean."""
    answer: dict[str, Any] = size(connectome)
    meanings = {"graph": GRAPH, **SIZE}
    for part in parts_of(analysis, study.options):
        answer |= ANALYSES[part].run(study)
        meanings |= ANALYSES[part].definitions
    if study.options.get("node_table"):
        meanings |= NEURON_TABLE
    return {**answer, "definitions": meanings}


def stages_of(analysis: str, options: Mapping[str, Any] = NO_OPTIONS) -> dict[str, float]:
    """Return the stages of an analysis in their order, with their shares of the work.

    Examples
    --------
    >>> list(stages_of("motifs"))
    ['reading synapses', 'building the graph', 'triadic census']
    """
    stages = dict(READING)
    for part in parts_of(analysis, options):
        stages |= ANALYSES[part].stages
    if options.get("samples") is not None:
        stages |= dict.fromkeys(stages.keys() & SAMPLED, WORK_OF_A_SAMPLE * options["samples"])
    if options.get("node_table"):
        stages = {**stages, **{name: share for name, share in TABLE_STAGES.items() if name not in stages}}
    return stages
