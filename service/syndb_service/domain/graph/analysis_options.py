"""The options of graph analyses: one class for each analysis, and their union."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self, get_args
from uuid import UUID

from syndb_service.domain.graph.selection import Selection
from syndb_service.domain.message_codec import MalformedMessage, decode_message
from syndb_service.domain.table_schema import TABLES

Neuron = int | str
Weight = Literal["hops", "synapses"]
DividedBy = Literal["neurotransmitter", "brain_structure"]

COLUMNS: Final = tuple(column.name for column in TABLES["neurons"] if column.type == "VARCHAR")[1:]
"""The columns of text that describe a neuron."""
UNFILTERED: Final = Selection()
FILTERS: Final = ("neurotransmitter", "cell_class", "brain_structure", "neuron_ids")


@dataclass(frozen=True, kw_only=True)
class GraphOptions:
    """The options that every analysis has.

    A subclass adds its own fields, names its ``analysis``, and lists groups of options in ``needs``: the
    analysis needs one option of each group.

    Parameters
    ----------
    selection : Selection
        The part of the dataset that becomes the graph.
    max_edges : int, optional
        Refuse a graph of more connections.
    top_hubs : int
        Number of hubs to return.
    seed : int
        Seed of all samples.
    node_table : bool
        Also write a table with one row per neuron.
    stated : tuple of str
        The options that the request states. The stored request and the answer repeat them even if they have
        their default values.

    Examples
    --------
    >>> options = read_options("reachability", {"source": "ASEL", "max_hops": 100, "seed": 7})
    >>> options.max_hops, options.seed, options.selection.min_synapses
    (100, 7, 1)
    >>> options.to_dict()
    {'min_synapses': 1, 'max_edges': None, 'top_hubs': 10, 'seed': 7, 'max_hops': 100, 'source': 'ASEL'}
    """

    tag: ClassVar[str] = "analysis"
    analysis: ClassVar[str]
    needs: ClassVar[tuple[tuple[str, ...], ...]] = ()

    selection: Selection = UNFILTERED
    max_edges: int | None = None
    top_hubs: int = 10
    seed: int = 0
    node_table: bool = False
    stated: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @classmethod
    def own_names(cls) -> frozenset[str]:
        """Return the names of the options that not every analysis has."""
        common = {option.name for option in fields(GraphOptions)}
        return frozenset(option.name for option in fields(cls)) - common

    @classmethod
    def check(cls, values: Mapping[str, Any]) -> None:
        """Require that the options do not contradict each other.

        Parameters
        ----------
        values : mapping
            The options of a request that are not None, and its ``dataset_id``.

        Raises
        ------
        ValueError
            If they do; with what to change.
        """
        if values.get("include") == "gap_junctions" and "neurotransmitter" in values:
            raise ValueError("neurotransmitter filters chemical synapses; gap junctions release none")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read the values of :meth:`to_dict`, of this or another version of the service.

        Unknown keys are ignored; missing keys have their defaults.

        Raises
        ------
        MalformedMessage
            If a value is not of its type, or a value without a default is missing.
        """
        present = {name: value for name, value in values.items() if value is not None}
        names = {option.name for option in fields(cls)} - {"selection", "stated"}
        options = decode_message(cls, {name: present[name] for name in present.keys() & names})
        stated = present.keys() & (names | {"include", *FILTERS})
        return replace(options, selection=Selection.of(present), stated=tuple(sorted(stated)))

    def to_dict(self) -> dict[str, Any]:
        """Convert the options to JSON values, as in the stored request and in the answer."""
        filters = self.selection.to_options()
        own = {name: getattr(self, name) for name in self.own_names() | {"node_table"}}
        own["include"] = filters["include"]
        for name in {"cell_class", "brain_structure"} & set(self.stated):
            filters.setdefault(name, {"pre": None, "post": None})
        return {
            "min_synapses": filters["min_synapses"],
            "max_edges": self.max_edges,
            "top_hubs": self.top_hubs,
            "seed": self.seed,
            **{name: own[name] for name in sorted(own) if self._is_stored(name, own[name])},
            **{name: filters[name] for name in FILTERS if name in filters},
        }

    def parts(self) -> tuple[GraphOptions, ...]:
        """Return the options of each analysis that this analysis includes."""
        return (self,)

    def _is_stored(self, name: str, value: object) -> bool:
        """Return whether an option is stored: not if it is None, False, or a default that is not stated."""
        default = UNFILTERED.include if name == "include" else getattr(type(self), name, None)
        return value is not None and value is not False and (value != default or name in self.stated)


@dataclass(frozen=True, kw_only=True)
class MetricsOptions(GraphOptions):
    """Density, reciprocity, degrees, components, clustering, shortest paths."""

    analysis: ClassVar = "metrics"


@dataclass(frozen=True, kw_only=True)
class MotifsOptions(GraphOptions):
    """The 16 patterns of three neurons."""

    analysis: ClassVar = "motifs"


@dataclass(frozen=True, kw_only=True)
class HubsOptions(GraphOptions):
    """The hubs, and the strongest connections around them."""

    analysis: ClassVar = "hubs"


@dataclass(frozen=True, kw_only=True)
class ReachabilityOptions(GraphOptions):
    """How many neurons are reached: from ``source``, or on average, within ``max_hops``."""

    analysis: ClassVar = "reachability"

    source: Neuron | None = None
    max_hops: int = 100


@dataclass(frozen=True, kw_only=True)
class ShortestPathOptions(GraphOptions):
    """The shortest path from ``source`` to ``target``; its length counts hops, or adds up 1 / synapses."""

    analysis: ClassVar = "shortest_path"
    needs: ClassVar = (("source",), ("target",))

    source: Neuron
    target: Neuron
    weight: Weight = "hops"

    @classmethod
    def check(cls, values: Mapping[str, Any]) -> None:
        """Require both ends of the path."""
        if not {"source", "target"} <= values.keys():
            raise ValueError("shortest_path needs source and target, each a neuron's name or id")
        super().check(values)


@dataclass(frozen=True, kw_only=True)
class RewiringOptions(GraphOptions):
    """A comparison with rewired graphs.

    Parameters
    ----------
    samples : int, optional
        Number of rewired graphs; None for as many as a few seconds allow.
    keep_reciprocity : bool
        Whether they keep the number of mutual partners of each neuron.
    """

    samples: int | None = None
    keep_reciprocity: bool = False


@dataclass(frozen=True, kw_only=True)
class RichClubOptions(RewiringOptions):
    """The rich club."""

    analysis: ClassVar = "rich_club"


@dataclass(frozen=True, kw_only=True)
class MotifSignificanceOptions(RewiringOptions):
    """The motifs, compared with those of rewired graphs."""

    analysis: ClassVar = "motif_significance"

    samples: int = 100


@dataclass(frozen=True, kw_only=True)
class CommunitiesOptions(GraphOptions):
    """Communities: a higher ``resolution`` finds more; they are compared with a ``column`` of neurons."""

    analysis: ClassVar = "communities"

    resolution: float = 1.0
    column: str | None = None

    @classmethod
    def check(cls, values: Mapping[str, Any]) -> None:
        """Require that neurons have the column."""
        super().check(values)
        column = values.get("column")
        if column is not None and column not in COLUMNS:
            near = get_close_matches(column.lower(), COLUMNS, n=1)
            meant = f"did you mean {near[0]}?" if near else f"it has {', '.join(COLUMNS)}"
            raise ValueError(f"column: neurons has no column {column!r} of text; {meant}")


@dataclass(frozen=True, kw_only=True)
class CompareOptions(GraphOptions):
    """Two datasets, or the parts of one, side by side."""

    analysis: ClassVar = "compare"
    needs: ClassVar[tuple[tuple[str, ...], ...]] = (("other_dataset_id", "by"),)

    other_dataset_id: str | None = None
    by: DividedBy | None = None

    @classmethod
    def check(cls, values: Mapping[str, Any]) -> None:
        """Require exactly one comparison, which the dataset and its connections allow."""
        comparisons = values.keys() & {"other_dataset_id", "by"}
        if len(comparisons) > 1 or (cls.needs and not comparisons):
            raise ValueError("compare needs other_dataset_id, or by: one of the two")
        if "other_dataset_id" in values:
            _check_other_dataset(values["other_dataset_id"], values["dataset_id"])
        if "by" in values and values.get("include", UNFILTERED.include) != "chemical":
            raise ValueError(f"compare by {values['by']} needs include = chemical; gap junctions have none")
        super().check(values)


@dataclass(frozen=True, kw_only=True)
class FullOptions(ReachabilityOptions, CompareOptions, CommunitiesOptions, RichClubOptions):
    """All analyses at once; ``target``, a comparison, or ``samples`` adds the one that needs it."""

    analysis: ClassVar = "full"
    needs: ClassVar = ()

    target: Neuron | None = None
    weight: Weight = ShortestPathOptions.weight

    @classmethod
    def check(cls, values: Mapping[str, Any]) -> None:
        """Require both ends of a path; a source alone is the start of reachability."""
        if "target" in values or values.get("weight", cls.weight) != cls.weight:
            ShortestPathOptions.check(values)
        super().check(values)

    def parts(self) -> tuple[GraphOptions, ...]:
        """Return the options of each requested analysis."""
        optional = {
            ShortestPathOptions: self.target is not None,
            CompareOptions: self.by is not None or self.other_dataset_id is not None,
            MotifSignificanceOptions: self.samples is not None,
        }
        always = (
            MetricsOptions,
            MotifsOptions,
            ReachabilityOptions,
            HubsOptions,
            CommunitiesOptions,
            RichClubOptions,
        )
        part_types: tuple[type[GraphOptions], ...] = (
            *always,
            *(part_type for part_type in optional if optional[part_type]),
        )
        return tuple(
            part_type(**{option.name: getattr(self, option.name) for option in fields(part_type)})
            for part_type in part_types
        )


AnalysisOptions = (
    FullOptions
    | MetricsOptions
    | MotifsOptions
    | HubsOptions
    | ReachabilityOptions
    | ShortestPathOptions
    | RichClubOptions
    | CommunitiesOptions
    | CompareOptions
    | MotifSignificanceOptions
)
"""The options of a graph job: each class has another ``analysis``."""

OPTION_TYPES: Final[Mapping[str, type[AnalysisOptions]]] = {
    option_type.analysis: option_type for option_type in get_args(AnalysisOptions)
}
if TYPE_CHECKING:
    Analysis = str
else:
    Analysis = Literal[tuple(OPTION_TYPES)]


def read_options(analysis: str | None, values: Mapping[str, Any]) -> AnalysisOptions:
    """Read the stored options of an analysis.

    Raises
    ------
    MalformedMessage
        If the analysis is unknown, or as for :meth:`GraphOptions.from_dict`.

    Examples
    --------
    >>> read_options("hubs", {"top_hubs": 3, "color": "red"}).top_hubs
    3
    >>> [each.analysis for each in read_options("full", {"source": "ASEL", "target": 0}).parts()][-2:]
    ['rich_club', 'shortest_path']
    """
    option_type = OPTION_TYPES.get(str(analysis))
    if option_type is None:
        raise MalformedMessage(f"{analysis!r:.100} is no analysis, expected one of {', '.join(OPTION_TYPES)}")
    return option_type.from_dict(values)


def find_takers(option: str) -> list[str]:
    """Return the analyses that have an option of their own by this name.

    Examples
    --------
    >>> find_takers("column"), find_takers("seed")
    (['full', 'communities'], [])
    """
    return [analysis for analysis, option_type in OPTION_TYPES.items() if option in option_type.own_names()]


def _check_other_dataset(other: str, dataset_id: str) -> None:
    try:
        same = UUID(other) == UUID(dataset_id)
    except ValueError:
        raise ValueError(
            "other_dataset_id and dataset_id: the ids of two datasets are needed, which are UUIDs"
        ) from None
    if same:
        raise ValueError("other_dataset_id is the dataset itself; compare needs another one, or by")
