"""Scores from the neuron table of a graph job, computed in the whole graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from syndb_lab.errors import ResultUnsuitable, SyndbError
from syndb_lab.subnetwork.model import SHOWN, WHOLE, Subnetwork

if TYPE_CHECKING:
    import pyarrow

NEURON: Final = "neuron_id"
REPEATED: Final = (NEURON, "name", "cell_class", "neurotransmitter")
APART: Final = "_whole"
MORE: Final = "PageRank and more in the whole graph: submit with node_table=True"
AGAIN: Final = "run the job again for the scores of its table: job.rerun()"


def with_table(part: Subnetwork, read: Callable[[], pyarrow.Table]) -> Subnetwork:
    """Add the scores of a job's table to a view; without a table, the view says how to get one.

    A score keeps its name of the table. If the view has another score of that name (its own PageRank; the
    degrees of a graph with ``min_synapses``), ``_whole`` is appended.

    Parameters
    ----------
    part : Subnetwork
        The view.
    read : callable
        Fetches the table; raises ``ResultUnsuitable`` if the job has none.

    Examples
    --------
    >>> from syndb_lab.subnetwork.model import Counts
    >>> shown = {"pagerank": [0.6, 0.4]}, [], 1, Counts(3, 3, 2, 3, 2)
    >>> part = Subnetwork([7, 5], *shown, origins={"pagerank": "in this view"})
    >>> table = pa.table({"neuron_id": [5, 6, 7], "pagerank": [0.1, 0.7, 0.2], "community": [1, 0, 0]})
    >>> with_table(part, lambda: table).columns
    {'pagerank_whole': [0.2, 0.1], 'community': [0, 1], 'pagerank': [0.6, 0.4]}
    """
    try:
        scores = scores_of(read(), part.ids)
    except ResultUnsuitable:
        return replace(part, more=MORE)
    except (SyndbError, OSError, ValueError, LookupError) as error:
        reason = error.message if isinstance(error, SyndbError) else str(error)
        note = f"the scores of the job's table are missing: {reason}"
        return replace(part, notes=[*part.notes, note], more=AGAIN)
    unknown = sum(all(values[row] is None for values in scores.values()) for row in range(len(part.ids)))
    notes = [*part.notes]
    if scores and unknown:
        notes.append(
            f"{unknown:,} of these neurons are not in the job's table: the dataset has changed since"
        )
    of_whole = {
        name if part.origins.get(name, WHOLE) == WHOLE else f"{name}{APART}": values
        for name, values in scores.items()
    }
    before = {name: values for name, values in part.columns.items() if part.origins.get(name, SHOWN) != SHOWN}
    columns = before | of_whole
    columns |= {name: values for name, values in part.columns.items() if name not in columns}
    origins = {**part.origins, **dict.fromkeys(of_whole, WHOLE)}
    return replace(part, columns=columns, origins=origins, notes=notes)


def scores_of(table: pyarrow.Table, neurons: Sequence[int]) -> dict[str, list[Any]]:
    """Read the scores of some neurons, in their order; None for a neuron that is not in the table.

    Columns of the dataset and empty columns are left out.
    """
    import pyarrow as pa
    from pyarrow import compute

    rows = compute.index_in(pa.array(neurons, pa.int64()), value_set=table[NEURON].combine_chunks())
    scores = {name: table[name].take(rows).to_pylist() for name in table.column_names if name not in REPEATED}
    return {
        name: values for name, values in scores.items() if any(value not in (None, "") for value in values)
    }
