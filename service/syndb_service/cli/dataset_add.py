"""``syndb-lab dataset add``: a dataset folder, or an export of one of the field's tools."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import click

from syndb_service.cli.access_commands import checked_readers
from syndb_service.cli.options import data_dir_option, print_plain, report_errors
from syndb_service.settings import load_settings
from syndb_service.text.terminal_text import escape_control_characters

FORMATS = ("folder", "flywire", "neuprint", "cave", "catmaid", "graphml", "matrix", "edges")

_FACTS = {
    "name": "Short name: small letters, digits, '_', '-', '.'.  [default: from the file's or folder's name]",
    "title": "Title.",
    "species": "Latin name. Needed, unless the format tells (flywire).",
    "version": "Version of the data.  [default: 1]",
    "licence": "Licence of the data, such as CC-BY-4.0.",
    "citation": "The paper to cite; every result carries it.",
    "doi": "DOI of that paper.",
    "description": "Free text.",
    "visibility": "public or restricted.  [default: public]",
    "id": "A UUID.  [default: a new one]",
}


class VoxelSize(click.ParamType[tuple[float, float, float]]):
    """Three lengths, such as 4,4,40."""

    name = "X,Y,Z"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float, float]:
        """Read three positive numbers."""
        if isinstance(value, tuple):
            return value
        try:
            x, y, z = (float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is no size of a voxel; it takes three numbers, such as 4,4,40", param, ctx)
        if min(x, y, z) <= 0 or max(x, y, z) == float("inf"):
            self.fail(f"{value!r}: each of the three must be above 0", param, ctx)
        return x, y, z


class DatasetAddCommand(click.Command):
    """The command, whose help ends with the formats."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the formats as they stand."""
        from syndb_service.ingest import describe_exports, describe_format

        formatter.write("\n" + describe_exports().rstrip() + "\n\n" + describe_format().rstrip() + "\n")


@click.command("add", cls=DatasetAddCommand)
@data_dir_option
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Put it in the place of the dataset of the same id or name.")
@click.option(
    "--restrict-to",
    "readers",
    multiple=True,
    callback=checked_readers,
    help="Who alone may see it: user:NAME or group:NAME; repeatable.",
)
@click.option(
    "--format", "format_name", type=click.Choice(FORMATS), help="What it is, where it is not recognised."
)
@click.option(
    "--voxel-nm", type=VoxelSize(), help="Size of a voxel in nm: positions of a CAVE table become nm."
)
@click.option("--transposed", is_flag=True, help="The columns of the matrix are presynaptic, not its rows.")
@report_errors
def add(
    data_dir: Path | None,
    paths: tuple[Path, ...],
    replace: bool,
    readers: tuple[str, ...],
    format_name: str | None,
    voxel_nm: tuple[float, float, float] | None,
    transposed: bool,
    **facts: str | None,
) -> None:
    """Check a dataset and add it, whole or not at all. Prints the dataset's id alone.

    PATH is a dataset folder; or the files of an export, or a folder with them: then standard error tells what
    it was taken for, what became of each column, and what was left out and why.

    \b
      syndb-lab dataset add my_connectome/
      syndb-lab dataset add codex/ --name flywire_783 --licence CC-BY-NC-4.0
      syndb-lab dataset add synapses.parquet --voxel-nm 4,4,40 --species "Mus musculus"

    A dataset that takes the place of another one keeps its readers, unless new ones are named.
    """  # noqa: D301 - the backspace is how click keeps lines apart
    from syndb_service.container import open_warehouse
    from syndb_service.ingest import DatasetInput, add_dataset

    stated = {key: value for key, value in facts.items() if value is not None}
    offer = DatasetInput(paths, format_name, stated, voxel_nm, transposed, readers)
    warehouse = open_warehouse(load_settings(data_dir))
    line = StageProgressLine() if sys.stderr.isatty() else None
    try:
        added = add_dataset(
            warehouse, offer, replace=replace, progress=line.show if line else None, report=_report(line)
        )
    finally:
        if line:
            line.clear()
    if added.visibility == "restricted" and not added.readers:
        click.echo("Nobody may see it yet: `syndb-lab dataset share` names its readers.", err=True)
    click.echo(added.id)


for _name, _help in _FACTS.items():
    click.option(f"--{_name}", metavar="TEXT", help=_help)(add)


class StageProgressLine:
    """A line of the terminal: the stage, and the share of it that is done."""

    def show(self, stage: str, fraction: float | None) -> None:
        """Write over the line."""
        done = "" if fraction is None else f" {fraction:4.0%}"
        room = shutil.get_terminal_size().columns - len(done) - 1
        text = escape_control_characters(" ".join(stage.split()))
        short = text if len(text) <= room else f"{text[: max(room - 1, 0)]}…"
        click.echo(f"\r\x1b[K{short}{done}", err=True, nl=False)

    def clear(self) -> None:
        """Leave an empty line."""
        click.echo("\r\x1b[K", err=True, nl=False)


def _report(line: StageProgressLine | None) -> Any:
    def print_report(text: str) -> None:
        if line:
            line.clear()
        print_plain(text, err=True)

    return print_report
