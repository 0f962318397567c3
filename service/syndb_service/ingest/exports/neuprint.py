"""neuPrint: the hemibrain's traced adjacencies, and what ``neuprint.fetch_adjacencies`` exports.

Source: https://github.com/connectome-neuprint/neuprint-python, ``neuprint/queries/connectivity.py``
(export_dir: ``neurons.csv`` with bodyId, instance, type; ``total-connections.csv`` with bodyId_pre,
bodyId_post, weight; ``roi-connections.csv`` with a roi besides); the release's ``traced-neurons.csv`` and
``traced-total-connections.csv`` (https://dvid.io/blog/release-v1.2) have the same columns. Properties of a
neuron: https://github.com/connectome-neuprint/neuPrint, ``pgmspecs.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from syndb_service.ingest.exports.file_probe import FileProbe, files_with_columns
from syndb_service.ingest.exports.import_plan import (
    ImportPart,
    ImportPlan,
    Options,
    match_columns,
    unused_columns,
)
from syndb_service.ingest.issues import IssueList

NAME: Final = "neuprint"
TITLE: Final = "neuPrint"
FILES: Final = "traced-neurons.csv, traced-total-connections.csv; neurons, total-, roi-connections"

_NO_COLUMN: Final = "the tables have no column for it"
_NEURONS: Final = {
    "neuron_id": ("bodyid",),
    "name": ("instance",),
    "cell_type": ("type",),
    "cell_class": ("superclass", "class"),
    "majority_neurotransmitter": ("consensusnt", "predictednt"),
}
_CONNECTIONS: Final = {
    "pre_neuron_id": ("bodyid_pre",),
    "post_neuron_id": ("bodyid_post",),
    "synapse_count": ("weight",),
    "brain_structure": ("roi",),
}


def recognises(files: Sequence[FileProbe]) -> bool:
    """Return whether there is a table of neurons (bodyId) or connections (bodyId_pre, bodyId_post)."""
    return bool(files_with_columns(files, "bodyid") or files_with_columns(files, "bodyid_pre", "bodyid_post"))


def plan(files: Sequence[FileProbe], options: Options, issues: IssueList) -> ImportPlan:
    """Plan neurons and total connections; connections by ROI only if there are no totals."""
    parts = []
    unread = {}
    neurons = files_with_columns(files, "bodyid")
    connections = sorted(
        files_with_columns(files, "bodyid_pre", "bodyid_post", "weight"), key=lambda probe: probe.has("roi")
    )
    for probe, table, wanted in [(probe, "neurons", _NEURONS) for probe in neurons] + [
        (probe, "edges", _CONNECTIONS) for probe in connections[:1]
    ]:
        cells = match_columns(probe, wanted)
        parts.append(ImportPart(probe, table, cells, unused_columns(probe, cells, {}, _NO_COLUMN)))
    for probe in connections[1:]:
        unread[probe.label] = f"it holds the connections of {connections[0].label} again" + (
            " by ROI; leave that one out to have them so" if probe.has("roi") else ""
        )
    read = {part.probe.label for part in parts}
    unread |= {probe.label: _NO_COLUMN for probe in files if probe.label not in read | unread.keys()}
    if not parts:
        issues.add("--format neuprint", "no file has a column bodyId, or bodyId_pre, bodyId_post and weight")
    return ImportPlan(parts, unread)
