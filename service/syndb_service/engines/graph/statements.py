"""The SQL by which connections are read: synapses counted by pair of neurons, gap junctions beside them."""

from __future__ import annotations

from typing import Any

from syndb_service.engines.graph.selection import Selection

CHEMICAL = """
    SELECT s.pre_neuron_id::BIGINT AS pre, s.post_neuron_id::BIGINT AS post, {counts}
    FROM synapses AS s {join}
    WHERE s.dataset_id = $dataset_id
    GROUP BY ALL
"""
JOIN = "LEFT JOIN neurons AS n ON n.dataset_id = $dataset_id AND n.neuron_id = s.pre_neuron_id"
TRANSMITTER = "coalesce(s.neurotransmitter, n.majority_neurotransmitter)"
GAP_JUNCTIONS = """
    WITH one_way AS (
        SELECT pre_neuron_id::BIGINT AS a, post_neuron_id::BIGINT AS b,
               greatest(round(sum(coalesce(weight, 1)))::BIGINT, 1) AS synapses
        FROM neuron_relations WHERE dataset_id = $dataset_id AND relation = 'gap_junction' GROUP BY ALL
    ), pairs AS (
        SELECT least(a, b) AS a, greatest(a, b) AS b, max(synapses) AS synapses FROM one_way GROUP BY ALL
    )
    SELECT a AS pre, b AS post, synapses FROM pairs
    UNION ALL SELECT b, a, synapses FROM pairs WHERE a <> b
"""


def connections_sql(selection: Selection) -> str:
    """Write the SELECT of ``pre``, ``post``, ``synapses`` and, under a filter of synapses, ``every``.

    Examples
    --------
    >>> print(" ".join(connections_sql(Selection()).split())[:70])
    SELECT s.pre_neuron_id::BIGINT AS pre, s.post_neuron_id::BIGINT AS pos
    """
    if selection.include == "gap_junctions":
        return GAP_JUNCTIONS
    if selection.neurotransmitter is None:
        chemical = CHEMICAL.format(counts="count(*)::BIGINT AS synapses", join="")
    else:
        within = f"count(*) FILTER (WHERE {TRANSMITTER} IN (SELECT unnest($neurotransmitter)))::BIGINT"
        counts = f"{within} AS synapses, count(*)::BIGINT AS every"
        chemical = CHEMICAL.format(counts=counts, join=JOIN)
    if selection.include == "chemical":
        return chemical
    every = "" if selection.neurotransmitter is None else ", sum(every)::BIGINT AS every"
    doubled = "" if selection.neurotransmitter is None else ", synapses AS every"
    return (
        f"SELECT pre, post, sum(synapses)::BIGINT AS synapses{every} FROM ("  # noqa: S608 - ours
        f"FROM ({chemical}) UNION ALL SELECT *{doubled} FROM ({GAP_JUNCTIONS})) GROUP BY pre, post"
    )


def groups_sql(by: str) -> str:
    """Write the SELECT of ``pre``, ``post``, ``synapses`` and ``part``: transmitter or brain structure."""
    part = TRANSMITTER if by == "neurotransmitter" else "coalesce(s.brain_structure, n.brain_structure)"
    counts = f"{part}::VARCHAR AS part, count(*)::BIGINT AS synapses"
    return CHEMICAL.format(counts=counts, join=JOIN)


def sizes_sql(selection: Selection) -> str:
    """Write the SELECT of how many connections between distinct known neurons have how many synapses."""
    return f"""
        SELECT synapses, count(*)::BIGINT AS connections FROM ({connections_sql(selection)})
        WHERE pre <> post AND synapses > 0
          AND pre IN (SELECT neuron_id FROM neurons WHERE dataset_id = $dataset_id)
          AND post IN (SELECT neuron_id FROM neurons WHERE dataset_id = $dataset_id)
        GROUP BY ALL ORDER BY synapses DESC
    """  # noqa: S608 - ours


def parameters(dataset_id: str, selection: Selection) -> dict[str, Any]:
    """Return the values for the names in the statements."""
    values: dict[str, Any] = {"dataset_id": dataset_id}
    if selection.neurotransmitter is not None and selection.include != "gap_junctions":
        values["neurotransmitter"] = list(selection.neurotransmitter)
    return values
