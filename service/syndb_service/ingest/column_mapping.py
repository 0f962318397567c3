"""Maps the columns of a file to the columns of the schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from syndb_service.domain.datasets import TABLES, Column
from syndb_service.domain.graph.connection_sql import MOST_COUNTED
from syndb_service.ingest.issues import IssueList, advise
from syndb_service.ingest.table_files import EDGES

MOST_SYNAPSES: Final = 1_000_000
MOST_ROWS: Final = 10_000_000_000
"""Maximum number of synapses of all edges together; each becomes a row."""

EDGE_COLUMNS: Final = (
    Column("pre_neuron_id", "BIGINT", None, "the presynaptic neuron, by id or name", True),
    Column("post_neuron_id", "BIGINT", None, "the postsynaptic neuron, by id or name", True),
    Column(
        "synapse_count",
        "DOUBLE",
        None,
        f"synapses, a whole number from 1 to {MOST_SYNAPSES:,}; for gap junctions any number above 0 and "
        f"up to {MOST_COUNTED:,} in all; "
        "1 where the column is missing",
    ),
    Column("kind", "VARCHAR", None, "chemical (so where the column is missing) or electrical: gap junctions"),
    Column("neurotransmitter", "VARCHAR", None, "the neurotransmitter it releases"),
    Column("brain_structure", "VARCHAR", None, "the brain structure it lies in"),
)

_NOUNS: Final = {EDGES: "an edge list"}
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")

NEURON_REFERENCES: Final = ("pre_neuron_id", "post_neuron_id", "neuron_id")

_PRE: Final = (
    "pre",
    "pre_id",
    "pre_root_id",
    "pre_pt_root_id",
    "bodyid_pre",
    "presynaptic",
    "source",
    "from",
)
_POST: Final = (
    "post",
    "post_id",
    "post_root_id",
    "post_pt_root_id",
    "bodyid_post",
    "postsynaptic",
    "target",
    "to",
)
_ENDS: Final = {"pre_neuron_id": _PRE, "post_neuron_id": _POST}
_TRANSMITTER: Final = ("neurotransmitter", "nt_type", "transmitter")
_REGION: Final = {"brain_structure": ("neuropil", "region", "roi")}

ALIASES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    EDGES: _ENDS
    | _REGION
    | {
        "synapse_count": ("synapses", "weight", "count", "syn_count", "n_synapses", "number"),
        "kind": ("type", "connection_type"),
        "neurotransmitter": _TRANSMITTER[1:],
    },
    "neurons": _REGION
    | {
        "neuron_id": ("id", "root_id", "body_id", "bodyid"),
        "name": ("neuron", "neuron_name"),
        "cell_class": ("class",),
        "cell_type": ("type",),
        "majority_neurotransmitter": _TRANSMITTER,
    },
    "synapses": _ENDS | _REGION | {"synapse_id": ("id",), "neurotransmitter": _TRANSMITTER[1:]},
    "neuron_relations": _ENDS | {"relation": ("kind", "type"), "weight": ("count", "number")},
}


def columns_of(table: str) -> tuple[Column, ...]:
    """Return the columns that a file of this table may contain."""
    return EDGE_COLUMNS if table == EDGES else TABLES[table][1:]


def missing_header_message(table: str, header: Sequence[str], ignored: Iterable[str]) -> str | None:
    """Return what is wrong with a first line of data instead of column names; None if it is a header.

    Examples
    --------
    >>> missing_header_message("edges", ["1", "2", "3"], [])
    "the first line must name the columns, for example pre,post,synapses; it is '1,2,3'"
    >>> missing_header_message("edges", ["pre", "post"], [])
    """
    names = _names(table)
    keys = [field.strip().lower() for field in header]
    if any(key in names or key in {*ignored, "dataset_id"} for key in keys):
        return None
    if not any(map(_NUMBER.fullmatch, keys)) and any(advise(key, names) for key in keys):
        return None
    required = [column.name for column in columns_of(table) if column.required]
    example = "pre,post,synapses" if table == EDGES else ",".join(required)
    first = ",".join(header)
    shown = first if len(first) <= 60 else f"{first[:57]}…"
    return f"the first line must name the columns, for example {example}; it is {shown!r}"


def match_columns(
    table: str, header: Sequence[str], ignored: Iterable[str], file: str, issues: IssueList
) -> dict[str, int]:
    """Find the schema's columns in a header, by name or synonym; record an issue for all other columns.

    Returns
    -------
    dict of str to int
        The position in the header, by the schema's name.
    """
    names = _names(table)
    skipped = {*ignored, "dataset_id"}
    matched: dict[str, int] = {}
    for position, given in enumerate(header):
        key = given.strip().lower()
        if key in skipped:
            continue
        name = names.get(key)
        if not key:
            issues.add(file, f"column {position + 1} has no name", row=1)
        elif name is None:
            advice = advise(key, names) or "; ignore_columns in the metadata leaves it out"
            issues.add(file, f"is not a column of {_NOUNS.get(table, table)}{advice}", column=given)
        elif name in matched:
            issues.add(file, f"is {name} a second time", column=given)
        else:
            matched[name] = position
    _note_missing(table, matched, file, issues)
    return matched


def _names(table: str) -> dict[str, str]:
    columns = [column.name for column in columns_of(table)]
    synonyms = ALIASES.get(table, {})
    return {other: name for name in columns for other in synonyms.get(name, ())} | {n: n for n in columns}


def _note_missing(table: str, matched: dict[str, int], file: str, issues: IssueList) -> None:
    for column in columns_of(table):
        named_neurons = table == "neurons" and column.name == "neuron_id" and "name" in matched
        if column.required and column.name not in matched and not named_neurons:
            issues.add(file, f"is missing: {column.description}", column=column.name)
