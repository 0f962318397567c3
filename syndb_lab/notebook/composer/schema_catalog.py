"""The catalog of datasets for the composer's tree and completion, and examples that match it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from syndb_lab.datasets import Dataset, row_count

EXAMPLES: Final[tuple[tuple[str, dict[str, tuple[str, ...]], str], ...]] = (
    (
        "Neurons by class",
        {"neurons": ("dataset_id", "cell_class")},
        "SELECT cell_class, count(*) AS neurons\nFROM neurons\nWHERE dataset_id = :dataset\n"
        "GROUP BY ALL\nORDER BY neurons DESC",
    ),
    (
        "The strongest connections, with names",
        {
            "neurons": ("dataset_id", "neuron_id", "name"),
            "connections": ("dataset_id", "pre_neuron_id", "post_neuron_id", "synapse_count"),
        },
        "SELECT pre.name AS pre, post.name AS post, c.synapse_count\nFROM connections c\n"
        "JOIN neurons pre ON pre.dataset_id = c.dataset_id AND pre.neuron_id = c.pre_neuron_id\n"
        "JOIN neurons post ON post.dataset_id = c.dataset_id AND post.neuron_id = c.post_neuron_id\n"
        "WHERE c.dataset_id = :dataset\nORDER BY c.synapse_count DESC\nLIMIT 20",
    ),
    (
        "Who drives a neuron",
        {
            "neurons": ("dataset_id", "neuron_id", "name"),
            "connections": ("dataset_id", "pre_neuron_id", "post_neuron_id", "synapse_count"),
        },
        "SELECT pre.name AS partner, pre.cell_class, c.synapse_count\nFROM connections c\n"
        "JOIN neurons pre ON pre.dataset_id = c.dataset_id AND pre.neuron_id = c.pre_neuron_id\n"
        "JOIN neurons post ON post.dataset_id = c.dataset_id AND post.neuron_id = c.post_neuron_id\n"
        "WHERE c.dataset_id = :dataset AND post.name = :neuron\nORDER BY c.synapse_count DESC",
    ),
    (
        "Connections that are returned",
        {"connections": ("dataset_id", "pre_neuron_id", "post_neuron_id", "synapse_count")},
        "SELECT a.pre_neuron_id, a.post_neuron_id, a.synapse_count AS forth, b.synapse_count AS back\n"
        "FROM connections a\nJOIN connections b ON b.dataset_id = a.dataset_id\n"
        "  AND b.pre_neuron_id = a.post_neuron_id AND b.post_neuron_id = a.pre_neuron_id\n"
        "WHERE a.dataset_id = :dataset AND a.pre_neuron_id < a.post_neuron_id\nORDER BY forth + back DESC",
    ),
    (
        "Synapses by class of the neurons",
        {
            "neurons": ("dataset_id", "neuron_id", "cell_class"),
            "connections": ("dataset_id", "pre_neuron_id", "post_neuron_id", "synapse_count"),
        },
        "SELECT pre.cell_class AS from_class, post.cell_class AS to_class, sum(c.synapse_count) AS synapses\n"
        "FROM connections c\n"
        "JOIN neurons pre ON pre.dataset_id = c.dataset_id AND pre.neuron_id = c.pre_neuron_id\n"
        "JOIN neurons post ON post.dataset_id = c.dataset_id AND post.neuron_id = c.post_neuron_id\n"
        "WHERE c.dataset_id = :dataset\nGROUP BY ALL\nORDER BY synapses DESC",
    ),
)
"""A title, the tables and columns that the SQL needs, the SQL."""

ANALYSES: Final = (
    ("Motifs of three neurons", "motifs"),
    ("The whole analysis of a graph", "full"),
)


def catalogue(datasets: Sequence[Dataset]) -> list[dict[str, Any]]:
    """Describe the datasets with their tables, rows, columns, types and units."""
    return [
        {
            "id": dataset.id,
            "name": dataset.name,
            **{
                name: str(dataset.description.get(name) or "")
                for name in ("title", "species", "version", "visibility", "citation")
            },
            "tables": [
                {
                    "name": name,
                    "rows": row_count(table),
                    "columns": [
                        {key: str(column.get(key) or "") for key in ("name", "type", "unit", "description")}
                        for column in table["columns"]
                    ],
                }
                for name, table in dataset.tables.items()
            ],
        }
        for dataset in datasets
    ]


def examples(datasets: Sequence[Dataset], analyses: Sequence[str]) -> list[dict[str, Any]]:
    """List the examples whose tables and columns exist, and the analyses that the service offers."""
    available: dict[str, set[str]] = {}
    for dataset in datasets:
        for name, table in dataset.tables.items():
            available.setdefault(name, set()).update(str(column["name"]) for column in table["columns"])
    found: list[dict[str, Any]] = [
        {"title": title, "kind": "query", "sql": sql}
        for title, needs, sql in EXAMPLES
        if all(set(columns) <= available.get(table, set()) for table, columns in needs.items())
    ]
    return found + [
        {"title": title, "kind": "graph", "analysis": analysis}
        for title, analysis in ANALYSES
        if datasets and analysis in analyses
    ]
