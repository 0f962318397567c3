"""Convert the two C. elegans connectomes from CSV to the Parquet that ships inside the package.

    python scripts/convert_celegans.py SOURCE_FOLDER

SOURCE_FOLDER holds ``celegans_varshney_2011/{connections,neurons}.csv`` and
``celegans_white_1986/connections.csv``. Columns of ``connections.csv``: pre, post, kind, synapses; of
``neurons.csv``: name, cell_class, cell_type, neurotransmitter, description.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import duckdb

BUNDLED = Path(__file__).parents[1] / "service" / "syndb_service" / "bundled"
LICENCE = "Facts reported by the cited paper; no licence is claimed for them. Cite the paper."


@dataclass(frozen=True)
class Paper:
    """A published connectome and its citation."""

    name: str
    title: str
    citation: str
    doi: str
    description: str

    @property
    def metadata(self) -> str:
        """The dataset.toml."""
        fields = {
            "id": str(uuid5(NAMESPACE_URL, f"https://doi.org/{self.doi}")),
            "name": self.name,
            "title": self.title,
            "species": "Caenorhabditis elegans",
            "version": "1",
            "licence": LICENCE,
            "citation": self.citation,
            "doi": self.doi,
            "visibility": "public",
            "description": self.description,
        }
        lines = [f'{key} = "{value}"' for key, value in fields.items()]
        return "\n".join([*lines, "", "[units.neuron_relations]", 'weight = "gap junctions"', ""])


VARSHNEY = Paper(
    name="celegans_varshney_2011",
    title="C. elegans hermaphrodite, somatic nervous system (Varshney et al. 2011)",
    citation=(
        "Varshney LR, Chen BL, Paniagua E, Hall DH, Chklovskii DB (2011). Structural properties of the "
        "Caenorhabditis elegans neuronal network. PLoS Computational Biology 7(2): e1001066. "
        "doi:10.1371/journal.pcbi.1001066"
    ),
    doi="10.1371/journal.pcbi.1001066",
    description=(
        "279 neurons of the hermaphrodite's somatic nervous system. Chemical synapses are directed. Gap "
        "junctions (neuron_relations) are symmetric and listed in both directions, three self-junctions "
        "once. Names, classes, types and neurotransmitters follow WormAtlas; a missing neurotransmitter "
        "is unknown. The neurotransmitters are the file's, and not the last word: Pereira et al. 2015 "
        "(doi:10.7554/eLife.12432) found AVA, AVB, AVD, AVE and PVC cholinergic. The source counts "
        "synapses per pair of neurons, so synapses have no positions; ids are given in the order of the "
        "names."
    ),
)
WHITE = Paper(
    name="celegans_white_1986",
    title="C. elegans hermaphrodite, whole animal (White et al. 1986)",
    citation=(
        "White JG, Southgate E, Thomson JN, Brenner S (1986). The structure of the nervous system of the"
        " nematode Caenorhabditis elegans. Philosophical Transactions of the Royal Society of London B "
        "314(1165): 1-340. doi:10.1098/rstb.1986.0056"
    ),
    doi="10.1098/rstb.1986.0056",
    description=(
        "309 cells of the whole animal: neurons, and the glia and muscles they reach. Chemical synapses "
        "are directed. Gap junctions (neuron_relations) are symmetric and listed once a pair, as in the "
        "source. Class, type, neurotransmitter and description are not of this paper: they are taken "
        "from the neurons of the same names in celegans_varshney_2011 and missing for the other 30 "
        "cells; of the neurotransmitters holds what is said there. Among the 279 neurons of "
        "celegans_varshney_2011 it has that paper's connections and gap junctions, to the synapse: the "
        "two are no independent measurements. The source counts synapses per pair of cells, so synapses "
        "have no positions; ids are given in the order of the names."
    ),
)


def convert(paper: Paper, connections: Path, neurons: Path) -> None:
    """Write one paper's dataset folder."""
    folder = BUNDLED / paper.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.toml").write_text(paper.metadata, encoding="utf-8")
    with duckdb.connect() as con:
        con.execute("CREATE TABLE edges AS SELECT * FROM read_csv(?, all_varchar=true)", [str(connections)])
        con.execute("CREATE TABLE known AS SELECT * FROM read_csv(?, all_varchar=true)", [str(neurons)])
        con.execute(
            "CREATE TABLE neurons AS SELECT row_number() OVER (ORDER BY name) AS neuron_id, name, "
            "k.cell_class, k.cell_type, k.neurotransmitter AS majority_neurotransmitter, k.description "
            "FROM (SELECT pre AS name FROM edges UNION SELECT post FROM edges) LEFT JOIN known k USING (name)"
        )
        con.execute(
            "CREATE TABLE ends AS SELECT p.neuron_id AS pre_neuron_id, q.neuron_id AS post_neuron_id, kind, "
            "CAST(synapses AS BIGINT) AS number FROM edges "
            "JOIN neurons p ON pre = p.name JOIN neurons q ON post = q.name"
        )
        write(con, folder / "neurons.parquet", "SELECT * FROM neurons ORDER BY neuron_id")
        write(
            con,
            folder / "synapses.parquet",
            "SELECT row_number() OVER () AS synapse_id, pre_neuron_id, post_neuron_id FROM (SELECT *, "
            "unnest(range(number)) FROM ends WHERE kind = 'chemical' ORDER BY pre_neuron_id, post_neuron_id)",
        )
        write(
            con,
            folder / "neuron_relations.parquet",
            "SELECT pre_neuron_id, post_neuron_id, 'gap_junction' AS relation, "
            "CAST(number AS DOUBLE) AS weight FROM ends "
            "WHERE kind = 'electrical' ORDER BY pre_neuron_id, post_neuron_id",
        )


def write(con: duckdb.DuckDBPyConnection, path: Path, select: str) -> None:
    """Write one table and print its number of rows."""
    rows = con.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)").fetchall()
    print(f"{path.parent.name}/{path.name}: {rows[0][0]} rows, {path.stat().st_size} bytes")


def main() -> None:
    """Convert both connectomes."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    source = Path(sys.argv[1])
    neurons = source / VARSHNEY.name / "neurons.csv"
    for paper in (VARSHNEY, WHITE):
        convert(paper, source / paper.name / "connections.csv", neurons)


if __name__ == "__main__":
    main()
