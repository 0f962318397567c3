"""The selection: the filters of an analysis, which determine the part of a dataset that becomes the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Include = Literal["chemical", "gap_junctions", "both"]


@dataclass(frozen=True, slots=True)
class Selection:
    """The filters of an analysis; None does not filter.

    Parameters
    ----------
    min_synapses : int
        Minimum number of synapses (or gap junctions) of a connection.
    include : str
        ``chemical`` synapses, ``gap_junctions`` (each in both directions), or the sum of ``both``.
    neurotransmitter : tuple of str, optional
        Count only synapses that release one of these: by the synapse's own column or, if that is NULL, by
        the ``majority_neurotransmitter`` of its presynaptic neuron. Gap junctions release none.
    pre_class, post_class, pre_structure, post_structure : tuple of str, optional
        Allowed ``cell_class`` and ``brain_structure`` of the neuron at this end.
    neuron_ids : tuple of int, optional
        Only these neurons, and the connections between them.

    Examples
    --------
    >>> Selection.of({"min_synapses": 2, "cell_class": {"pre": ["sensory"], "post": None}}).pre_class
    ('sensory',)
    """

    min_synapses: int = 1
    include: Include = "chemical"
    neurotransmitter: tuple[str, ...] | None = None
    pre_class: tuple[str, ...] | None = None
    post_class: tuple[str, ...] | None = None
    pre_structure: tuple[str, ...] | None = None
    post_structure: tuple[str, ...] | None = None
    neuron_ids: tuple[int, ...] | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Selection:
        """Read the filters from a job's options."""

        def names(option: str, end: str) -> tuple[str, ...] | None:
            values = (options.get(option) or {}).get(end)
            return None if values is None else tuple(values)

        ids, transmitters = options.get("neuron_ids"), options.get("neurotransmitter")
        return cls(
            min_synapses=options.get("min_synapses", 1),
            include=options.get("include", "chemical"),
            neurotransmitter=None if transmitters is None else tuple(transmitters),
            pre_class=names("cell_class", "pre"),
            post_class=names("cell_class", "post"),
            pre_structure=names("brain_structure", "pre"),
            post_structure=names("brain_structure", "post"),
            neuron_ids=None if ids is None else tuple(int(neuron_id) for neuron_id in ids),
        )

    @property
    def by_neuron(self) -> bool:
        """Whether the selection filters neurons."""
        ends = (self.pre_class, self.post_class, self.pre_structure, self.post_structure, self.neuron_ids)
        return any(end is not None for end in ends)

    @property
    def by_synapse_or_neuron(self) -> bool:
        """Whether the selection filters synapses or neurons, and so weakens or removes connections."""
        return self.by_neuron or self.neurotransmitter is not None

    @property
    def narrows(self) -> bool:
        """Whether the selection filters anything."""
        return self.by_synapse_or_neuron or self.min_synapses > 1

    def to_options(self) -> dict[str, Any]:
        """Convert the filters to the options in an answer; filters that are None are omitted."""
        options: dict[str, Any] = {"include": self.include, "min_synapses": self.min_synapses}
        if self.neurotransmitter is not None:
            options["neurotransmitter"] = list(self.neurotransmitter)
        ends = {
            "cell_class": (self.pre_class, self.post_class),
            "brain_structure": (self.pre_structure, self.post_structure),
        }
        for name, (pre, post) in ends.items():
            if pre is not None or post is not None:
                options[name] = {"pre": _to_list(pre), "post": _to_list(post)}
        if self.neuron_ids is not None:
            options["neuron_ids"] = [str(neuron_id) for neuron_id in self.neuron_ids]
        return options


def _to_list(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)
