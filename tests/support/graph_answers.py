"""Answers of graph analyses, computed on small graphs."""

from __future__ import annotations

from typing import Any

from syndb_service.domain.graph.analysis_options import read_options
from syndb_service.graph.analysis_context import AnalysisContext
from syndb_service.graph.analyze import run_analyses, stages_of
from syndb_service.graph.model.connectome import connectome_from_edges
from syndb_service.graph.progress import StageProgress
from tests.support.graph_shapes import SHAPES

OPTIONS = {"top_hubs": 5, "seed": 0, "samples": 3, "source": "0", "target": "1", "min_synapses": 1}
DATASET = {"id": "d", "name": "a_$made$_up_one", "title": "", "version": "", "citation": "", "doi": ""}


def answer(analysis: str, shape: str, **more: Any) -> dict[str, Any]:
    graph, options = connectome_from_edges(*SHAPES[shape]), read_options(analysis, OPTIONS | more)
    stages = StageProgress(lambda name, fraction: None, stages_of(options))
    found = run_analyses(AnalysisContext(graph, options, stages, dataset_id="d"))
    return {"analysis": analysis, "dataset": DATASET, **found}
