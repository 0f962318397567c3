"""The graph that a graph job analysed, as queries: its answer holds figures and no connections."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

CHEMICAL: Final = """\
SELECT pre_neuron_id, post_neuron_id, synapse_count
    FROM connections WHERE dataset_id = '{dataset}'"""
RELEASING: Final = """\
SELECT s.pre_neuron_id, s.post_neuron_id, count(*) AS synapse_count
    FROM synapses AS s JOIN neurons AS n ON n.neuron_id = s.pre_neuron_id
    WHERE s.dataset_id = '{dataset}' AND n.dataset_id = '{dataset}'
        AND coalesce(s.neurotransmitter, n.majority_neurotransmitter) IN (SELECT unnest($neurotransmitter))
    GROUP BY ALL"""
GAP_JUNCTIONS: Final = """\
SELECT pre_neuron_id, post_neuron_id, max(junctions) AS synapse_count FROM (
        SELECT unnest([a, b]) AS pre_neuron_id, unnest([b, a]) AS post_neuron_id, junctions FROM (
            SELECT pre_neuron_id AS a, post_neuron_id AS b,
                greatest(round(sum(coalesce(weight, 1)))::BIGINT, 1) AS junctions
            FROM neuron_relations WHERE dataset_id = '{dataset}' AND relation = 'gap_junction' GROUP BY ALL))
    GROUP BY ALL"""
CONNECTIONS: Final = """\
WITH sending AS ({sending}), receiving AS ({receiving}), every AS (
    {every}
)
SELECT pre_neuron_id, post_neuron_id, sum(synapse_count)::BIGINT AS synapse_count FROM every
WHERE pre_neuron_id <> post_neuron_id
    AND pre_neuron_id IN (FROM sending) AND post_neuron_id IN (FROM receiving)
GROUP BY ALL HAVING sum(synapse_count) >= {least}"""
NEURONS: Final = """\
WITH sending AS ({sending}), receiving AS ({receiving})
SELECT neuron_id, name, cell_class, cell_type, majority_neurotransmitter FROM neurons
WHERE dataset_id = '{dataset}' AND (neuron_id IN (FROM sending) OR neuron_id IN (FROM receiving))"""


def source_queries(answer: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write two query jobs: the connections of the graph, and its neurons, isolated ones included.

    Parameters
    ----------
    answer : mapping
        Of a graph job: ``dataset`` and ``filters``.

    Returns
    -------
    tuple of dict
        Bodies with ``query`` and ``parameters``.

    Examples
    --------
    >>> answer = {"dataset": {"id": str(uuid.UUID(int=1))}, "filters": {"neuron_ids": ["7"]}}
    >>> [body["parameters"] for body in source_queries(answer)]
    [{'neuron_ids': [7]}, {'neuron_ids': [7]}]
    """
    filters, dataset = answer["filters"], str(uuid.UUID(answer["dataset"]["id"]))
    values: dict[str, list[Any]] = {}
    sides = {name: _neurons(filters, end, dataset, values) for name, end in SIDES.items()}
    by_neuron, transmitters = dict(values), filters.get("neurotransmitter")
    include = filters.get("include", "chemical")
    if transmitters is not None and include != "gap_junctions":
        values["neurotransmitter"] = list(transmitters)
    chemical = CHEMICAL if transmitters is None else RELEASING
    kinds = {"chemical": [chemical], "gap_junctions": [GAP_JUNCTIONS], "both": [chemical, GAP_JUNCTIONS]}
    every = "\n    UNION ALL\n    ".join(kind.format(dataset=dataset) for kind in kinds[include])
    least = int(filters.get("min_synapses", 1))
    return (
        {"query": CONNECTIONS.format(**sides, every=every, least=least), "parameters": values},
        {"query": NEURONS.format(**sides, dataset=dataset), "parameters": by_neuron},
    )


SIDES: Final = {"sending": "pre", "receiving": "post"}


def _neurons(filters: Mapping[str, Any], end: str, dataset: str, values: dict[str, list[Any]]) -> str:
    """Write which neurons may stand at one end; the names that they have to have go into ``values``."""
    sql = f"SELECT neuron_id FROM neurons WHERE dataset_id = '{dataset}'"  # noqa: S608 - a UUID
    if filters.get("neuron_ids") is not None:
        values["neuron_ids"] = [int(each) for each in filters["neuron_ids"]]
        sql += " AND neuron_id IN (SELECT unnest($neuron_ids))"
    for column in ("cell_class", "brain_structure"):
        wanted = (filters.get(column) or {}).get(end)
        if wanted is not None:
            values[f"{end}_{column}"] = list(wanted)
            sql += f" AND {column} IN (SELECT unnest(${end}_{column}))"
    return sql
