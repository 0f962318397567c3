"""The client commands: ``query``, ``graph``, ``jobs``, ``result``, ``cancel``, ``rerun``, ``datasets``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from syndb_lab.cli.options import complete_datasets, complete_jobs, exit_with_error, open_lab, service_options
from syndb_lab.cli.output import (
    check_folder,
    check_picture,
    check_table,
    print_plain,
    put_neurons,
    wire_format,
    write_answer,
    write_table,
)
from syndb_lab.cli.sql_input import COMMENTS_ARE_SQL, sql_of, sql_options
from syndb_lab.errors import Detached
from syndb_lab.results.json_writer import dump_json
from syndb_lab.text.terminal_text import escape_control_characters

if TYPE_CHECKING:
    from syndb_lab.display.listing import Listing
    from syndb_lab.job import Job

STATUSES = ("pending", "running", "completed", "failed", "cancelled")

output_option = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write; its ending selects the format.",
)
neurons_option = click.option(
    "--neurons",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File for the table of measures, with one row for each neuron.",
)
label_option = click.option("--label", help="A name for the job.")
limit_option = click.option(
    "--time-limit", type=float, metavar="SECONDS", help="Maximum run time of the job."
)
detach_option = click.option("--detach", is_flag=True, help="Print the job's id and do not wait.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress on standard error.")
job_argument = click.argument("job_id", metavar="JOB", shell_complete=complete_jobs)


ARGUMENT_NAMES: Final = frozenset({"self", "dataset", "dataset_id", "analysis", "label", "time_limit_s"})


@click.command(context_settings=COMMENTS_ARE_SQL)
@sql_options
@click.option(
    "-p",
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="Value of :name in the SQL; repeatable.",
)
@output_option
@label_option
@limit_option
@click.option(
    "--reproducible", is_flag=True, help="Give the same file at each run: on one thread, which takes longer."
)
@detach_option
@quiet_option
@service_options
@exit_with_error
def query(
    sql: str | None,
    file: Path | None,
    parameters: tuple[str, ...],
    output: Path | None,
    label: str | None,
    time_limit: float | None,
    reproducible: bool,
    detach: bool,
    quiet: bool,
    url: str | None,
    data_dir: Path | None,
) -> None:
    """Run SQL and show its result, or write it to a file.

    One SELECT in DuckDB's SQL. A terminal shows the first rows as a table; a pipe receives all rows as CSV.
    With -o the ending selects the format: .parquet, .arrow, .csv, .json (a list of objects) or .jsonl (one
    object on each line). JSON has ids beyond 2^53, decimals, dates and bytes as text, and null for NaN, with
    a warning.

    \b
      syndb-lab query "SELECT name, cell_class FROM neurons LIMIT 5"
      syndb-lab query -f strongest.sql -p worm=0d0a… -o strongest.parquet
      syndb-lab query "SELECT * FROM connections" | wc -l
    """  # noqa: D301 - the backspace is how click keeps lines apart
    from syndb_lab.conversion.sql_values import seconds
    from syndb_lab.sql.parameters import read_assignment

    text = sql_of(sql, file)
    wanted = wire_format(output)
    with open_lab(url, data_dir) as lab:
        values = dict(read_assignment(parameter) for parameter in parameters)
        job = lab.sql(
            text,
            parameters=values,
            format=wanted,
            label=label,
            time_limit_s=seconds(time_limit, "--time-limit"),
            reproducible=reproducible,
        )
        for warning in job.record.get("advice") or ():
            print_plain(f"Warning: {warning}", err=True)
        if detach:
            click.echo(job.id)
            return
        write_table(wait_with_progress(job, quiet=quiet), output)


@click.command()
@click.argument("dataset", shell_complete=complete_datasets)
@click.option("--analysis", default="full", show_default=True, help="The analysis to run.")
@click.option("--min-synapses", type=int, help="Leave out weaker connections.")
@click.option("--top-hubs", type=int, help="Number of hubs to list.")
@click.option("--seed", type=int, help="Seed of random samples.")
@click.option(
    "-p",
    "--option",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="A further option of the analysis; repeatable.",
)
@output_option
@neurons_option
@label_option
@limit_option
@detach_option
@quiet_option
@service_options
@exit_with_error
def graph(
    dataset: str,
    analysis: str,
    min_synapses: int | None,
    top_hubs: int | None,
    seed: int | None,
    assignments: tuple[str, ...],
    output: Path | None,
    neurons: Path | None,
    label: str | None,
    time_limit: float | None,
    detach: bool,
    quiet: bool,
    url: str | None,
    data_dir: Path | None,
) -> None:
    """Analyse the graph of a dataset's connections.

    DATASET is its name or id. A terminal shows the main measures; a pipe receives the whole answer as JSON.
    -o worm.json writes the answer, -o worm.png (or .svg, .pdf) draws it. --neurons worm.parquet (or .arrow,
    .csv, .json, .jsonl) also writes a table with one row for each neuron. With --detach, request that table
    with -p node_table=true, and fetch it with `syndb-lab result JOB --neurons worm.parquet`.

    \b
      syndb-lab graph celegans_varshney_2011 -o worm.png
      syndb-lab graph celegans_varshney_2011 --analysis motif_significance -p samples=200
      syndb-lab graph celegans_varshney_2011 --analysis shortest_path -p source=ASEL -p target=DA1

    Analyses: full, metrics, motifs, hubs, reachability, shortest_path, rich_club, communities, compare,
    motif_significance. Their options are those of lab.graph in Python: cell_class, include, samples, …
    """  # noqa: D301 - the backspace is how click keeps lines apart
    from syndb_lab.conversion.sql_values import seconds
    from syndb_lab.sql.parameters import read_assignment

    check_picture(output)
    check_table(neurons)
    if detach and neurons is not None:
        raise click.UsageError(
            "--detach waits for no table: give -p node_table=true instead of --neurons, and fetch the table "
            f"later with `syndb-lab result JOB --neurons {neurons}`"
        )
    node_table = True if neurons else None
    options = {"min_synapses": min_synapses, "top_hubs": top_hubs, "seed": seed, "node_table": node_table}
    for name, value in map(read_assignment, assignments):
        if name in ARGUMENT_NAMES or options.get(name) is not None:
            raise click.UsageError(f"-p {name}=…: the command has a place of its own for {name}")
        options[name] = value
    with open_lab(url, data_dir) as lab:
        limit = seconds(time_limit, "--time-limit")
        job = lab.graph(dataset, analysis, **options, label=label, time_limit_s=limit)
        if detach:
            click.echo(job.id)
            return
        write_graph_result(wait_with_progress(job, quiet=quiet), output, neurons)


@click.command()
@click.option(
    "--status", multiple=True, type=click.Choice(STATUSES), help="Only jobs with this status; repeatable."
)
@click.option("--kind", type=click.Choice(("query", "graph")), help="Only jobs of this kind.")
@click.option(
    "-n", "--limit", default=20, show_default=True, type=click.IntRange(1), help="Maximum number of jobs."
)
@click.option("--json", "as_json", is_flag=True, help="Print the records, one JSON object on each line.")
@service_options
@exit_with_error
def jobs(
    status: tuple[str, ...],
    kind: str | None,
    limit: int,
    as_json: bool,
    url: str | None,
    data_dir: Path | None,
) -> None:
    """List your jobs, newest first. In a pipe: fields separated by tabs, below a line of their names."""
    with open_lab(url, data_dir) as lab:
        print_listing(lab.jobs(list(status) or None, kind, limit), "record" if as_json else None)


@click.command()
@job_argument
@output_option
@neurons_option
@quiet_option
@service_options
@exit_with_error
def result(
    job_id: str,
    output: Path | None,
    neurons: Path | None,
    quiet: bool,
    url: str | None,
    data_dir: Path | None,
) -> None:
    """Show or write a job's result; waits for a job that still runs.

    As `query` and `graph` do: a table or measures on a terminal, CSV or JSON in a pipe, -o FILE in the format
    of its ending. --neurons FILE writes the table of neurons of a graph job that made one.
    """
    check_folder(output)
    check_table(neurons)
    with open_lab(url, data_dir) as lab:
        job = wait_with_progress(lab.job(job_id), quiet=quiet)
        if job.kind == "graph" or neurons is not None:
            write_graph_result(job, output, neurons)
        else:
            write_table(job, output)


@click.command()
@click.argument("job_ids", metavar="JOB...", nargs=-1, required=True, shell_complete=complete_jobs)
@service_options
@exit_with_error
def cancel(job_ids: tuple[str, ...], url: str | None, data_dir: Path | None) -> None:
    """Stop jobs; one that has ended stays as it is."""
    with open_lab(url, data_dir) as lab:
        for job_id in job_ids:
            click.echo(f"{job_id} {lab.job(job_id).cancel().status}")


@click.command()
@job_argument
@service_options
@exit_with_error
def rerun(job_id: str, url: str | None, data_dir: Path | None) -> None:
    """Submit a job again, on the data as they are now. Prints the new job's id alone."""
    with open_lab(url, data_dir) as lab:
        click.echo(lab.job(job_id).rerun().id)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print all metadata, one JSON object on each line.")
@service_options
@exit_with_error
def datasets(as_json: bool, url: str | None, data_dir: Path | None) -> None:
    """List the datasets you may query."""
    with open_lab(url, data_dir) as lab:
        print_listing(lab.datasets(), "description" if as_json else None)


def write_graph_result(job: Job, output: Path | None, neurons: Path | None) -> None:
    """Write the answer of a graph job, and its table of neurons if ``neurons`` is given."""
    if neurons is not None:
        put_neurons(job, neurons)
    write_answer(job, output)


def wait_with_progress(job: Job, *, quiet: bool) -> Job:
    """Wait for a job, with a line of progress if standard error is a terminal; Ctrl-C does not cancel it."""
    try:
        return job.wait(progress=False if quiet else None)
    except Detached:
        raise Detached(
            f"Stopped waiting; job {job.id} goes on.\n"
            f"`syndb-lab result {job.id}` waits for it again, `syndb-lab cancel {job.id}` stops it."
        ) from None


def print_listing(listing: Listing[Any], attribute: str | None) -> None:
    """Print a list: a table on a terminal, plain lines in a pipe, or an attribute of each item as JSON."""
    if attribute:
        for item in listing:
            click.echo(dump_json(getattr(item, attribute)))
    elif sys.stdout.isatty():
        click.echo(repr(listing))
    else:
        for row in listing.plain_rows():
            click.echo("\t".join(escape_control_characters(" ".join(cell.split())) for cell in row))
