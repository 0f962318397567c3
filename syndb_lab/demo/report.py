"""The tables of the demo: the query's result, and the graph's measures next to those of the paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    import polars

PAPER: Final = "Varshney et al. 2011"
UNCONNECTED: Final = frozenset({"003", "012", "102"})
TOP_MOTIFS: Final = 5
TOP_HUBS: Final = 8
NEXT_STEPS: Final = """
Next, in JupyterLab:    make lab
or in Python:           {python}

    import syndb_lab
    lab = syndb_lab.connect()
    worm = lab.datasets().named("celegans_varshney_2011")
    query = "SELECT cell_class, count(*) AS neurons FROM neurons WHERE dataset_id = :id GROUP BY ALL"
    lab.sql(query, parameters={{"id": worm.id}}).to_polars()

The commands are in {commands}, such as {commands}/syndb-lab;
after `source {commands}/activate` they go by their names alone.
"""


def next_steps(commands: Path) -> str:
    """Return the text about what to type next.

    Parameters
    ----------
    commands : Path
        The folder of the environment's commands.

    Examples
    --------
    >>> "or in Python:           .venv/bin/python" in next_steps(Path.cwd() / ".venv" / "bin")
    True
    """
    shown = commands.relative_to(Path.cwd()) if commands.is_relative_to(Path.cwd()) else commands
    return NEXT_STEPS.format(python=shown / "python", commands=shown)


def result_table(frame: polars.DataFrame) -> Table:
    """Build the table of a data frame, with numbers to the right and a dash for NULL."""
    table = Table(box=SIMPLE)
    for name, kind in frame.schema.items():
        table.add_column(escape(name.replace("_", " ")), justify="right" if kind.is_numeric() else "left")
    for row in frame.iter_rows():
        table.add_row(*("–" if value is None else escape(str(value)) for value in row))
    return table


def measures_table(answer: dict[str, Any]) -> Table:
    """Build the table of measures, with the values of the paper where it reports them."""
    strong, weak = answer["strongly_connected_components"], answer["weakly_connected_components"]
    table = Table("figure", "here", PAPER, box=SIMPLE)
    rows = [
        ("neurons", f"{answer['neuron_count']:,}", "279"),
        ("connections", f"{answer['connection_count']:,}", "2,194"),
        ("synapses", f"{answer['synapse_count']:,}", "6,394"),
        ("weakly connected components", f"{weak['count']:,}", "1"),
        ("largest strongly connected component", f"{strong['largest']:,} neurons", "237 neurons"),
        ("mean shortest path in it", f"{answer['mean_shortest_path']:.2f}", "3.48"),
        ("diameter of it", f"{answer['diameter']}", ""),
        ("reciprocity", f"{answer['reciprocity']:.4f}", ""),
        ("mean clustering coefficient", f"{answer['mean_clustering_coefficient']:.4f}", ""),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def motifs_table(answer: dict[str, Any]) -> Table:
    """Build the table of the most frequent connected motifs."""
    census = {name: count for name, count in answer["triadic_census"].items() if name not in UNCONNECTED}
    table = Table("motif of three neurons", "times", box=SIMPLE)
    for name, count in sorted(census.items(), key=lambda item: -item[1])[:TOP_MOTIFS]:
        table.add_row(name, f"{count:,}")
    return table


def hubs_table(answer: dict[str, Any]) -> Table:
    """Build the table of the neurons with the most partners."""
    table = Table("hub", "class", "partners in", "partners out", box=SIMPLE)
    for hub in answer["hubs"][:TOP_HUBS]:
        names = (hub["name"] or hub["neuron_id"], hub["cell_class"] or "–")
        table.add_row(*map(escape, names), str(hub["in_degree"]), str(hub["out_degree"]))
    return table
