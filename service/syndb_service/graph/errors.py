"""Errors of graph jobs."""

from __future__ import annotations

from syndb_service.errors import UsageError


class EmptyGraph(UsageError):
    """The filters exclude all connections."""

    code = "empty_graph"
    http = 422
    title = "The graph has no connections"


class NumbersTooLarge(UsageError):
    """The synapses or the weights add up to more than can be counted exactly."""

    code = "numbers_too_large"
    http = 422
    title = "The numbers are too large"


class UnknownValue(UsageError):
    """A filter contains a value that no neuron or synapse of the dataset has."""

    code = "unknown_value"
    http = 422
    title = "A filter names what is not there"


class UnknownNeuron(UsageError):
    """A neuron that is not in the graph, or a name that several neurons have."""

    code = "unknown_neuron"
    http = 422
    title = "There is no such neuron in the graph"
