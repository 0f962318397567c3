"""CAVE: synapse tables, as CAVEclient returns them and as published releases contain them.

Source: https://github.com/CAVEconnectome/CAVEclient, ``materializationengine.synapse_query``
(pre_pt_root_id, post_pt_root_id; id 0 is outside the segmentation; positions in voxels of the datastack
unless a ``desired_resolution`` was requested, split into ``_x``, ``_y``, ``_z`` or as a list); the columns
id, valid, size, ctr_pt_position of https://alleninstitute.github.io/microns_tutorial, and cleft_score,
connection_score, neuropil of FlyWire's release https://zenodo.org/records/10676866.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from syndb_service.ingest.exports.file_probe import FileProbe, files_with_columns
from syndb_service.ingest.exports.import_plan import (
    Cell,
    Cut,
    ImportPart,
    ImportPlan,
    Options,
    match_columns,
    unused_columns,
)
from syndb_service.ingest.issues import IssueList

NAME: Final = "cave"
TITLE: Final = "a CAVE synapse table"
FILES: Final = "pre_pt_root_id, post_pt_root_id, … as CSV or Parquet (several files: in a folder)"

_ENDS: Final = ("pre_pt_root_id", "post_pt_root_id")
_WANTED: Final = {
    "synapse_id": ("id",),
    "pre_neuron_id": _ENDS[:1],
    "post_neuron_id": _ENDS[1:],
    "cleft_score": ("cleft_score",),
    "brain_structure": ("neuropil",),
}
_POSITIONS: Final = ("ctr_pt_position", "post_pt_position", "pre_pt_position")
_NUMBER: Final = r"[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?"
_NO_COLUMN: Final = "the tables have no column for it"
_REASONS: Final = {
    "size": "a number of voxels, and the tables have no column for it",
    "connection_score": "a score that is no confidence from 0 to 1",
    "pre_pt_supervoxel_id": "an id of the segmentation",
    "post_pt_supervoxel_id": "an id of the segmentation",
}


def recognises(files: Sequence[FileProbe]) -> bool:
    """Return whether a table has pre_pt_root_id and post_pt_root_id."""
    return bool(files_with_columns(files, *_ENDS))


def plan(files: Sequence[FileProbe], options: Options, issues: IssueList) -> ImportPlan:
    """Plan each synapse with its position, in nm if the size of a voxel is given."""
    tables = files_with_columns(files, *_ENDS)
    if not tables:
        issues.add("--format cave", f"no file has the columns {' and '.join(_ENDS)}")
        return ImportPlan([])
    probe = tables[0]
    cells = match_columns(probe, _WANTED) | _position(probe, options.voxel_nm)
    cuts = [
        Cut(
            f"trim(CAST({{{place}}} AS VARCHAR)) = '0'",
            (probe.names[_ENDS[0]], probe.names[_ENDS[1]]),
            f"their {end} is 0: the point is out of the segmentation",
        )
        for place, end in enumerate(_ENDS)
    ]
    if probe.has("valid"):
        sql = "lower(trim(CAST({0} AS VARCHAR))) IN ('f', 'false', '0')"
        cuts.append(Cut(sql, (probe.names["valid"],), "they are marked as not valid"))
    left = unused_columns(probe, cells, _REASONS | {"valid": "only valid rows are taken"}, _NO_COLUMN)
    notes, units = [], {}
    if "x" in cells and options.voxel_nm is None:
        units = {"synapses": dict.fromkeys("xyz", "voxel")}
        notes = ["Positions stay as they are, with the unit voxel: --voxel-nm 4,4,40 turns them into nm."]
    unread = {
        other.label: "one table is read" if other in tables else _NO_COLUMN
        for other in files
        if other != probe
    }
    return ImportPlan([ImportPart(probe, "synapses", cells, left, tuple(cuts))], unread, notes, units=units)


def _position(probe: FileProbe, voxel: tuple[float, float, float] | None) -> dict[str, Cell]:
    scales = voxel or (None, None, None)
    for name in _POSITIONS:
        if probe.has(*(f"{name}_{axis}" for axis in "xyz")):
            return {
                axis: Cell((probe.names[f"{name}_{axis}"],), "{0}", scale)
                for axis, scale in zip("xyz", scales, strict=True)
            }
        if probe.has(name):
            of = "{0}[%d]" if probe.is_parquet else f"regexp_extract_all({{0}}, '{_NUMBER}')[%d]"
            return {
                axis: Cell((probe.names[name],), of % place, scale)
                for place, (axis, scale) in enumerate(zip("xyz", scales, strict=True), 1)
            }
    return {}
