"""SQL that chooses the neurons to show: some centers and their neighborhood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from syndb_lab.subnetwork.filter_sql import ConnectionSource

HUB_COUNT: Final = 10
EVERYWHERE: Final = 3  # stands for all steps beyond two, if the request has no number of steps
SCORES: Final = """,
touching AS (
    SELECT pre AS id, post AS other, synapses + junctions AS n, true AS sends FROM kept
    UNION ALL SELECT post, pre, synapses + junctions, false FROM kept
),
scores AS MATERIALIZED (
    SELECT id, count(*) AS degree, count(*) FILTER (WHERE NOT sends) AS in_degree,
        count(*) FILTER (WHERE sends) AS out_degree, sum(n)::DOUBLE AS strength,
        coalesce(sum(n) FILTER (WHERE NOT sends), 0)::DOUBLE AS in_strength,
        coalesce(sum(n) FILTER (WHERE sends), 0)::DOUBLE AS out_strength,
        count(DISTINCT other) AS partners, max(n) AS strongest
    FROM touching GROUP BY id
),
everyone AS MATERIALIZED (
    SELECT id, coalesce(degree, 0) AS degree, coalesce(in_degree, 0) AS in_degree,
        coalesce(out_degree, 0) AS out_degree, coalesce(strength, 0) AS strength,
        coalesce(in_strength, 0) AS in_strength, coalesce(out_strength, 0) AS out_strength,
        coalesce(partners, 0) AS partners, coalesce(strongest, 0) AS strongest
    FROM (SELECT id FROM known WHERE sends OR receives) LEFT JOIN scores USING (id)
)"""
HUBS: Final = """,
step_0 AS MATERIALIZED (
    SELECT id, 0 AS hop, 0::DOUBLE AS pull FROM everyone WHERE degree > 0
    ORDER BY degree DESC, id LIMIT $hub_count
)"""
CENTERS: Final = """,
step_0 AS MATERIALIZED (
    SELECT id, 0 AS hop, 0::DOUBLE AS pull FROM everyone WHERE id IN (SELECT unnest($center_ids))
)"""
STEP: Final = """,
step_{hop} AS MATERIALIZED (
    FROM step_{before} UNION ALL
    SELECT id, {hop} AS hop, sum(n)::DOUBLE AS pull FROM touching
    WHERE other IN (SELECT id FROM step_{before}) AND id NOT IN (SELECT id FROM step_{before})
    GROUP BY id
)"""
REMAINING: Final = """,
step_{hop} AS MATERIALIZED (
    FROM step_{before} UNION ALL
    SELECT id, {hop} AS hop, strength AS pull FROM everyone
    WHERE id NOT IN (SELECT id FROM step_{before})
        AND (degree > 0 OR NOT EXISTS (SELECT 1 FROM scores))
)"""
CHOSEN: Final = """
SELECT everyone.*, hop, pull, count(*) OVER () AS within,
    (SELECT count(*) FROM everyone) AS neurons,
    (SELECT count(*) FROM everyone WHERE degree > 0) AS connected,
    (SELECT count(*) FROM kept) AS connections,
    coalesce((
        SELECT strongest::DOUBLE FROM everyone ORDER BY strongest DESC OFFSET $row_limit LIMIT 1
    ), 0) AS too_weak
FROM step_{last} JOIN everyone USING (id)
ORDER BY hop, pull DESC, degree DESC, id LIMIT $row_limit"""
AMONG: Final = """,
among AS (
    SELECT * FROM kept
    WHERE pre IN (SELECT unnest($chosen)) AND post IN (SELECT unnest($chosen))
),
lines AS (
    SELECT pre, post, synapses AS n, false AS junction FROM among WHERE synapses > 0 OR junctions = 0
    UNION ALL
    SELECT least(pre, post), greatest(pre, post), max(junctions), true FROM among WHERE junctions > 0
    GROUP BY ALL
)
SELECT *, count(*) OVER () AS among FROM lines ORDER BY n DESC, pre, post, junction LIMIT $row_limit"""


@dataclass(frozen=True, slots=True)
class SubnetworkRequest:
    """Which part of a graph to show.

    Parameters
    ----------
    centers : tuple of int, optional
        The ids of the neurons in the middle; by default the hubs.
    hops : int, optional
        Maximum number of steps from a center; by default the limit alone applies.
    limit : int
        Maximum number of neurons.
    connections : int
        Maximum number of connections; the strongest are shown.
    """

    centers: tuple[int, ...] | None = None
    hops: int | None = None
    limit: int = 120
    connections: int = 800


def neurons_query(source: ConnectionSource, request: SubnetworkRequest) -> dict[str, Any]:
    r"""Build the query job that chooses the neurons, ordered by steps, then by strength of connection.

    Each row is a neuron: its scores in the graph, ``hop`` and ``pull`` (synapses shared with nearer neurons),
    and the counts of the whole graph. Neurons without a connection are left out, unless they are centers or
    no neuron has any.

    Examples
    --------
    >>> body = neurons_query(ConnectionSource("known AS …,\nkept AS …"),
    ...     SubnetworkRequest(centers=(720575940600000001,), hops=1))
    >>> body["parameters"]
    {'center_ids': [720575940600000001], 'row_limit': 120}
    """
    parts = [SCORES, HUBS if request.centers is None else CENTERS]
    steps = EVERYWHERE - 1 if request.hops is None else request.hops
    parts += [STEP.format(hop=hop, before=hop - 1) for hop in range(1, steps + 1)]
    if request.hops is None:
        steps += 1
        parts.append(REMAINING.format(hop=steps, before=steps - 1))
    select = "".join(parts) + CHOSEN.format(last=steps)
    center_ids = [] if request.centers is None else list(request.centers)
    return extend_source(source, select, center_ids=center_ids, hub_count=HUB_COUNT, row_limit=request.limit)


def connections_query(
    source: ConnectionSource, chosen: list[int], request: SubnetworkRequest
) -> dict[str, Any]:
    """Build the query job that fetches the connections among the chosen neurons, the strongest first."""
    return extend_source(source, AMONG, chosen=chosen, row_limit=request.connections)


def extend_source(source: ConnectionSource, sql: str, **values: Any) -> dict[str, Any]:
    """Append SQL to the table expressions of a source, and build the query job."""
    return ConnectionSource(source.sql + sql, source.values).select("", **values)


def attributes_query(dataset_id: str, chosen: list[int]) -> dict[str, Any]:
    """Build the query job that fetches the dataset's columns of the chosen neurons."""
    query = "SELECT * FROM neurons WHERE dataset_id = $dataset AND neuron_id IN (SELECT unnest($chosen))"
    return {"query": query, "parameters": {"dataset": dataset_id, "chosen": chosen}}
