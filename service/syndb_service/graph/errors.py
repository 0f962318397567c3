"""What a graph job refuses, and what would make it possible."""

from __future__ import annotations

from syndb_service.errors import UsageError


class EmptyGraph(UsageError):
    """The filters let no connection pass."""

    code = "empty_graph"
    http = 422
    title = "The graph has no connections"


class NumbersTooLarge(UsageError):
    """The synapses or the weights add up to more than is counted exactly."""

    code = "numbers_too_large"
    http = 422
    title = "The numbers are too large"


class UnknownValue(UsageError):
    """A filter names what no neuron or synapse of the dataset has."""

    code = "unknown_value"
    http = 422
    title = "A filter names what is not there"


class UnknownNeuron(UsageError):
    """A neuron that the graph hasn't, or a name that several have."""

    code = "unknown_neuron"
    http = 422
    title = "There is no such neuron in the graph"
