"""SQL that selects the connections that a graph job analysed, with all of its filters."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

KNOWN: Final = """\
known AS MATERIALIZED (
    SELECT neuron_id::BIGINT AS id, {sends} AS sends, {receives} AS receives
    FROM neurons WHERE dataset_id = $dataset
)"""
COUNTED: Final = """\
chemical AS (
    SELECT pre_neuron_id::BIGINT AS pre, post_neuron_id::BIGINT AS post, synapse_count AS synapses
    FROM connections WHERE dataset_id = $dataset
)"""
RELEASED: Final = """\
chemical AS (
    SELECT s.pre_neuron_id::BIGINT AS pre, s.post_neuron_id::BIGINT AS post, count(*) AS synapses
    FROM synapses AS s LEFT JOIN neurons AS n ON n.dataset_id = $dataset AND n.neuron_id = s.pre_neuron_id
    WHERE s.dataset_id = $dataset
        AND list_contains($neurotransmitter, coalesce(s.neurotransmitter, n.majority_neurotransmitter))
    GROUP BY ALL
)"""
JUNCTIONS: Final = """\
one_way AS (
    SELECT pre_neuron_id::BIGINT AS a, post_neuron_id::BIGINT AS b,
        CASE WHEN sum(coalesce(weight, 1)) <= 4503599627370496
            THEN greatest(round(sum(coalesce(weight, 1)))::BIGINT, 1)
            ELSE error('the gap junctions from ' || a || ' to ' || b || ' weigh more than 4503599627370496')
        END AS n
    FROM neuron_relations WHERE dataset_id = $dataset AND relation = 'gap_junction' GROUP BY a, b
),
pairs AS (SELECT least(a, b) AS a, greatest(a, b) AS b, max(n) AS n FROM one_way GROUP BY ALL),
electrical AS (
    SELECT a AS pre, b AS post, n AS junctions FROM pairs
    UNION ALL SELECT b, a, n FROM pairs WHERE a <> b
)"""
CONNECTIONS: Final = """\
kept AS MATERIALIZED (
    SELECT pre, post, sum(synapses)::BIGINT AS synapses, sum(junctions)::BIGINT AS junctions
    FROM ({every})
    WHERE pre <> post AND pre IN (SELECT id FROM known WHERE sends)
        AND post IN (SELECT id FROM known WHERE receives)
    GROUP BY pre, post HAVING sum(synapses) + sum(junctions) >= $min_synapses
)"""
SYNAPSES: Final = "SELECT pre, post, synapses, 0 AS junctions FROM chemical"
GAPS: Final = "SELECT pre, post, 0 AS synapses, junctions FROM electrical"
ENDS: Final = {"cell_class": ("pre_class", "post_class"), "brain_structure": ("pre_place", "post_place")}


@dataclass(frozen=True, slots=True)
class ConnectionSource:
    """Common table expressions for a ``WITH``, and the values of their parameters.

    ``known`` has the neurons (``id``; ``sends`` and ``receives``: whether the filters allow it at this end).
    ``kept`` has the connections between different neurons (``pre``, ``post``, ``synapses``, ``junctions``).
    """

    sql: str
    values: dict[str, Any] = field(default_factory=dict)

    def select(self, select: str, **values: Any) -> dict[str, Any]:
        """Build the body of a query job on these expressions; unused parameters are left out.

        Examples
        --------
        >>> ConnectionSource("known AS (SELECT 1 AS id)").select("SELECT $n AS n", n=2, more=3)["parameters"]
        {'n': 2}
        """
        query = f"WITH {self.sql}\n{select}"
        parameters = {**self.values, **values}
        used = {name: value for name, value in parameters.items() if re.search(rf"\${name}\b", query)}
        return {"query": query, "parameters": used}


def analysis_source(dataset_id: str, filters: Mapping[str, Any], min_synapses: int = 1) -> ConnectionSource:
    """Build the expressions for what a graph job analysed.

    Parameters
    ----------
    dataset_id : str
        The dataset.
    filters : mapping
        As in the job's answer: ``include``, ``min_synapses``, ``neurotransmitter``, ``cell_class``,
        ``brain_structure``, ``neuron_ids``; a missing filter excludes nothing.
    min_synapses : int
        Minimum number of synapses of a connection; the job's own is used if it is higher.

    Examples
    --------
    >>> dataset = "5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8"
    >>> source = analysis_source(dataset, {"cell_class": {"pre": ["sensory"], "post": None}})
    >>> source.values["pre_class"], source.values["min_synapses"]
    (['sensory'], 1)
    """
    values: dict[str, Any] = {
        "dataset": str(uuid.UUID(dataset_id)),
        "min_synapses": max(int(filters.get("min_synapses") or 1), min_synapses),
    }
    tests: tuple[list[str], list[str]] = ([], [])
    for column, names in ENDS.items():
        ends = filters.get(column) or {}
        for test, name, end in zip(tests, names, ("pre", "post"), strict=True):
            if ends.get(end) is not None:
                values[name] = list(ends[end])
                test.append(f"coalesce(list_contains(${name}, {column}), false)")
    if filters.get("neuron_ids") is not None:
        values["neuron_ids"] = [int(neuron) for neuron in filters["neuron_ids"]]
        for test in tests:
            test.append("neuron_id IN (SELECT unnest($neuron_ids))")
    sends, receives = (" AND ".join(test) or "true" for test in tests)
    include = filters.get("include") or "chemical"
    parts = [KNOWN.format(sends=sends, receives=receives)]
    every = []
    if include != "gap_junctions":
        transmitters = filters.get("neurotransmitter")
        parts.append(COUNTED if transmitters is None else RELEASED)
        every.append(SYNAPSES)
        if transmitters is not None:
            values["neurotransmitter"] = list(transmitters)
    if include != "chemical":
        parts.append(JUNCTIONS)
        every.append(GAPS)
    parts.append(CONNECTIONS.format(every=" UNION ALL ".join(every)))
    return ConnectionSource(",\n".join(parts), values)


def graph_queries(dataset_id: str, filters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Build the two query jobs that fetch the connections and the neurons that a graph job analysed."""
    source = analysis_source(dataset_id, filters)
    junctions = "" if (filters.get("include") or "chemical") == "chemical" else ", junctions AS gap_junctions"
    edges = source.select(
        "SELECT pre AS pre_neuron_id, post AS post_neuron_id, "  # noqa: S608 - ours
        f"synapses + junctions AS synapse_count{junctions} FROM kept ORDER BY pre, post"
    )
    neurons = source.select(
        "SELECT neuron_id, name, cell_class, cell_type, majority_neurotransmitter FROM neurons "
        "WHERE dataset_id = $dataset AND neuron_id IN (SELECT id FROM known WHERE sends OR receives) "
        "ORDER BY neuron_id"
    )
    return edges, neurons
