"""The body of a graph job: the analysis, the filters, and the options of each analysis."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

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
from syndb_service.domain.job_status import Kind
from syndb_service.domain.jobs import Analysis, JobRequest
from syndb_service.domain.table_schema import TABLES

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
COLUMNS: Final = tuple(column.name for column in TABLES["neurons"] if column.type == "VARCHAR")[1:]

COMMON_OPTIONS: Final = {
    "dataset_id", "analysis", "label", "time_limit_s", "min_synapses", "max_edges", "neurotransmitter",
    "cell_class", "brain_structure", "neuron_ids", "include", "seed", "top_hubs", "node_table",
}  # fmt: skip
ANALYSIS_OPTIONS: Final[dict[str, set[str]]] = {
    "full": {
        "samples",
        "keep_reciprocity",
        "max_hops",
        "resolution",
        "column",
        "source",
        "target",
        "weight",
        "other_dataset_id",
        "by",
    },
    "metrics": set(),
    "motifs": set(),
    "hubs": set(),
    "reachability": {"source", "max_hops"},
    "shortest_path": {"source", "target", "weight"},
    "rich_club": {"samples", "keep_reciprocity"},
    "communities": {"resolution", "column"},
    "compare": {"other_dataset_id", "by"},
    "motif_significance": {"samples", "keep_reciprocity"},
}
"""The options of each analysis, beside those that all analyses have."""
SENT_OPTIONS: Final = {"include", "node_table"}
REQUIRED_OPTIONS: Final[dict[str, list[list[str]]]] = {
    "shortest_path": [["source"], ["target"]],
    "compare": [["other_dataset_id", "by"]],
}
"""An analysis needs one option of each of its lists."""


def _forms(schema: dict[str, Any]) -> None:
    """Add ``x-analyses`` to the schema: the options that each analysis has and needs, for forms.

    An option that no analysis lists belongs to all of them.
    """
    schema["x-analyses"] = {
        analysis: {
            "options": [name for name in schema["properties"] if name in options],
            "needs": REQUIRED_OPTIONS.get(analysis, []),
        }
        for analysis, options in ANALYSIS_OPTIONS.items()
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
    min_synapses: WholeNumber = Field(1, ge=1, le=INT64, description="Leave out weaker connections.")
    max_edges: WholeNumber | None = Field(
        None,
        ge=1,
        le=INT64,
        description="Reject a graph with more connections than this (413); the error has their number.",
    )
    include: Literal["chemical", "gap_junctions", "both"] = Field(
        "chemical",
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
    top_hubs: WholeNumber = Field(10, ge=0, le=1000, description="How many hubs to name.")
    seed: WholeNumber = Field(0, ge=0, le=INT64, description="Seed of random sampling.")
    node_table: bool = Field(
        False,
        description="Also write a table of the neurons, one row each: "
        "`GET /v1/jobs/{job_id}/result?part=neurons`.",
    )
    source: Neuron | None = Field(
        None, description="reachability, shortest_path: the neuron to start from, by name or id."
    )
    target: Neuron | None = Field(None, description="shortest_path: the neuron to arrive at, by name or id.")
    weight: Literal["hops", "synapses"] = Field(
        "hops", description="shortest_path: count hops, or add up 1 / synapses."
    )
    max_hops: WholeNumber = Field(100, ge=1, le=100, description="reachability: longest path to follow.")
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
        1.0, gt=0, le=1000, allow_inf_nan=False, description="communities: above 1 for more and smaller ones."
    )
    column: str | None = Field(
        None,
        max_length=200,
        description=f"communities: compare them with a column of neurons, one of {', '.join(COLUMNS)}.",
    )
    other_dataset_id: str | None = Field(
        None, description="compare: the other dataset.", json_schema_extra={"format": "uuid"}
    )
    by: Literal["neurotransmitter", "brain_structure"] | None = Field(
        None, description="compare: the parts of the one dataset."
    )
    label: Label | None = Field(None, description="A name of your choice, to find the job again.")
    time_limit_s: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Seconds after which the job is stopped."
    )

    @model_validator(mode="after")
    def _options_belong(self) -> Self:
        unknown = self.model_fields_set - COMMON_OPTIONS - ANALYSIS_OPTIONS[self.analysis]
        if unknown:
            name = min(unknown)
            analyses = [analysis for analysis, options in ANALYSIS_OPTIONS.items() if name in options]
            raise ValueError(f"{name} is no option of {self.analysis}, but of {', '.join(analyses)}")
        self._check_path()
        self._check_comparison()
        if self.include == "gap_junctions" and self.neurotransmitter is not None:
            raise ValueError("neurotransmitter filters chemical synapses; gap junctions release none")
        if self.column is not None and self.column not in COLUMNS:
            near = get_close_matches(self.column.lower(), COLUMNS, n=1)
            suggestion = f"did you mean {near[0]}?" if near else f"it has {', '.join(COLUMNS)}"
            raise ValueError(f"column: neurons has no column {self.column!r} of text; {suggestion}")
        return self

    def _check_path(self) -> None:
        """Require both ends of a path; a source alone belongs to reachability."""
        has_path = self.analysis == "shortest_path" or self.target is not None or self.weight != "hops"
        if has_path and (self.source is None or self.target is None):
            raise ValueError("shortest_path needs source and target, each a neuron's name or id")

    def _check_comparison(self) -> None:
        count = (self.other_dataset_id is not None) + (self.by is not None)
        if count > 1 or (self.analysis == "compare" and not count):
            raise ValueError("compare needs other_dataset_id, or by: one of the two")
        if self.other_dataset_id is not None:
            self._check_other_dataset(self.other_dataset_id)
        if self.by is not None and self.include != "chemical":
            raise ValueError(f"compare by {self.by} needs include = chemical; gap junctions have none")

    def _check_other_dataset(self, other: str) -> None:
        try:
            same = UUID(other) == UUID(self.dataset_id)
        except ValueError:
            raise ValueError(
                "other_dataset_id and dataset_id: the ids of two datasets are needed, which are UUIDs"
            ) from None
        if same:
            raise ValueError("other_dataset_id is the dataset itself; compare needs another one, or by")

    def request(self) -> JobRequest:
        """Return the request of the job, without options that equal their default."""
        options: dict[str, Any] = {
            "min_synapses": self.min_synapses,
            "max_edges": self.max_edges,
            "top_hubs": self.top_hubs,
            "seed": self.seed,
        }
        for name in sorted(self.model_fields_set & (ANALYSIS_OPTIONS[self.analysis] | SENT_OPTIONS)):
            value = getattr(self, name)
            if value is not None and value is not False:
                options[name] = value
        for end in ("source", "target"):
            if abs(options[end]) > EXACT_IN_JSON if isinstance(options.get(end), int) else False:
                options[end] = str(options[end])
        if self.neurotransmitter is not None:
            options["neurotransmitter"] = _as_list(self.neurotransmitter)
        for name in ("cell_class", "brain_structure"):
            value = getattr(self, name)
            if value is not None:
                ends = (value.pre, value.post) if isinstance(value, Ends) else (value, value)
                options[name] = {"pre": _as_list(ends[0]), "post": _as_list(ends[1])}
        if self.neuron_ids is not None:
            options["neuron_ids"] = sorted({str(int(neuron_id)) for neuron_id in self.neuron_ids}, key=int)
        return JobRequest(
            kind=Kind.GRAPH,
            format="json",
            dataset_id=self.dataset_id,
            analysis=self.analysis,
            options=options,
            time_limit_s=self.time_limit_s,
        )


def _as_list(names: str | list[str] | None) -> list[str] | None:
    return [names] if isinstance(names, str) else names
