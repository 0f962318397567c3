"""Which neurons of a graph are shown, chosen by SQL on the service: some centres and what is around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from syndb_lab.subnetwork.filter_sql import ConnectionSource

CENTRES: Final = 10
EVERYWHERE: Final = 3  # beyond two steps, where no number of steps is asked for
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
    ORDER BY degree DESC, id LIMIT $centres
)"""
GIVEN: Final = """,
step_0 AS MATERIALIZED (
    SELECT id, 0 AS hop, 0::DOUBLE AS pull FROM everyone WHERE id IN (SELECT unnest($given))
)"""
STEP: Final = """,
step_{hop} AS MATERIALIZED (
    FROM step_{before} UNION ALL
    SELECT id, {hop} AS hop, sum(n)::DOUBLE AS pull FROM touching
    WHERE other IN (SELECT id FROM step_{before}) AND id NOT IN (SELECT id FROM step_{before})
    GROUP BY id
)"""
REST: Final = """,
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
        SELECT strongest::DOUBLE FROM everyone ORDER BY strongest DESC OFFSET $most LIMIT 1
    ), 0) AS too_weak
FROM step_{last} JOIN everyone USING (id)
ORDER BY hop, pull DESC, degree DESC, id LIMIT $most"""
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
SELECT *, count(*) OVER () AS among FROM lines ORDER BY n DESC, pre, post, junction LIMIT $most"""


@dataclass(frozen=True, slots=True)
class SubnetworkRequest:
    """Which part of a graph to show.

    Parameters
    ----------
    given : tuple of int, optional
        The neurons in the middle; without it the best-connected ones.
    hops : int, optional
        How many steps around them; without it as far as the limit goes.
    limit : int
        Neurons at most.
    connections : int
        Connections at most, the strongest ones.
    """

    given: tuple[int, ...] | None = None
    hops: int | None = None
    limit: int = 120
    connections: int = 800


def neurons_query(source: ConnectionSource, wish: SubnetworkRequest) -> dict[str, Any]:
    r"""Write the job that chooses the neurons: the nearest first, then the most strongly connected.

    A row a neuron: its scores in the graph, ``hop`` and ``pull`` (synapses shared with those nearer), and the
    counts of the whole graph. Neurons without a connection are left out, unless they were given or no neuron
    has any.

    Examples
    --------
    >>> body = neurons_query(ConnectionSource("known AS …,\nkept AS …"),
    ...     SubnetworkRequest(given=(720575940600000001,), hops=1))
    >>> body["parameters"]
    {'given': [720575940600000001], 'most': 120}
    """
    parts = [SCORES, HUBS if wish.given is None else GIVEN]
    steps = EVERYWHERE - 1 if wish.hops is None else wish.hops
    parts += [STEP.format(hop=hop, before=hop - 1) for hop in range(1, steps + 1)]
    if wish.hops is None:
        steps += 1
        parts.append(REST.format(hop=steps, before=steps - 1))
    select = "".join(parts) + CHOSEN.format(last=steps)
    given = [] if wish.given is None else list(wish.given)
    return extend_source(source, select, given=given, centres=CENTRES, most=wish.limit)


def connections_query(source: ConnectionSource, chosen: list[int], wish: SubnetworkRequest) -> dict[str, Any]:
    """Write the job that fetches what runs among the chosen neurons, the strongest first."""
    return extend_source(source, AMONG, chosen=chosen, most=wish.connections)


def extend_source(source: ConnectionSource, rest: str, **values: Any) -> dict[str, Any]:
    """Go on with a source's table expressions."""
    return ConnectionSource(source.sql + rest, source.values).select("", **values)


def attributes_query(dataset_id: str, chosen: list[int]) -> dict[str, Any]:
    """Write the job that fetches all that the dataset says of the chosen neurons."""
    query = "SELECT * FROM neurons WHERE dataset_id = $dataset AND neuron_id IN (SELECT unnest($chosen))"
    return {"query": query, "parameters": {"dataset": dataset_id, "chosen": chosen}}
