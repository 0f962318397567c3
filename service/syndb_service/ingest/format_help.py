"""The help text that describes the format of a dataset folder."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from textwrap import wrap
from typing import Final

from syndb_service.domain.datasets import TABLES, VISIBILITIES, Column
from syndb_service.ingest.column_mapping import ALIASES, EDGE_COLUMNS
from syndb_service.ingest.metadata import MINIMAL, NAME_RULE
from syndb_service.ingest.table_files import EDGE_NAMES, EDGES, SUFFIXES

_INTRODUCTION: Final = """\
A dataset is a folder with a small metadata file and its tables:

  my_connectome/
    dataset.toml        or dataset.json, metadata.toml, metadata.json
    neurons.csv         one row a neuron (may be left out where other tables name the neurons)
    connections.csv     one row for all synapses from one neuron to another, or:
    synapses.parquet    one row a synapse

The smallest dataset.toml:

{minimal}

A name is {name_rule};
without one it is made from the title. The file may also say: title, version, licence, citation, doi,
description, visibility ({visibilities}), restricted_to = ["user:NAME", "group:NAME"], id (a UUID; else
one is made), ignore_columns = ["…"], and
[units] or [units.<table>] with column = "unit" where a unit differs from the one below.

Tables end in {suffixes}, or are a folder <table>/ of .parquet files. A .csv has
commas, semicolons or tabs between its fields, a .tsv tabs. Text is UTF-8, and the first line names the
columns, in any order. A field that is empty is unknown; so is NA, null or none among numbers, while nan and
inf are refused. Tables other than neurons may have no rows.

Neurons have whole numbers of up to 64 bits as ids (in Parquet int64), or names: then they are numbered in
the order of the names, and the other tables use the names. No id occurs twice, no edge twice with the same
kind and brain structure, and neurons.csv, where there is one, lists every neuron that another table names.
Counts, lengths, areas, volumes and weights are never below 0."""

_WORDS: Final = {"BIGINT": "id, name", "DOUBLE": "number", "VARCHAR": "text"}


def describe_format() -> str:
    """Describe the folder format: metadata, files, tables, columns, units and synonyms.

    Examples
    --------
    >>> print(describe_format().splitlines()[0])
    A dataset is a folder with a small metadata file and its tables:
    """
    introduction = _INTRODUCTION.format(
        minimal="\n".join(f"  {line}" for line in MINIMAL.splitlines()),
        name_rule=NAME_RULE,
        visibilities=" or ".join(VISIBILITIES),
        suffixes=", ".join(SUFFIXES),
    )
    edges = _table(f"{EDGE_NAMES[0]} (also {', '.join(EDGE_NAMES[1:])})", EDGES, EDGE_COLUMNS)
    described: set[Column] = set()
    tables = []
    for name, columns in TABLES.items():
        tables.append(_table(name, name, columns[1:], described))
        described.update(columns)
    return "\n\n".join([introduction, "Columns (* is required):", edges, *tables])


def _table(title: str, table: str, columns: Iterable[Column], described: Collection[Column] = ()) -> str:
    """Describe a table; optional columns that an earlier table has are listed in one line."""
    synonyms = ALIASES.get(table, {})
    lines = [title]
    again = []
    for column in columns:
        if column in described and not column.required:
            again.append(column.name)
            continue
        kind = _WORDS[column.type] if table == EDGES else column.type
        mark = "*" if column.required else " "
        unit = f" [{column.unit}]" if column.unit else ""
        others = f" (or {', '.join(synonyms[column.name])})" if column.name in synonyms else ""
        lines.append(f"  {mark} {column.name:<26}{kind:<8} {column.description}{unit}{others}")
    if again:
        named = f"as above: {', '.join(again)}"
        lines += wrap(named, 100, initial_indent=" " * 4, subsequent_indent=" " * 6)
    return "\n".join(lines)
