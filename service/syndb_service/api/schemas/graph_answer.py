"""The answer of a graph job (`GET /v1/jobs/{job_id}/result`), for the OpenAPI document.

Answers are not validated against these models when they are sent; a test validates those of every analysis.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from syndb_service.domain.graph.analysis_options import Analysis

Count = int
Triad = Literal[
    "003", "012", "102", "021D", "021U", "021C", "111D", "111U",
    "030T", "030C", "201", "120D", "120U", "120C", "210", "300",
]  # fmt: skip
Motif = Literal[
    "021D", "021U", "021C", "111D", "111U", "030T", "030C", "201", "120D", "120U", "120C", "210", "300"
]


class _AnswerModel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class CitedDataset(_AnswerModel):
    """A dataset and its citation."""

    id: str
    name: str
    title: str
    version: str
    species: str
    citation: str
    doi: str
    licence: str


class EndsFilter(_AnswerModel):
    """A filter on the neurons at either end; null means no filter."""

    pre: list[str] | None
    post: list[str] | None


class Filters(_AnswerModel):
    """The filters of the job, without those that are not set."""

    include: Literal["chemical", "gap_junctions", "both"]
    min_synapses: Count
    neurotransmitter: list[str] = []
    cell_class: EndsFilter = EndsFilter(pre=None, post=None)
    brain_structure: EndsFilter = EndsFilter(pre=None, post=None)
    neuron_ids: list[str] = []


class Tally(_AnswerModel):
    """A number of connections and of their synapses."""

    connections: Count
    synapses: Count


class Dropped(_AnswerModel):
    """Connections of the dataset that the graph leaves out, each under the first reason that applies."""

    absent_neurons: Tally
    self_connections: Tally
    outside_filters: Tally
    below_min_synapses: Tally


class Distribution(_AnswerModel):
    """The number of neurons for each value; two lists of the same length."""

    values: list[Count]
    counts: list[Count]


class Spread(_AnswerModel):
    """A count per neuron."""

    mean: float | None
    max: Count | None
    distribution: Distribution


class ComponentCount(_AnswerModel):
    """The number of components, and of the neurons in the largest."""

    count: Count
    largest: Count


class Lengths(_AnswerModel):
    """Paths from the sources by their length; two lists of the same length."""

    hops: list[Count]
    paths: list[Count]


class PathSample(_AnswerModel):
    """How the shortest paths were measured or sampled."""

    exact: bool
    component_size: Count
    sources: Count
    standard_error: float | None
    diameter_is_lower_bound: bool
    distribution: Lengths


class NeuronName(_AnswerModel):
    """A neuron; its id is a string, exact in every language."""

    neuron_id: str
    name: str | None
    cell_class: str | None
    neurotransmitter: str | None


class Hub(NeuronName):
    """A hub with its ``rank``; in the ranks of single measures, equal values share a rank."""

    rank: Count
    score: Count
    in_degree: Count
    out_degree: Count
    in_strength: Count
    out_strength: Count
    in_degree_rank: Count
    out_degree_rank: Count
    in_strength_rank: Count
    out_strength_rank: Count


class DrawnNeuron(NeuronName):
    """A neuron of the strongest sub-network."""

    is_hub: bool
    degree: Count


class NamedConnection(_AnswerModel):
    """A connection between two neurons, by their ids."""

    pre: str
    post: str
    synapse_count: Count


class Subnetwork(_AnswerModel):
    """The strongest connections around the hubs."""

    neurons: list[DrawnNeuron]
    connections: list[NamedConnection]
    connections_among_neurons: Count


class Interval(_AnswerModel):
    """The confidence interval of sampled values; lists of the same length."""

    confidence: float
    low: list[float]
    high: list[float]


class Reachability(_AnswerModel):
    """Neurons reached within k hops, from one neuron if `source` is given; lists of the same length."""

    source: NeuronName | None = None
    hops: list[Count]
    neurons_reached: list[Count] = []
    mean_fraction_reached: list[float]
    interval: Interval | None
    exact: bool
    sources: Count
    complete: bool
    standard_error: float | None


class Sketch(_AnswerModel):
    """The adjacency matrix by community, in cells."""

    cells: Count
    neurons_per_cell: float
    pre: list[Count]
    post: list[Count]
    connections: list[Count]
    borders: list[Count]


class Agreement(_AnswerModel):
    """How well the communities agree with a column of neurons."""

    column: str
    neurons: Count
    classes: Count
    adjusted_rand_index: float | None
    normalised_mutual_information: float | None


class CommunityDivision(_AnswerModel):
    """The communities, largest first."""

    count: Count
    modularity: float | None
    resolution: float
    seed: Count
    sizes: list[Count]
    adjacency: Sketch
    agreement: Agreement | None = None


class RichClub(_AnswerModel):
    """The rich club by degree; lists of the same length."""

    degree: list[Count]
    neurons: list[Count]
    connections: list[Count]
    coefficient: list[float]
    random_mean: list[float]
    random_standard_deviation: list[float] | None
    normalised: list[float | None]
    samples: Count
    keep_reciprocity: bool
    seed: Count


class Route(_AnswerModel):
    """The shortest path from one neuron to another."""

    source: NeuronName
    target: NeuronName
    weight: Literal["hops", "synapses"]
    found: bool
    hops: Count | None
    length: float | None
    path: list[NeuronName]
    connections: list[NamedConnection]


class Profile(_AnswerModel):
    """One side of a comparison."""

    name: str = Field(description="The dataset's id, or the neurotransmitter or brain structure.")
    neuron_count: Count
    connection_count: Count
    synapse_count: Count
    density: float | None
    reciprocity: float | None
    in_degree: Spread
    out_degree: Spread
    in_strength: Spread
    out_strength: Spread
    total_degree: Spread
    triadic_census: dict[Triad, Count]
    motif_shares: dict[Motif, float | None]
    dropped: Dropped | None = None


class LeftOut(_AnswerModel):
    """What is in no profile: connections without the property, and parts beyond the hundred largest."""

    connections: Count
    parts_left_out: Count


class Comparison(_AnswerModel):
    """Profiles to compare; rows and columns of the matrices are in the order of `parts`."""

    by: Literal["dataset", "neurotransmitter", "brain_structure"]
    parts: list[Profile]
    left_out: LeftOut
    motif_similarity: list[list[float | None]]
    degree_distance: list[list[float | None]]


class MotifAgainstChance(_AnswerModel):
    """The count of a motif, compared with rewired graphs."""

    count: Count
    mean: float
    standard_deviation: float | None
    ratio: float | None
    standard_error: float | None
    z_score: float | None
    p_value: float


class Significance(_AnswerModel):
    """The triadic census, compared with rewired graphs."""

    samples: Count
    keep_reciprocity: bool
    seed: Count
    motifs: dict[Triad, MotifAgainstChance]


class GraphAnswer(_AnswerModel):
    """The answer of a graph job: the fields that every answer has, and the measures of its analysis.

    `definitions` has the meaning and the source of each measure. An undefined measure is null. The same graph
    and options give the same bytes.
    """

    analysis: Analysis
    dataset: CitedDataset
    other_dataset: CitedDataset | None = None
    options: dict[str, Any] = Field(
        description="The options of the job; `seed` is the seed of random sampling."
    )
    filters: Filters
    dropped: Dropped
    neuron_count: Count
    connection_count: Count
    synapse_count: Count
    libraries: dict[str, str] = Field(description="Versions of the software that computed the answer.")
    definitions: dict[str, str]

    density: float | None = None
    reciprocity: float | None = None
    in_degree: Spread | None = None
    out_degree: Spread | None = None
    in_strength: Spread | None = None
    out_strength: Spread | None = None
    weakly_connected_components: ComponentCount | None = None
    strongly_connected_components: ComponentCount | None = None
    mean_clustering_coefficient: float | None = None
    mean_clustering_coefficient_undirected: float | None = None
    mean_shortest_path: float | None = None
    diameter: Count | None = None
    paths: PathSample | None = None
    triadic_census: dict[Triad, Count] | None = None
    reachability: Reachability | None = None
    hubs: list[Hub] | None = None
    strongest_subnetwork: Subnetwork | None = None
    communities: CommunityDivision | None = None
    rich_club: RichClub | None = None
    shortest_path: Route | None = None
    compare: Comparison | None = None
    motif_significance: Significance | None = None
