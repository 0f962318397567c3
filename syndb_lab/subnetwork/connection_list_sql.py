"""The connections that the stored result of a query lists, as SQL; what can't be drawn is refused by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from syndb_lab.errors import JobFailed, ResultUnsuitable
from syndb_lab.results.graph_objects import WEIGHTS, ends
from syndb_lab.subnetwork.filter_sql import ConnectionSource

IDS: Final = ("int", "uint", "string", "large_string")
WHOLE: Final = ("int", "uint")
BROKEN: Final = ("float", "double", "half", "decimal")
WIDE: Final = ("UHUGEINT", "BIGNUM")
MOST: Final = 2**52
REFUSED: Final = ("a row without ", "the ends of the connections ", "the connection ")
SENT: Final = """\
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
CASE WHEN {total} <= {most} THEN {total}::BIGINT
    ELSE error('the connection ' || pre || ' → ' || post || ' weighs ' || {total}) END"""


def result_source(job_id: str, columns: Sequence[Mapping[str, Any]], least: int | None) -> ConnectionSource:
    """Write the connections in a stored result as ``known`` and ``kept``.

    Parameters
    ----------
    job_id : str
        The job whose result it is.
    columns : sequence of mappings
        ``name``, ``type`` and ``sql_type`` of each, as in the job's record.
    least : int, optional
        Leaves out weaker connections.

    Raises
    ------
    ResultUnsuitable
        A column that the ends or the weights stand in is of no type for them.
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
    if weight and not types[weight].startswith(WHOLE + BROKEN) and not is_wide:
        raise ResultUnsuitable(
            f"{weight} is {types[weight]}, which adds up to no weight", hint=f"Select {weight}::BIGINT."
        )
    is_broken = weight is not None and types[weight].startswith(BROKEN)
    junction = "coalesce(relation = 'gap_junction', false)" if "relation" in types else "false"
    amount = f'"{weight}"::{"DOUBLE" if is_broken else "HUGEINT"}' if weight else "1::HUGEINT"
    sums = (SUM.format(test=test) for test in ("NOT is_junction", "is_junction"))
    synapses, junctions = (
        f"{total}::DOUBLE" if is_broken else BOUNDED.format(total=total, most=MOST) for total in sums
    )
    sql = SENT.format(
        job=job_id,
        pre=_id(pre, types[pre]),
        post=_id(post, types[post]),
        amount=amount,
        junction=junction,
        name=weight,
        odd="amount < 0 OR NOT isfinite(amount)" if is_broken else "amount < 0",
        synapses=synapses,
        junctions=junctions,
        having="" if least is None else "HAVING sum(amount) >= $least",
    )
    return ConnectionSource(sql, {} if least is None else {"least": least})


def refusal(error: JobFailed) -> ResultUnsuitable | None:
    """Say what can't be drawn, where a query that ``listed`` wrote has found it."""
    if not error.message.startswith(REFUSED):
        return None
    hint = "Select the neurons' ids, which are whole numbers of 64 bits, and leave out rows without them."
    if error.message.startswith("the connection "):
        hint = f"Leave such rows out; a weight that is drawn is a number from 0 to {MOST:,}."
    return ResultUnsuitable(f"{error.message}; it can't be drawn", hint=hint)


def _id(end: str, kind: str) -> str:
    """Write the id at one end; a text has to be the digits of one, so that 007 and 7 stay two."""
    is_text = kind.startswith(("string", "large_string"))
    odd = f"""NOT regexp_full_match("{end}", '0|-?[1-9][0-9]*') OR """ if is_text else ""
    return f"""CASE WHEN "{end}" IS NULL THEN error('a row without {end} is no connection')::BIGINT
        WHEN {odd}TRY_CAST("{end}" AS BIGINT) IS NULL
        THEN error('the ends of the connections are no neuron ids: ' || "{end}")::BIGINT
        ELSE TRY_CAST("{end}" AS BIGINT) END"""
