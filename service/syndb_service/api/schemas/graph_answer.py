"""The answer of a graph job, as the OpenAPI document describes it: `GET /v1/jobs/{job_id}/result`.

Nothing is checked against these models when an answer is sent; a test checks every analysis's answer.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from syndb_service.domain.jobs import Analysis

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
    """A dataset, with what is needed to cite it."""

    id: str
    name: str
    title: str
    version: str
    species: str
    citation: str
    doi: str
    licence: str


class EndsFilter(_AnswerModel):
    """What the neurons at either end may be; null is anything."""

    pre: list[str] | None
    post: list[str] | None


class Filters(_AnswerModel):
    """The filters; those that let everything pass are left out."""

    include: Literal["chemical", "gap_junctions", "both"]
    min_synapses: Count
    neurotransmitter: list[str] = []
    cell_class: EndsFilter = EndsFilter(pre=None, post=None)
    brain_structure: EndsFilter = EndsFilter(pre=None, post=None)
    neuron_ids: list[str] = []


class Tally(_AnswerModel):
    """How many connections, and how many synapses in them."""

    connections: Count
    synapses: Count


class Dropped(_AnswerModel):
    """What the dataset has and the graph has not; each connection under the first reason that holds."""

    absent_neurons: Tally
    self_connections: Tally
    outside_filters: Tally
    below_min_synapses: Tally


class Distribution(_AnswerModel):
    """How many neurons have each value; two lists of one length."""

    values: list[Count]
    counts: list[Count]


class Spread(_AnswerModel):
    """A count per neuron."""

    mean: float | None
    max: Count | None
    distribution: Distribution


class ComponentCount(_AnswerModel):
    """Components of the graph, and neurons of the largest."""

    count: Count
    largest: Count


class Lengths(_AnswerModel):
    """Paths from the sources by their length; two lists of one length."""

    hops: list[Count]
    paths: list[Count]


class PathSample(_AnswerModel):
    """How the shortest paths were measured."""

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
    """A hub: ``rank`` is its place among them; in the other ranks equal values share one."""

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
    """Between which bounds what was sampled lies, with this confidence; lists of one length."""

    confidence: float
    low: list[float]
    high: list[float]


class Reachability(_AnswerModel):
    """What is reached within k hops; lists of one length. From one neuron, where `source` is there."""

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
    """Communities beside a column of neurons."""

    column: str
    neurons: Count
    classes: Count
    adjusted_rand_index: float | None
    normalised_mutual_information: float | None


class CommunityDivision(_AnswerModel):
    """The communities, the largest first."""

    count: Count
    modularity: float | None
    resolution: float
    seed: Count
    sizes: list[Count]
    adjacency: Sketch
    agreement: Agreement | None = None


class RichClub(_AnswerModel):
    """The rich club by degree; lists of one length."""

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
    """What is in no part: connections without the property, and parts beyond the hundred largest."""

    connections: Count
    parts_left_out: Count


class Comparison(_AnswerModel):
    """Profiles side by side; the matrices are in the order of `parts`."""

    by: Literal["dataset", "neurotransmitter", "brain_structure"]
    parts: list[Profile]
    left_out: LeftOut
    motif_similarity: list[list[float | None]]
    degree_distance: list[list[float | None]]


class MotifAgainstChance(_AnswerModel):
    """A motif's count beside those of the rewired graphs."""

    count: Count
    mean: float
    standard_deviation: float | None
    ratio: float | None
    standard_error: float | None
    z_score: float | None
    p_value: float


class Significance(_AnswerModel):
    """The census beside those of rewired graphs."""

    samples: Count
    keep_reciprocity: bool
    seed: Count
    motifs: dict[Triad, MotifAgainstChance]


class GraphAnswer(_AnswerModel):
    """What a graph job found: what every answer has, and the figures of its analysis.

    `definitions` says of each figure what it means and where its definition comes from. An undefined figure
    is null. The same graph and options give the same bytes.
    """

    analysis: Analysis
    dataset: CitedDataset
    other_dataset: CitedDataset | None = None
    options: dict[str, Any] = Field(description="What was asked for; `seed` is the seed of what is sampled.")
    filters: Filters
    dropped: Dropped
    neuron_count: Count
    connection_count: Count
    synapse_count: Count
    libraries: dict[str, str] = Field(description="Versions of what made the answer.")
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
