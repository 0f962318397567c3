"""SQL for the connections in the stored result of a query; rows that can't be drawn raise an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from syndb_lab.errors import JobFailed, ResultUnsuitable
from syndb_lab.results.graph_objects import WEIGHTS, ends
from syndb_lab.subnetwork.filter_sql import ConnectionSource

IDS: Final = ("int", "uint", "string", "large_string")
INTEGERS: Final = ("int", "uint")
FRACTIONS: Final = ("float", "double", "half", "decimal")
WIDE: Final = ("UHUGEINT", "BIGNUM")
MAX_WEIGHT: Final = 2**52
UNDRAWABLE: Final = ("a row without ", "the ends of the connections ", "the connection ")
CONNECTIONS: Final = """\
listed AS MATERIALIZED (
    SELECT {pre} AS pre, {post} AS post, {amount} AS amount, {junction} AS is_junction
    FROM {{{{{job}}}}}
),
weighed AS MATERIALIZED (
    SELECT pre, post, is_junction, CASE
        WHEN amount IS NULL THEN error('the connection ' || pre || ' → ' || post || ' has NULL as {name}')
        WHEN {odd} THEN error('the connection ' || pre || ' → ' || post || ' weighs ' || amount)
        ELSE amount END AS amount
    FROM listed
),
known AS MATERIALIZED (
    SELECT id, true AS sends, true AS receives
    FROM (SELECT pre AS id FROM weighed UNION SELECT post FROM weighed)
),
kept AS MATERIALIZED (
    SELECT pre, post, {synapses} AS synapses, {junctions} AS junctions
    FROM weighed WHERE pre <> post GROUP BY pre, post {having}
)"""
SUM: Final = "coalesce(sum(amount) FILTER (WHERE {test}), 0)"
BOUNDED: Final = """\
CASE WHEN {total} <= {max_weight} THEN {total}::BIGINT
    ELSE error('the connection ' || pre || ' → ' || post || ' weighs ' || {total}) END"""


def result_source(
    job_id: str, columns: Sequence[Mapping[str, Any]], min_synapses: int | None
) -> ConnectionSource:
    """Build the expressions for the connections in a stored result: ``known`` and ``kept``.

    Parameters
    ----------
    job_id : str
        The job that computed the result.
    columns : sequence of mappings
        ``name``, ``type`` and ``sql_type`` of each column, as in the job's record.
    min_synapses : int, optional
        Leaves out connections with fewer synapses.

    Raises
    ------
    ResultUnsuitable
        The column of an end has no type of a neuron id, or that of the weight no type of a number.
    """
    types = {column["name"]: column["type"] for column in columns}
    pre, post = ends(list(types))
    for end in (pre, post):
        if not types[end].startswith(IDS):
            raise ResultUnsuitable(
                f"{end} is {types[end]}, which is no exact neuron id", hint=f"Select {end}::BIGINT."
            )
    weight = next((name for name in WEIGHTS if name in types), None)
    is_wide = any(column["name"] == weight and column.get("sql_type") in WIDE for column in columns)
    if weight and not types[weight].startswith(INTEGERS + FRACTIONS) and not is_wide:
        raise ResultUnsuitable(
            f"{weight} is {types[weight]}, which adds up to no weight", hint=f"Select {weight}::BIGINT."
        )
    is_fraction = weight is not None and types[weight].startswith(FRACTIONS)
    junction = "coalesce(relation = 'gap_junction', false)" if "relation" in types else "false"
    amount = f'"{weight}"::{"DOUBLE" if is_fraction else "HUGEINT"}' if weight else "1::HUGEINT"
    sums = (SUM.format(test=test) for test in ("NOT is_junction", "is_junction"))
    synapses, junctions = (
        f"{total}::DOUBLE" if is_fraction else BOUNDED.format(total=total, max_weight=MAX_WEIGHT)
        for total in sums
    )
    sql = CONNECTIONS.format(
        job=job_id,
        pre=_id(pre, types[pre]),
        post=_id(post, types[post]),
        amount=amount,
        junction=junction,
        name=weight,
        odd="amount < 0 OR NOT isfinite(amount)" if is_fraction else "amount < 0",
        synapses=synapses,
        junctions=junctions,
        having="" if min_synapses is None else "HAVING sum(amount) >= $min_synapses",
    )
    return ConnectionSource(sql, {} if min_synapses is None else {"min_synapses": min_synapses})


def refusal(error: JobFailed) -> ResultUnsuitable | None:
    """Convert the error of a query of ``result_source`` to one that names the row; None for other errors."""
    if not error.message.startswith(UNDRAWABLE):
        return None
    hint = "Select the neurons' ids, which are whole numbers of 64 bits, and leave out rows without them."
    if error.message.startswith("the connection "):
        hint = f"Leave such rows out; a weight that is drawn is a number from 0 to {MAX_WEIGHT:,}."
    return ResultUnsuitable(f"{error.message}; it can't be drawn", hint=hint)


def _id(end: str, kind: str) -> str:
    """Write the id at one end; text must be the canonical digits, so that 007 and 7 stay different."""
    is_text = kind.startswith(("string", "large_string"))
    odd = f"""NOT regexp_full_match("{end}", '0|-?[1-9][0-9]*') OR """ if is_text else ""
    return f"""CASE WHEN "{end}" IS NULL THEN error('a row without {end} is no connection')::BIGINT
        WHEN {odd}TRY_CAST("{end}" AS BIGINT) IS NULL
        THEN error('the ends of the connections are no neuron ids: ' || "{end}")::BIGINT
        ELSE TRY_CAST("{end}" AS BIGINT) END"""
