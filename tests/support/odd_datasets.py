"""A real service with datasets of odd shapes: 500 columns, neurons without connections, nothing at all."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from syndb_service.domain.table_schema import TABLES
from tests.support.live_service import Live, running_service

FIRST: Final = 720575940600000001
NEURONS: Final = 30
MEASURES: Final = [f"measure_{number:03d}" for number in range(480)]
SCHEMA: Final = f"""\
from syndb_service.domain.table_schema import TABLES, Column

MORE = [Column(name, "DOUBLE", "nm", "measured") for name in {MEASURES}]
TABLES["neurons"] = (*TABLES["neurons"], *MORE)
assert len(TABLES["neurons"]) == 500
"""
UNCHECKED: Final = """\
from syndb_service.cli.main import main
from syndb_service.ingest import pipeline as preparing

preparing._check_neurons = lambda raws, findings: None
main()
"""


@contextmanager
def odd_service(folder: Path) -> Iterator[Live]:
    """Start a service whose ``neurons`` have 500 columns, with the datasets ``wide``, ``lonely``, ``hollow``.

    The schema is that of the service's code, so each of its processes has it from the start of Python on.
    What the command refuses, a dataset without any row, is there all the same: it may come from elsewhere.
    """
    python = wide_python(folder / "python")
    named = "neuron_id,name"
    two = f"{named}\n{FIRST},A\n{FIRST + 1},B\n"
    add(python, folder, "wide", neurons=wide_neurons(), connections=ring())
    add(python, folder, "lonely", neurons=two, connections="pre,post\n")
    add(python, folder, "hollow", "-c", UNCHECKED, neurons=f"{named}\n", connections="pre,post\n")
    with running_service(folder, python=python) as live:
        yield live


def wide_python(folder: Path) -> str:
    """Make a Python with all that this one has, and a schema of 500 columns."""
    venv.create(folder, symlinks=True)
    ours = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    (ours / "wide_schema.py").write_text(SCHEMA)
    shared = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})"
    (ours / "wide_schema.pth").write_text(f"{shared}\nimport wide_schema\n")
    return str(folder / "bin" / Path(sys.executable).name)


def add(python: str, folder: Path, name: str, *how: str, **tables: str) -> None:
    """Add a dataset of CSV tables by the command."""
    made = folder / name
    made.mkdir()
    (made / "dataset.toml").write_text(f'name = "{name}"\nspecies = "Caenorhabditis elegans"\n')
    for table, text in tables.items():
        (made / f"{table}.csv").write_text(text)
    command = [python, *(how or ("-m", "syndb_service")), "dataset", "add", str(made)]
    subprocess.run([*command, "--data-dir", str(folder / "data")], env=os.environ, check=True, timeout=120)


def wide_neurons() -> str:
    """Write neurons that bring all columns; their measure m is m + the neuron's number / 100."""
    _, _, *rest = TABLES["neurons"]
    rows = [
        [
            FIRST + number,
            *(f"{column.name} {number % 3}" if column.type == "VARCHAR" else number for column in rest),
            *(measure + number / 100 for measure in range(len(MEASURES))),
        ]
        for number in range(NEURONS)
    ]
    header = ["neuron_id", *(column.name for column in rest), *MEASURES]
    return "\n".join(",".join(map(str, row)) for row in [header, *rows])


def ring() -> str:
    """Write a connection from each neuron to the next but six."""
    rows = [f"{FIRST + n},{FIRST + (n + 7) % NEURONS},{1 + n % 5}" for n in range(NEURONS)]
    return "\n".join(["pre,post,synapses", *rows])
