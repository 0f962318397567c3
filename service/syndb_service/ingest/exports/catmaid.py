"""CATMAID: the CSV files that its 3D viewer exports.

Source: https://github.com/catmaid/CATMAID, ``django/applications/catmaid/static/js/widgets/3dviewer.js``:
``synapses.csv`` (pre_skeleton_id, pre_treenode_id, post_skeleton_id, post_treenode_id), beside which
``neuron_name_vs_skeleton_id.csv`` (Skeleton ID, Neuron name) comes, and ``connectors.csv`` (connector_id,
skeleton_id, treenode_id, relation_id, x, y, z in nm of the project). Its matrices of connectivity are
adjacency matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from syndb_service.ingest.exports.file_probe import FileProbe, files_with_columns
from syndb_service.ingest.exports.import_plan import (
    Cell,
    ImportPart,
    ImportPlan,
    Options,
    match_columns,
    unused_columns,
)
from syndb_service.ingest.issues import IssueList

NAME: Final = "catmaid"
TITLE: Final = "CATMAID"
FILES: Final = "synapses.csv or connectors.csv of the 3D viewer, neuron_name_vs_skeleton_id.csv"

_NO_COLUMN: Final = "the tables have no column for it"
_TREENODES: Final = "places on a skeleton, which the tables do not hold"
_SYNAPSES: Final = {"pre_neuron_id": ("pre_skeleton_id",), "post_neuron_id": ("post_skeleton_id",)}
_ONCE: Final = (
    "(SELECT min(rowid) + 1 AS _at, pre_skeleton_id, post_skeleton_id FROM {file} "
    "GROUP BY pre_skeleton_id, pre_treenode_id, post_skeleton_id, post_treenode_id)"
)
_CONNECTORS: Final = ("connector_id", "skeleton_id", "relation_id")
_LINKED: Final = (
    "(SELECT a.rowid + 1 AS _at, a.skeleton_id AS pre, b.skeleton_id AS post, a.x, a.y, a.z FROM {file} a "
    "JOIN {file} b ON trim(a.connector_id) = trim(b.connector_id) "
    "WHERE trim(a.relation_id) = 'presynaptic_to' AND trim(b.relation_id) = 'postsynaptic_to')"
)


def recognises(files: Sequence[FileProbe]) -> bool:
    """Whether a table contains synapses between skeletons, or connectors."""
    return bool(
        files_with_columns(files, "pre_skeleton_id", "post_skeleton_id")
        or files_with_columns(files, *_CONNECTORS)
    )


def plan(files: Sequence[FileProbe], options: Options, issues: IssueList) -> ImportPlan:
    """Plan synapses between skeletons; a connector gives one for each pair of its two sides."""
    parts = []
    notes = []
    tables = files_with_columns(files, *_CONNECTORS, "x", "y", "z") or files_with_columns(
        files, "pre_skeleton_id", "post_skeleton_id"
    )
    if not tables:
        needed = "pre_skeleton_id and post_skeleton_id, or connector_id, skeleton_id, relation_id, x, y and z"
        issues.add("--format catmaid", f"no file has the columns {needed}")
        return ImportPlan([])
    probe = tables[0]
    named = files_with_columns(files, "skeleton id", "neuron name")[:1]
    for names in named:
        cells = match_columns(names, {"neuron_id": ("skeleton id",), "name": ("neuron name",)})
        parts.append(ImportPart(names, "neurons", cells, unused_columns(names, cells, {}, _NO_COLUMN)))
    if probe.has("connector_id"):
        parts.append(_connectors(probe))
        notes.append("A connector gives one synapse for each pair of its two sides.")
    else:
        parts.append(_synapses(probe))
        if parts[-1].origin:
            notes.append(
                "A row that repeats another is taken once: the export lists the synapses of every skeleton "
                "that was chosen, those between two of them twice."
            )
    read = {part.probe.label for part in parts}
    unread = {
        other.label: "one table of synapses is read" if other in tables else _NO_COLUMN
        for other in files
        if other.label not in read
    }
    return ImportPlan(parts, unread, notes)


def _connectors(probe: FileProbe) -> ImportPart:
    cells = {"pre_neuron_id": Cell(("skeleton_id",), "pre"), "post_neuron_id": Cell(("skeleton_id",), "post")}
    cells |= {axis: Cell((axis,), axis) for axis in "xyz"}
    left = {"treenode_id": _TREENODES} if probe.has("treenode_id") else {}
    return ImportPart(probe, "synapses", cells, left, origin=_LINKED)


def _synapses(probe: FileProbe) -> ImportPart:
    cells = match_columns(probe, _SYNAPSES)
    left = unused_columns(probe, cells, {}, _TREENODES)
    whole = probe.has("pre_treenode_id", "post_treenode_id")
    return ImportPart(probe, "synapses", cells, left, origin=_ONCE if whole else "")
