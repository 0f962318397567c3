"""Loads the connectome of a dataset from the warehouse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from syndb_service.domain.graph.connection_sql import MOST_COUNTED, connections_sql, parameters
from syndb_service.domain.graph.memory_budget import GraphBudget
from syndb_service.domain.graph.selection import Selection
from syndb_service.graph.errors import EmptyGraph, NumbersTooLarge, UnknownNeuron, UnknownValue
from syndb_service.graph.model.connectome import (
    ConnectionTally,
    Connectome,
    Counts,
    DroppedConnections,
    Ids,
    Index,
    Labels,
    Mask,
    sort_by_row,
)
from syndb_service.graph.model.size_check import check_size

if TYPE_CHECKING:
    import duckdb

_NEURONS = """
    SELECT neuron_id::BIGINT AS neuron_id, name::VARCHAR AS name, cell_class::VARCHAR AS cell_class,
           majority_neurotransmitter::VARCHAR AS neurotransmitter, {more}
    FROM neurons WHERE dataset_id = $dataset_id ORDER BY neuron_id
"""
_TRANSMITTERS = "SELECT DISTINCT neurotransmitter::VARCHAR FROM synapses WHERE dataset_id = $dataset_id"


@dataclass(frozen=True, slots=True, eq=False)
class Neurons:
    """All neurons of a dataset, by ascending id, with one more of their columns if requested."""

    ids: Ids
    names: Labels
    cell_classes: Labels
    neurotransmitters: Labels
    structures: Labels
    column: Labels


def load_connectome(
    con: duckdb.DuckDBPyConnection,
    dataset_id: str,
    selection: Selection | None = None,
    budget: GraphBudget | None = None,
    building: Callable[[], None] = lambda: None,
    *,
    lenient: bool = False,
) -> Connectome:
    """Load the connectome of a dataset: its neurons and its selected connections.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        A connection with the views ``neurons``, ``synapses`` and ``neuron_relations``.
    dataset_id : str
        The dataset to read.
    selection : Selection, optional
        The filters; by default all chemical connections.
    budget : GraphBudget, optional
        Limits the number of connections; a larger graph is rejected before it is built.
    building : callable, optional
        Called when the rows are loaded and the graph is built from them.
    lenient : bool
        Whether the filters may contain values that the dataset lacks, because they are for another one.

    Raises
    ------
    GraphTooLarge
        If the graph exceeds the budget.
    EmptyGraph
        If the filters exclude all its connections.
    UnknownNeuron
        If ``neuron_ids`` contains a neuron that is not in the dataset.
    UnknownValue
        If a filter contains a class or a structure that no neuron of the dataset has.
    NumbersTooLarge
        If its synapses and gap junctions add up to more than `MOST_COUNTED`.

    Examples
    --------
    >>> import duckdb
    >>> con = duckdb.connect()
    >>> _ = con.execute(
    ...     "CREATE VIEW neurons AS SELECT 'd' AS dataset_id, unnest([7, 5]) AS neuron_id, "
    ...     "unnest(['AVAR', 'AVAL']) AS name, 'interneuron' AS cell_class, "
    ...     "NULL AS majority_neurotransmitter, NULL AS brain_structure"
    ... )
    >>> _ = con.execute(
    ...     "CREATE VIEW synapses AS SELECT 'd' AS dataset_id, unnest([5, 5, 7]) AS pre_neuron_id, "
    ...     "7 AS post_neuron_id, NULL AS neurotransmitter, NULL AS brain_structure"
    ... )
    >>> connectome = load_connectome(con, "d")
    >>> connectome.names.tolist(), connectome.pre.tolist(), connectome.synapse_count.tolist()
    (['AVAL', 'AVAR'], [0], [2])
    >>> connectome.dropped.self_connections
    ConnectionTally(connections=1, synapses=1)
    """
    chosen = selection or Selection()
    if budget is not None:
        check_size(con, dataset_id, chosen, budget)
    neurons = load_neurons(con, dataset_id)
    if not lenient:
        check_values(con, dataset_id, neurons, chosen)
    rows = con.execute(connections_sql(chosen), parameters(dataset_id, chosen)).fetchnumpy()
    building()
    columns = {name: np.asarray(values, np.int64) for name, values in rows.items()}
    _check_total(columns)
    return _built(neurons, chosen, columns)


def check_values(
    con: duckdb.DuckDBPyConnection, dataset_id: str, neurons: Neurons, selection: Selection
) -> None:
    """Reject a filter value that its column lacks, unless the column has no values.

    Raises
    ------
    UnknownValue
        With the nearest values.
    """
    for column, wanted, has in (
        ("cell_class", (selection.pre_class, selection.post_class), neurons.cell_classes),
        ("brain_structure", (selection.pre_structure, selection.post_structure), neurons.structures),
    ):
        if any(wanted):
            _check_known(column, "neuron", [value for end in wanted for value in end or ()], has.tolist())
    if selection.neurotransmitter is not None and selection.include != "gap_junctions":
        of_synapses = con.execute(_TRANSMITTERS, {"dataset_id": dataset_id}).fetchall()
        known = [*neurons.neurotransmitters.tolist(), *(row[0] for row in of_synapses)]
        _check_known("neurotransmitter", "synapse", selection.neurotransmitter, known)


def _check_known(column: str, what: str, wanted: Sequence[str], has: Sequence[str | None]) -> None:
    known = {str(value) for value in has if value}
    missing = next((value for value in wanted if value not in known), None)
    if known and missing is not None:
        raise UnknownValue(
            f"{column}: no {what} of the dataset has {missing!r}",
            hint=_nearest_values(missing, sorted(known), column),
        )


def _nearest_values(wanted: str, known: list[str], column: str) -> str:
    folded = {value.casefold(): value for value in known}
    near = [folded[each] for each in get_close_matches(wanted.casefold(), folded, 3)]
    if near:
        return f"Did you mean {' or '.join(map(repr, near))}?"
    if len(known) <= 12:
        return f"There are {', '.join(map(repr, known))}."
    return f"SELECT DISTINCT {column} FROM neurons lists what there is."  # noqa: S608 - a hint


def _check_total(rows: dict[str, Counts]) -> None:
    """Reject numbers whose sums would be inexact: each measure adds up some of them, at most twice.

    Floating-point sums of integers are exact up to the limit, and a sum above it never falls below it again.
    """
    counts = rows.get("every", rows["synapses"])
    if not len(counts) or float(counts.sum(dtype=np.float64)) <= MOST_COUNTED:
        return
    largest = int(counts.argmax())
    count = int(counts[largest])
    shown = f"more than {MOST_COUNTED:,}" if count > MOST_COUNTED else f"{count:,}"
    raise NumbersTooLarge(
        f"the synapses and gap junctions add up to more than {MOST_COUNTED:,}, up to which sums are exact; "
        f"the largest connection, from {rows['pre'][largest]} to {rows['post'][largest]}, counts {shown}",
        hint="Leave gap junctions out with include = chemical, or add the dataset again with the numbers of "
        "its gap junctions as weights.",
    )


def load_neurons(con: duckdb.DuckDBPyConnection, dataset_id: str, column: str | None = None) -> Neurons:
    """Load the neurons of a dataset; ``column`` is one more of their columns, as text."""
    more = "brain_structure::VARCHAR AS structure" + (f', "{column}"::VARCHAR AS more' if column else "")
    found = con.execute(_NEURONS.format(more=more), {"dataset_id": dataset_id}).fetchnumpy()
    return Neurons(
        ids=np.asarray(found["neuron_id"], np.int64),
        names=_labels(found["name"]),
        cell_classes=_labels(found["cell_class"]),
        neurotransmitters=_labels(found["neurotransmitter"]),
        structures=_labels(found["structure"]),
        column=_labels(found["more"]) if column else np.zeros(0, object),
    )


def _built(neurons: Neurons, selection: Selection, rows: dict[str, Counts]) -> Connectome:
    """Filter the rows, count the dropped ones, and build the graph from the others."""
    pre, pre_known = _positions(neurons.ids, rows.pop("pre"))
    post, post_known = _positions(neurons.ids, rows.pop("post"))
    synapses, every = rows["synapses"], rows.get("every", rows["synapses"])
    passes = synapses > 0
    used = np.ones(len(neurons.ids), np.bool_)
    if selection.by_neuron:
        may_send, may_receive = ends(neurons, selection)
        passes &= may_send[pre] & may_receive[post] if len(neurons.ids) else False
        used = may_send | may_receive
    kept, dropped = _drop_filtered(
        pre, post, synapses, every, pre_known & post_known, passes, selection.min_synapses
    )
    if selection.narrows and len(synapses) and not kept.any():
        raise _empty_graph_error(dropped, _suggest_filter(dropped, neurons, selection))
    place = np.cumsum(used, dtype=np.int32) - 1
    count = int(np.count_nonzero(used))
    before, after = (place[end[kept]].astype(np.int32) for end in (pre, post))
    ordered = sort_by_row(count, before, after, synapses[kept])
    return Connectome(
        neuron_ids=neurons.ids[used],
        names=neurons.names[used],
        cell_classes=neurons.cell_classes[used],
        neurotransmitters=neurons.neurotransmitters[used],
        pre=ordered.pre,
        post=ordered.post,
        synapse_count=ordered.synapse_count,
        start=ordered.start,
        dropped=dropped,
    )


def ends(neurons: Neurons, selection: Selection) -> tuple[Mask, Mask]:
    """Return masks of the neurons that may be presynaptic and postsynaptic."""
    listed = np.ones(len(neurons.ids), np.bool_)
    if selection.neuron_ids is not None:
        wanted = np.array(selection.neuron_ids, np.int64)
        _, known = _positions(neurons.ids, wanted)
        if not known.all():
            missing = [str(each) for each in wanted[~known][:3].tolist()]
            raise UnknownNeuron(
                f"neuron_ids: {np.count_nonzero(~known):,} of them are not in the dataset, such as "
                f"{', '.join(missing)}",
                hint="SELECT neuron_id, name FROM neurons lists them.",
            )
        listed = np.isin(neurons.ids, wanted)

    def end(classes: tuple[str, ...] | None, structures: tuple[str, ...] | None) -> Mask:
        mask = listed.copy()
        for wanted, has in ((classes, neurons.cell_classes), (structures, neurons.structures)):
            if wanted is not None:
                mask &= np.isin(has.astype(str), wanted) & (has != None)  # noqa: E711 - elementwise
        return mask

    return (
        end(selection.pre_class, selection.pre_structure),
        end(selection.post_class, selection.post_structure),
    )


def _positions(ids: Ids, wanted: Ids) -> tuple[Index, Mask]:
    """Return the position of each wanted id among the sorted ids, and whether it is one of them."""
    if not len(ids):
        return np.zeros(len(wanted), np.int32), np.zeros(len(wanted), np.bool_)
    places = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return places.astype(np.int32), ids[places] == wanted


def _drop_filtered(
    pre: Index, post: Index, synapses: Counts, every: Counts, known: Mask, passes: Mask, minimum: int
) -> tuple[Mask, DroppedConnections]:
    """Return the mask of the connections that stay, and the count of the others by reason."""
    to_self = known & (pre == post)
    outside = known & ~to_self & ~passes
    weak = known & ~to_self & passes & (synapses < minimum)
    partly = int((every - synapses)[known & ~to_self & passes].sum())

    def tally(mask: Mask, counts: Counts, more: int = 0) -> ConnectionTally:
        return ConnectionTally(int(np.count_nonzero(mask)), int(counts[mask].sum()) + more)

    return known & ~to_self & passes & ~weak, DroppedConnections(
        absent_neurons=tally(~known, every),
        self_connections=tally(to_self, every),
        outside_filters=tally(outside, every, partly),
        below_min_synapses=tally(weak, synapses),
    )


def _labels(column: Any) -> Labels:
    """Return the strings of a column; None if null or empty."""
    return np.array([value or None for value in np.ma.asarray(column, object).tolist()], object)


def _suggest_filter(dropped: DroppedConnections, neurons: Neurons, selection: Selection) -> str:
    """Return which filter to change: one whose column is empty, the one that excluded everything, or any."""
    for name, wanted, has in (
        ("brain_structure", (selection.pre_structure, selection.post_structure), neurons.structures),
        ("cell_class", (selection.pre_class, selection.post_class), neurons.cell_classes),
    ):
        if any(wanted) and not (has != None).any():  # noqa: E711 - elementwise
            return f"The filter goes by the neurons' {name}, and none of this dataset has one: leave it out."
    if dropped.below_min_synapses.connections and not dropped.outside_filters.connections:
        return f"Lower min_synapses; it is {selection.min_synapses}."
    return "Relax them; SELECT DISTINCT cell_class, brain_structure FROM neurons shows what is there."


def _empty_graph_error(dropped: DroppedConnections, hint: str) -> EmptyGraph:
    reasons = {
        "the other filters": dropped.outside_filters.connections,
        "min_synapses": dropped.below_min_synapses.connections,
        "that they end at the neuron they start from": dropped.self_connections.connections,
        "neurons absent from `neurons`": dropped.absent_neurons.connections,
    }
    shown = ", ".join(f"{count:,} by {reason}" for reason, count in reasons.items() if count)
    return EmptyGraph(
        f"no connection is left for the graph; left out are {shown}",
        hint=hint,
    )
