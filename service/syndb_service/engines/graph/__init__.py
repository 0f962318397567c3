"""Graph analyses of a connectome: ``analyse`` makes a job's answer of the parts in ``ANALYSES``."""

from __future__ import annotations

from syndb_service.engines.graph.analyses import ANALYSES
from syndb_service.engines.graph.answer import analyze
from syndb_service.engines.graph.neuron_table import neuron_table

__all__ = ["ANALYSES", "analyze", "neuron_table"]
