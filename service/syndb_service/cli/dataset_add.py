"""``syndb-lab dataset add``: import a dataset folder, or an export of another tool."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import click

from syndb_service.cli.access_commands import parse_readers
from syndb_service.cli.options import data_dir_option, print_plain, report_errors
from syndb_service.settings import load_settings
from syndb_service.text.terminal_text import escape_control_characters

FORMATS = ("folder", "flywire", "neuprint", "cave", "catmaid", "graphml", "matrix", "edges")

_FACTS = {
    "name": "Short name: lower-case letters, digits, '_', '-', '.'.  [default: from the file or folder name]",
    "title": "Title.",
    "species": "Latin name. Required, unless the format implies it (flywire).",
    "version": "Version of the data.  [default: 1]",
    "licence": "Licence of the data, such as CC-BY-4.0.",
    "citation": "The paper to cite; every result contains it.",
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
    """The command ``add``; its help ends with the formats."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the formats without wrapping their lines."""
        from syndb_service.ingest import describe_exports, describe_format

        formatter.write("\n" + describe_exports().rstrip() + "\n\n" + describe_format().rstrip() + "\n")


@click.command("add", cls=DatasetAddCommand)
@data_dir_option
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Replace the dataset with the same id or name.")
@click.option(
    "--restrict-to",
    "readers",
    multiple=True,
    callback=parse_readers,
    help="Make it visible to this reader only: user:NAME or group:NAME; repeatable.",
)
@click.option(
    "--format", "format_name", type=click.Choice(FORMATS), help="Format of PATH, if it is not recognised."
)
@click.option(
    "--voxel-nm",
    type=VoxelSize(),
    help="Size of a voxel in nm, to convert the positions of a CAVE table to nm.",
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
    """Check a dataset and add it, whole or not at all. Prints only the dataset's id.

    PATH is a dataset folder, the files of an export, or a folder with them. For an export, standard error
    reports the recognised format, the use of each column, and what was left out and why.

    \b
      syndb-lab dataset add my_connectome/
      syndb-lab dataset add codex/ --name flywire_783 --licence CC-BY-NC-4.0
      syndb-lab dataset add synapses.parquet --voxel-nm 4,4,40 --species "Mus musculus"

    A dataset that replaces another one keeps its readers, unless --restrict-to names others.
    """  # noqa: D301 - click does not wrap a paragraph after the backspace
    from syndb_service.container import open_warehouse
    from syndb_service.ingest import DatasetInput, add_dataset

    metadata = {key: value for key, value in facts.items() if value is not None}
    dataset_input = DatasetInput(paths, format_name, metadata, voxel_nm, transposed, readers)
    warehouse = open_warehouse(load_settings(data_dir))
    line = StageProgressLine() if sys.stderr.isatty() else None
    try:
        added = add_dataset(
            warehouse,
            dataset_input,
            replace=replace,
            progress=line.show if line else None,
            report=_report(line),
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
    """A line of the terminal with the stage of an import and its progress."""

    def show(self, stage: str, fraction: float | None) -> None:
        """Replace the text of the line."""
        done = "" if fraction is None else f" {fraction:4.0%}"
        width = shutil.get_terminal_size().columns - len(done) - 1
        text = escape_control_characters(" ".join(stage.split()))
        short = text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"
        click.echo(f"\r\x1b[K{short}{done}", err=True, nl=False)

    def clear(self) -> None:
        """Clear the line."""
        click.echo("\r\x1b[K", err=True, nl=False)


def _report(line: StageProgressLine | None) -> Any:
    def print_report(text: str) -> None:
        if line:
            line.clear()
        print_plain(text, err=True)

    return print_report
