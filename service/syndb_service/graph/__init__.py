"""Graph analyses of a connectome: ``ANALYSES`` lists them, and ``analyze`` computes the answer of a job.

``child`` imports it. Its own layers, from the analyses down to the C kernels, are a separate contract.
"""

from syndb_service.graph.analyses import ANALYSES
from syndb_service.graph.analyze import analyze
from syndb_service.graph.neuron_table import neuron_table

__all__ = ["ANALYSES", "analyze", "neuron_table"]
