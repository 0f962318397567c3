"""Which part of a dataset becomes the graph: the filters that every analysis takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Include = Literal["chemical", "gap_junctions", "both"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Filters; what is None lets everything pass.

    Parameters
    ----------
    min_synapses : int
        Connections of fewer synapses (or gap junctions) are left out.
    include : str
        ``chemical`` synapses, ``gap_junctions`` (each in both directions), or ``both`` added up.
    neurotransmitter : tuple of str, optional
        Count only synapses that release one of these: by the synapse's own column, or where that is unknown
        by its presynaptic neuron's ``majority_neurotransmitter``. Gap junctions release none.
    pre_class, post_class, pre_structure, post_structure : tuple of str, optional
        ``cell_class`` and ``brain_structure`` that the neuron at this end may have.
    neuron_ids : tuple of int, optional
        Only these neurons, and the connections among them.

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
        """Take the filters out of a job's options."""

        def names(option: str, end: str) -> tuple[str, ...] | None:
            given = (options.get(option) or {}).get(end)
            return None if given is None else tuple(given)

        ids, transmitters = options.get("neuron_ids"), options.get("neurotransmitter")
        return cls(
            min_synapses=options.get("min_synapses", 1),
            include=options.get("include", "chemical"),
            neurotransmitter=None if transmitters is None else tuple(transmitters),
            pre_class=names("cell_class", "pre"),
            post_class=names("cell_class", "post"),
            pre_structure=names("brain_structure", "pre"),
            post_structure=names("brain_structure", "post"),
            neuron_ids=None if ids is None else tuple(int(each) for each in ids),
        )

    @property
    def by_neuron(self) -> bool:
        """Whether some neurons are left out."""
        ends = (self.pre_class, self.post_class, self.pre_structure, self.post_structure, self.neuron_ids)
        return any(end is not None for end in ends)

    @property
    def by_synapse_or_neuron(self) -> bool:
        """Whether some synapses or neurons are left out, and so weaken or remove connections."""
        return self.by_neuron or self.neurotransmitter is not None

    @property
    def narrows(self) -> bool:
        """Whether anything is left out at all."""
        return self.by_synapse_or_neuron or self.min_synapses > 1

    def to_options(self) -> dict[str, Any]:
        """Return the filters as the answer tells them; those that let everything pass are left out."""
        told: dict[str, Any] = {"include": self.include, "min_synapses": self.min_synapses}
        if self.neurotransmitter is not None:
            told["neurotransmitter"] = list(self.neurotransmitter)
        ends = {
            "cell_class": (self.pre_class, self.post_class),
            "brain_structure": (self.pre_structure, self.post_structure),
        }
        for name, (pre, post) in ends.items():
            if pre is not None or post is not None:
                told[name] = {"pre": _as_tuple(pre), "post": _as_tuple(post)}
        if self.neuron_ids is not None:
            told["neuron_ids"] = [str(each) for each in self.neuron_ids]
        return told


def _as_tuple(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)
