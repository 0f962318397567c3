"""GraphML: nodes are neurons, directed edges are connections.

Source: the GraphML specification, http://graphml.graphdrawing.org/specification.html (``key`` with attr.name,
``node``, ``edge``, ``data``), as networkx.write_graphml and igraph's write_graphml use it.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import IO, Final, cast
from xml.parsers import expat

from syndb_service.ingest.column_mapping import ALIASES, EDGE_COLUMNS
from syndb_service.ingest.exports.file_probe import FileProbe
from syndb_service.ingest.exports.import_plan import Cell, ImportPart, ImportPlan, Options
from syndb_service.ingest.exports.parquet_rows import ParquetRows, open_parquet_rows
from syndb_service.ingest.issues import IssueList

NAME: Final = "graphml"
TITLE: Final = "GraphML"
FILES: Final = "a directed graph; nodes are neurons"

_NO_COLUMN: Final = "the tables have no column for it"
_NEURONS: Final = {
    "neuron_id": ("neuron_id", "root_id", "body_id", "bodyid", "skeleton_id"),
    "name": ("name", "neuron_name", "label"),
    "cell_class": ("cell_class", "class", "super_class"),
    "cell_type": ("cell_type", "type"),
    "majority_neurotransmitter": ("majority_neurotransmitter", "neurotransmitter", "nt_type"),
    "brain_structure": ("brain_structure", "region", "neuropil", "roi"),
    "description": ("description",),
}
_EDGES: Final = {
    column.name: (column.name, *ALIASES["edges"].get(column.name, ())) for column in EDGE_COLUMNS[2:]
}


def recognises(files: Sequence[FileProbe]) -> bool:
    """Return whether the only file ends in .graphml."""
    return len(files) == 1 and files[0].ending.startswith(".graphml")


def plan(files: Sequence[FileProbe], options: Options, issues: IssueList) -> ImportPlan:
    """Plan nodes with the attributes that the tables have, and edges with their number of synapses."""
    graphs = [probe for probe in files if probe.ending.startswith(".graphml")]
    if len(graphs) != 1:
        issues.add("--format graphml", f"one file that ends in .graphml is needed; there are {len(graphs)}")
        return ImportPlan([])
    probe = graphs[0]
    columns = list(_NEURONS), list(_EDGES)
    with open_parquet_rows(
        options.work, "graphml", ("node", *columns[0]), ("pre", "post", *columns[1])
    ) as made:
        neurons, edges, neurons_path, edges_path = made
        graph = _Graph(probe, neurons, edges, issues)
        with _bytes(probe) as file:
            graph.read(file)
    if graph.faulty:
        return ImportPlan([])
    own = "neuron_id" in graph.brought["node"]
    cells = {name: Cell((name,)) for name in columns[0] if name in graph.brought["node"]}
    cells["neuron_id"] = Cell(("neuron_id",)) if own else Cell(("node",))
    ends = {"pre_neuron_id": Cell(("pre",)), "post_neuron_id": Cell(("post",))}
    ends |= {name: Cell((name,)) for name in columns[1] if name in graph.brought["edge"]}
    counted = "synapse_count" in ends or "kind" in ends
    left = [dict.fromkeys(sorted(graph.left[kind]), _NO_COLUMN) for kind in ("node", "edge")]
    parts = [
        ImportPart(probe, "neurons", cells, left[0], made=neurons_path),
        ImportPart(probe, "edges" if counted else "synapses", ends, left[1], made=edges_path),
    ]
    notes = [] if counted else ["The edges have no number of synapses: each edge is one synapse."]
    return ImportPlan(parts, notes=notes)


def _bytes(probe: FileProbe) -> IO[bytes]:
    path = probe.paths[0]
    return cast("IO[bytes]", gzip.open(path, "rb")) if probe.ending.endswith(".gz") else path.open("rb")


class _Graph:
    """Streaming parser of one file; keeps only the ids of nodes, and only if they differ from the names."""

    def __init__(self, probe: FileProbe, neurons: ParquetRows, edges: ParquetRows, issues: IssueList) -> None:
        self.brought: dict[str, set[str]] = {"node": set(), "edge": set()}
        self.left: dict[str, set[str]] = {"node": set(), "edge": set()}
        self.faulty = False
        self._probe, self._neurons, self._edges, self._issues = probe, neurons, edges, issues
        self._keys: dict[str, tuple[str, str]] = {}
        self._ids: dict[str, str] = {}
        self._item: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._data: str | None = None
        self._text: list[str] = []
        self._line = 0
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        self._parser = parser

    def read(self, file: IO[bytes]) -> None:
        try:
            self._parser.ParseFile(file)
        except expat.ExpatError as error:
            self._note(f"is no XML: {expat.ErrorString(error.code)}", error.lineno)
        except (OSError, EOFError):
            self._note("is not a whole gzip file", None)

    def _note(self, message: str, line: int | None) -> None:
        self.faulty = True
        self._issues.add(self._probe.label, message, row=line)

    def _doctype(self, *_: object) -> None:
        self._note("declares a DOCTYPE, which is not read", self._parser.CurrentLineNumber)
        self._parser.StartElementHandler = None
        self._parser.EndElementHandler = None

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        if name == "key" and "id" in attributes:
            self._key(attributes)
        elif name == "graph" and attributes.get("edgedefault") == "undirected":
            self._note(
                "is an undirected graph: it does not say which neuron is presynaptic",
                self._parser.CurrentLineNumber,
            )
        elif name in self.brought:
            self._item, self._values, self._line = attributes, {}, self._parser.CurrentLineNumber
        elif name == "data":
            self._data, self._text = attributes.get("key"), []

    def _key(self, attributes: dict[str, str]) -> None:
        kind, attribute = attributes.get("for", "all"), attributes.get("attr.name", attributes["id"]).lower()
        for each, wanted in (("node", _NEURONS), ("edge", _EDGES)):
            if kind not in (each, "all"):
                continue
            column = next((name for name, others in wanted.items() if attribute in others), "")
            self._keys[f"{each} {attributes['id']}"] = (column, attribute)

    def _characters(self, text: str) -> None:
        if self._data is not None:
            self._text.append(text)

    def _end(self, tag: str) -> None:
        name = tag.rpartition(" ")[2]
        if name == "data" and self._data is not None:
            self._values[self._data] = "".join(self._text)
            self._data = None
        elif name == "node":
            self._node()
        elif name == "edge":
            self._edge()

    def _attributes(self, kind: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for key, value in self._values.items():
            column, attribute = self._keys.get(f"{kind} {key}", ("", key))
            if column and column not in found:
                found[column] = value
                self.brought[kind].add(column)
            else:
                self.left[kind].add(attribute)
        return found

    def _node(self) -> None:
        found, node = self._attributes("node"), self._item.get("id", "")
        if found.get("neuron_id", node) != node:
            self._ids[node] = found["neuron_id"]
        self._neurons.add(self._line, node, *(found.get(name) for name in _NEURONS))

    def _edge(self) -> None:
        found = self._attributes("edge")
        nodes = (self._item.get(end, "") for end in ("source", "target"))
        ends = [self._ids.get(node, node) for node in nodes]
        self._edges.add(self._line, *ends, *(found.get(name) for name in _EDGES))
