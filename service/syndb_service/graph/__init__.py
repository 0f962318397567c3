"""Graph analyses of a connectome: ``ANALYSES`` is their catalog, and one call makes a job's answer.

``child`` imports it. The layers inside, from the analyses down to the C kernels, are a contract of their own.
"""

from __future__ import annotations

from syndb_service.graph.analyses import ANALYSES
from syndb_service.graph.analyze import analyze
from syndb_service.graph.neuron_table import neuron_table

__all__ = ["ANALYSES", "analyze", "neuron_table"]
