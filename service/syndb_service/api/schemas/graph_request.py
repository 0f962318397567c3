"""The body of a graph job: the analysis, the filters, and the options of each analysis."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from syndb_service.api.schemas.field_types import INT64, Label, WholeNumber
from syndb_service.domain.graph.analysis_options import (
    COLUMNS,
    OPTION_TYPES,
    Analysis,
    AnalysisOptions,
    DividedBy,
    FullOptions,
    Weight,
    find_takers,
    read_options,
)
from syndb_service.domain.graph.selection import Include
from syndb_service.domain.job_status import Kind
from syndb_service.domain.jobs import JobRequest

MAX_NEURONS: Final = 200_000
EXACT_IN_JSON: Final = 2**53
"""Larger ids are strings in JSON, because not every JSON parser has exact integers above it."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Names = Name | Annotated[list[Name], Field(min_length=1, max_length=1000)]


def _neuron_id(value: object) -> object:
    text = str(value)
    if isinstance(value, bool) or not isinstance(value, int | str) or not WRITTEN_ID.fullmatch(text):
        raise ValueError("an id is needed: a whole number, above 2^53 as a string of its digits")
    if not -INT64 - 1 <= int(text) <= INT64:
        raise ValueError(f"{text} is no id: ids have at most 64 bits")
    return value


WRITTEN_ID: Final = re.compile(r"-?[0-9]{1,19}")
NeuronId = Annotated[
    int | str,
    BeforeValidator(_neuron_id),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": -INT64 - 1, "maximum": INT64},
                {"type": "string", "pattern": "^-?[0-9]{1,19}$"},
            ]
        }
    ),
]
Neuron = Annotated[int, Field(ge=-INT64 - 1, le=INT64)] | Name


def _forms(schema: dict[str, Any]) -> None:
    """Add ``x-analyses`` to the schema: the options that each analysis has and needs, for forms.

    An option that no analysis lists belongs to all of them.
    """
    schema["x-analyses"] = {
        analysis: {
            "options": [name for name in schema["properties"] if name in option_type.own_names()],
            "needs": [list(names) for names in option_type.needs],
        }
        for analysis, option_type in OPTION_TYPES.items()
    }


class Ends(BaseModel):
    """A filter on the presynaptic and the postsynaptic neuron; an end that is left out is not filtered."""

    model_config = ConfigDict(extra="forbid", strict=True)

    pre: Names | None = Field(None, description="Of the presynaptic neuron.")
    post: Names | None = Field(None, description="Of the postsynaptic neuron.")


class GraphBody(BaseModel):
    """A graph job."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_forms)

    dataset_id: str = Field(
        description="The dataset whose connections are analysed.",
        examples=["f59f686b-4d9d-5e6a-b217-c53469b41620"],
        json_schema_extra={"format": "uuid"},
    )
    analysis: Analysis = Field(
        "full",
        description="Which analysis. `full` is all of them: shortest_path with `source` and `target`, "
        "compare with `by` or `other_dataset_id`, motif_significance (it may take minutes) with `samples`.",
    )
    min_synapses: WholeNumber = Field(
        FullOptions.selection.min_synapses, ge=1, le=INT64, description="Leave out weaker connections."
    )
    max_edges: WholeNumber | None = Field(
        None,
        ge=1,
        le=INT64,
        description="Reject a graph with more connections than this (413); the error has their number.",
    )
    include: Include = Field(
        FullOptions.selection.include,
        description="Chemical connections, gap junctions (one connection each way), or both added up.",
    )
    neurotransmitter: Names | None = Field(
        None,
        description="Count only synapses that release it: by the synapse, or where it is unknown by its "
        "presynaptic neuron. Gap junctions release none and stay, where they are included.",
    )
    cell_class: Names | Ends | None = Field(
        None, description="Only connections between neurons of this class, or of one class to another."
    )
    brain_structure: Names | Ends | None = Field(
        None, description="Only connections between neurons of this brain structure, or of one to another."
    )
    neuron_ids: list[NeuronId] | None = Field(
        None,
        min_length=1,
        max_length=MAX_NEURONS,
        description="Only these neurons; ids above 2^53 as strings.",
    )
    top_hubs: WholeNumber = Field(FullOptions.top_hubs, ge=0, le=1000, description="How many hubs to name.")
    seed: WholeNumber = Field(FullOptions.seed, ge=0, le=INT64, description="Seed of random sampling.")
    node_table: bool = Field(
        False,
        description="Also write a table of the neurons, one row each: "
        "`GET /v1/jobs/{job_id}/result?part=neurons`.",
    )
    source: Neuron | None = Field(
        None, description="reachability, shortest_path: the neuron to start from, by name or id."
    )
    target: Neuron | None = Field(None, description="shortest_path: the neuron to arrive at, by name or id.")
    weight: Weight = Field(
        FullOptions.weight, description="shortest_path: count hops, or add up 1 / synapses."
    )
    max_hops: WholeNumber = Field(
        FullOptions.max_hops, ge=1, le=100, description="reachability: longest path to follow."
    )
    samples: WholeNumber | None = Field(
        None,
        ge=1,
        le=10_000,
        description="motif_significance (100 where not given), rich_club (2 to 20, by size): rewired graphs. "
        "With `full` it asks for both.",
    )
    keep_reciprocity: bool = Field(
        False,
        description="motif_significance, rich_club: rewired graphs keep how many mutual partners each has.",
    )
    resolution: float = Field(
        FullOptions.resolution,
        gt=0,
        le=1000,
        allow_inf_nan=False,
        description="communities: above 1 for more and smaller ones.",
    )
    column: str | None = Field(
        None,
        max_length=200,
        description=f"communities: compare them with a column of neurons, one of {', '.join(COLUMNS)}.",
    )
    other_dataset_id: str | None = Field(
        None, description="compare: the other dataset.", json_schema_extra={"format": "uuid"}
    )
    by: DividedBy | None = Field(None, description="compare: the parts of the one dataset.")
    label: Label | None = Field(None, description="A name of your choice, to find the job again.")
    time_limit_s: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Seconds after which the job is stopped."
    )

    @model_validator(mode="after")
    def _options_belong(self) -> Self:
        option_type = OPTION_TYPES[self.analysis]
        misplaced = {
            name: takers
            for name in self.model_fields_set - option_type.own_names()
            if (takers := find_takers(name))
        }
        if misplaced:
            name = min(misplaced)
            raise ValueError(f"{name} is no option of {self.analysis}, but of {', '.join(misplaced[name])}")
        option_type.check(self._given())
        return self

    def request(self) -> JobRequest:
        """Return the request of the job, without options that equal their default and were not given."""
        return JobRequest(
            kind=Kind.GRAPH,
            format="json",
            dataset_id=self.dataset_id,
            analysis=self.analysis,
            options=self.options().to_dict(),
            time_limit_s=self.time_limit_s,
        )

    def options(self) -> AnalysisOptions:
        """Return the options of the analysis; names become lists, and ids that are long become strings."""
        given = self._given()
        for end in {"source", "target"} & given.keys():
            if isinstance(given[end], int) and abs(given[end]) > EXACT_IN_JSON:
                given[end] = str(given[end])
        if self.neurotransmitter is not None:
            given["neurotransmitter"] = _as_list(self.neurotransmitter)
        for name in {"cell_class", "brain_structure"} & given.keys():
            ends = given[name]
            pre, post = (ends.pre, ends.post) if isinstance(ends, Ends) else (ends, ends)
            given[name] = {"pre": _as_list(pre), "post": _as_list(post)}
        if self.neuron_ids is not None:
            given["neuron_ids"] = sorted({str(int(each)) for each in self.neuron_ids}, key=int)
        return read_options(self.analysis, given)

    def _given(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: value for name, value in values.items() if value is not None}


def _as_list(names: str | list[str] | None) -> list[str] | None:
    return [names] if isinstance(names, str) else names
