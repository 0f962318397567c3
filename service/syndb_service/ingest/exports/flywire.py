"""FlyWire Codex: the tables of its download page.

Source: Codex's own schema of its files, ``codex/data/catalog.py`` and ``codex/data/local_data_loader.py`` of
https://github.com/murthylab/codex: ``neurons`` (root_id, group, nt_type, nt_type_score, …),
``classification`` (root_id, flow, super_class, class, sub_class, hemilineage, side, nerve), ``connections``
(pre_root_id, post_root_id, neuropil, syn_count, nt_type), ``consolidated_cell_types`` (root_id, primary_type,
additional_type(s)), and ``names`` (root_id, name, group) as https://codex.flywire.ai/api/download has it.
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

NAME: Final = "flywire"
TITLE: Final = "FlyWire Codex"
FILES: Final = "neurons, classification, connections, consolidated_cell_types, names (.csv.gz)"

_NO_COLUMN: Final = "the tables have no column for it"
_SCORES: Final = ("nt_type_score", "da_avg", "ser_avg", "gaba_avg", "glut_avg", "ach_avg", "oct_avg")
_REASONS: Final = dict.fromkeys(_SCORES, "a score of the transmitter's prediction") | {
    "group": "made of the neuron's busiest neuropils, which the synapses tell",
    "root_id": "",
}
_NEURONS: Final[dict[str, tuple[str, ...]]] = {"majority_neurotransmitter": ("nt_type",), "name": ("name",)}
_CLASSES: Final[dict[str, tuple[str, ...]]] = {
    "cell_class": ("super_class",),
    "cell_type": ("cell_type", "primary_type"),
}
_DESCRIBED: Final = ("flow", "class", "sub_class", "hemilineage", "side", "nerve")
_CONNECTIONS: Final = {
    "pre_neuron_id": ("pre_root_id",),
    "post_neuron_id": ("post_root_id",),
    "synapse_count": ("syn_count",),
    "brain_structure": ("neuropil",),
    "neurotransmitter": ("nt_type",),
}
_ATTRIBUTES: Final = ("nt_type", "super_class", "primary_type", "cell_type")


def recognises(files: Sequence[FileProbe]) -> bool:
    """Return whether there is a table of neurons (root_id) or connections (pre_root_id, post_root_id)."""
    return bool(_lists(files) or files_with_columns(files, "pre_root_id", "post_root_id", "syn_count"))


def plan(files: Sequence[FileProbe], options: Options, issues: IssueList) -> ImportPlan:
    """Plan neurons with their classes, types and names, and connections by neuropil."""
    lists = sorted(_lists(files), key=lambda probe: (not probe.has("nt_type"), not probe.has("super_class")))
    parts = [_neurons(probe) for probe in lists]
    unread = {}
    connections = sorted(
        files_with_columns(files, *(names[0] for names in list(_CONNECTIONS.values())[:3])),
        key=lambda probe: probe.stem != "connections",
    )
    for position, probe in enumerate(connections):
        if position:
            unread[probe.label] = f"it holds connections again; {connections[0].label} is taken"
            continue
        cells = match_columns(probe, _CONNECTIONS)
        parts.append(ImportPart(probe, "edges", cells, unused_columns(probe, cells, {}, _NO_COLUMN)))
    read = {part.probe.label for part in parts}
    unread |= {probe.label: _NO_COLUMN for probe in files if probe.label not in read | unread.keys()}
    if not parts:
        issues.add(
            "--format flywire", "no file has a column root_id, or pre_root_id, post_root_id and syn_count"
        )
    return ImportPlan(parts, unread, facts={"species": "Drosophila melanogaster"})


def _lists(files: Sequence[FileProbe]) -> list[FileProbe]:
    return [
        probe
        for probe in files_with_columns(files, "root_id")
        if any(probe.has(name) for name in _ATTRIBUTES) or probe.stem in {"neurons", "names"}
    ]


def _neurons(probe: FileProbe) -> ImportPart:
    cells = {"neuron_id": Cell((probe.names["root_id"],))} | match_columns(probe, _NEURONS | _CLASSES)
    described = tuple(probe.names[name] for name in _DESCRIBED if name in probe.names)
    if probe.has("super_class") and described:
        words = ", ".join(
            f"'{given.lower().replace('_', ' ')}: ' || nullif(trim({{{place}}}), '')"
            for place, given in enumerate(described)
        )
        cells["description"] = Cell(described, f"concat_ws('; ', {words})")
    return ImportPart(probe, "neurons", cells, unused_columns(probe, cells, _REASONS, _NO_COLUMN))
