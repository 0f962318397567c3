"""The SQL that reads connections: synapses counted by pair of neurons, and gap junctions."""

from __future__ import annotations

from typing import Any, Final

from syndb_service.domain.graph.selection import Selection

MOST_COUNTED: Final = 2**52
"""Maximum number of synapses (and gap junctions) of a graph: twice that is still exact in a 64-bit float."""

READS = ("neurons", "synapses", "neuron_relations")
"""The tables that the statements read."""
CHEMICAL = """
    SELECT s.pre_neuron_id::BIGINT AS pre, s.post_neuron_id::BIGINT AS post, {counts}
    FROM synapses AS s {join}
    WHERE s.dataset_id = $dataset_id {where}
    GROUP BY ALL
"""
JOIN = "LEFT JOIN neurons AS n ON n.dataset_id = $dataset_id AND n.neuron_id = s.pre_neuron_id"
TRANSMITTER = "coalesce(s.neurotransmitter, n.majority_neurotransmitter)"
RELEASED = f"{TRANSMITTER} IN (SELECT unnest($neurotransmitter))"
_ABOVE_MAX = MOST_COUNTED + 1
GAP_JUNCTIONS = f"""
    WITH one_way AS (
        SELECT pre_neuron_id::BIGINT AS a, post_neuron_id::BIGINT AS b, greatest(
                   round(least(sum(least(coalesce(weight, 1), {_ABOVE_MAX})), {_ABOVE_MAX}))::BIGINT, 1
               ) AS synapses
        FROM neuron_relations WHERE dataset_id = $dataset_id AND relation = 'gap_junction' GROUP BY ALL
    ), pairs AS (
        SELECT least(a, b) AS a, greatest(a, b) AS b, max(synapses) AS synapses FROM one_way GROUP BY ALL
    )
    SELECT a AS pre, b AS post, synapses FROM pairs
    UNION ALL SELECT b, a, synapses FROM pairs WHERE a <> b
"""  # noqa: S608 - ours
"""A weight above the maximum is clipped to one more than it, so that sums don't overflow silently."""


def connections_sql(selection: Selection) -> str:
    """Build the SELECT of ``pre``, ``post``, ``synapses`` and, with a filter of synapses, ``every``.

    Examples
    --------
    >>> print(" ".join(connections_sql(Selection()).split())[:70])
    SELECT s.pre_neuron_id::BIGINT AS pre, s.post_neuron_id::BIGINT AS pos
    """
    if selection.include == "gap_junctions":
        return GAP_JUNCTIONS
    if selection.neurotransmitter is None:
        chemical = CHEMICAL.format(counts="count(*)::BIGINT AS synapses", join="", where="")
    else:
        within = f"count(*) FILTER (WHERE {RELEASED})::BIGINT"
        counts = f"{within} AS synapses, count(*)::BIGINT AS every"
        chemical = CHEMICAL.format(counts=counts, join=JOIN, where="")
    if selection.include == "chemical":
        return chemical
    return _with_gap_junctions(chemical, every=selection.neurotransmitter is not None)


def _with_gap_junctions(chemical: str, *, every: bool = False) -> str:
    summed, doubled = (", sum(every)::BIGINT AS every", ", synapses AS every") if every else ("", "")
    return (
        f"SELECT pre, post, sum(synapses)::BIGINT AS synapses{summed} FROM ("  # noqa: S608 - ours
        f"FROM ({chemical}) UNION ALL SELECT *{doubled} FROM ({GAP_JUNCTIONS})) GROUP BY pre, post"
    )


def groups_sql(by: str, selection: Selection) -> str:
    """Build the SELECT of ``pre``, ``post``, ``synapses`` and ``part``: transmitter or brain structure.

    Examples
    --------
    >>> "$neurotransmitter" in groups_sql("brain_structure", Selection(neurotransmitter=("GABA",)))
    True
    """
    part = TRANSMITTER if by == "neurotransmitter" else "coalesce(s.brain_structure, n.brain_structure)"
    counts = f"{part}::VARCHAR AS part, count(*)::BIGINT AS synapses"
    where = "" if selection.neurotransmitter is None else f"AND {RELEASED}"
    return CHEMICAL.format(counts=counts, join=JOIN, where=where)


def sizes_sql(selection: Selection) -> str:
    """Build the SELECT of the number of connections by synapses, for the selected connections.

    Synapses are filtered before they are counted, because counting is most of the work.
    """
    where = "".join(_ends(selection, "s.pre_neuron_id", "s.post_neuron_id") if selection.by_neuron else ())
    join = ""
    if selection.neurotransmitter is not None:
        where, join = f"{where} AND {RELEASED}", JOIN
    connections = CHEMICAL.format(counts="count(*)::BIGINT AS synapses", join=join, where=where)
    if selection.include == "gap_junctions":
        connections = GAP_JUNCTIONS
    elif selection.include == "both":
        connections = _with_gap_junctions(connections)
    return f"""
        SELECT synapses, count(*)::BIGINT AS connections FROM ({connections})
        WHERE pre <> post {"".join(_ends(selection, "pre", "post"))}
        GROUP BY ALL ORDER BY synapses DESC
    """  # noqa: S608 - ours


def _ends(selection: Selection, *columns: str) -> list[str]:
    ends = zip(("pre", "post"), columns, strict=True)
    return [f" AND {column} IN ({_neurons_sql(selection, end)})" for end, column in ends]


def sizes_parameters(dataset_id: str, selection: Selection) -> dict[str, Any]:
    """Return the values for the names in `sizes_sql`."""
    filters = {name: list(values) for name, values in _neuron_filters(selection).items()}
    return parameters(dataset_id, selection) | filters


def _neurons_sql(selection: Selection, end: str) -> str:
    filters = _neuron_filters(selection).keys()
    columns = {"neuron_ids": "neuron_id", f"{end}_class": "cell_class", f"{end}_structure": "brain_structure"}
    conditions = [
        f"AND {column} IN (SELECT unnest(${name}))" for name, column in columns.items() if name in filters
    ]
    where = " ".join(["dataset_id = $dataset_id", *conditions])
    return f"SELECT neuron_id FROM neurons WHERE {where}"  # noqa: S608 - ours


def _neuron_filters(selection: Selection) -> dict[str, tuple[Any, ...]]:
    filters = {
        name: getattr(selection, name)
        for name in ("neuron_ids", "pre_class", "post_class", "pre_structure", "post_structure")
    }
    return {name: values for name, values in filters.items() if values is not None}


def parameters(dataset_id: str, selection: Selection) -> dict[str, Any]:
    """Return the values for the names in the statements."""
    values: dict[str, Any] = {"dataset_id": dataset_id}
    if selection.neurotransmitter is not None and selection.include != "gap_junctions":
        values["neurotransmitter"] = list(selection.neurotransmitter)
    return values
