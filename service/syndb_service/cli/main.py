"""The command line: ``syndb-lab``."""

from __future__ import annotations

import logging
import math
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from syndb_service.cli.access_commands import group, id_of, publish, restrict, share, unshare
from syndb_service.cli.dataset_add import add
from syndb_service.cli.options import (
    CommandFunction,
    data_dir_option,
    print_plain,
    print_table,
    report_errors,
    require_data_dir,
)
from syndb_service.errors import BadSetting
from syndb_service.logs import OutputFile, start_logging
from syndb_service.settings import Settings, find_misspelled, load_settings

DEFAULT_PORT = 8321
LOOPBACK = "127.0.0.1"
STOP_S = 15
MAX_DAYS = 36_500

log = logging.getLogger(__name__)


def address_options(command: CommandFunction) -> CommandFunction:
    """Add ``--host`` and ``--port``."""
    command = click.option(
        "--port",
        default=DEFAULT_PORT,
        show_default=True,
        type=click.IntRange(0, 65535),
        help="Port to listen on; 0 takes a free one.",
    )(command)
    return click.option("--host", default=LOOPBACK, show_default=True, help="Address to listen on.")(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="syndb-lab")
def main() -> None:
    """Query and graph jobs on connectomes."""


@main.command()
@data_dir_option
@address_options
@click.option("--demo-data/--no-demo-data", default=True, help="Add the bundled C. elegans connectomes.")
@click.option("--verbose", is_flag=True, help="Log what happens to each job.")
@click.option(
    "--log-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for the output. At 8 MiB it is renamed to FILE.1, and a new one is begun.",
)
@report_errors
def up(
    data_dir: Path | None, host: str, port: int, demo_data: bool, verbose: bool, log_file: Path | None
) -> None:
    """Run everything in one process: API, workers, SQLite, local files.

    Prints the URL and the file with your token, then READY and the URL once it accepts jobs. Stop it with
    Ctrl-C, or from another terminal with `syndb-lab down`. Running jobs start again at the next `up`.
    """
    from syndb_service.server.embedded import serve

    settings = load_settings(data_dir)
    output = OutputFile(log_file.absolute()) if log_file is not None else None
    if output is not None:
        try:
            output.open()
        except OSError as error:
            raise BadSetting(f"--log-file {log_file} can't be written: {error.strerror}") from error
    _configure_process(settings, "INFO" if verbose else "WARNING", output)

    def ready(url: str, token_file: Path) -> None:
        click.echo(f"syndb-lab runs at {url}, data in {settings.data_dir}")
        click.echo(f"Your token is in {token_file}; in a notebook, syndb_lab.connect() finds it.")
        _print_ready(f" {url}")

    _warn_public_address(host)
    serve(settings, host, port, demo_data=demo_data, ready=ready)
    click.echo("Stopped.")


def processes_option(command: CommandFunction) -> CommandFunction:
    """Add ``--processes`` and ``--verbose``."""
    command = click.option("--verbose", is_flag=True, help="Log what happens to each job.")(command)
    return click.option(
        "--processes",
        default=1,
        show_default=True,
        type=click.IntRange(1, 256),
        help="Number of processes. One that ends is started again.",
    )(command)


@main.command()
@data_dir_option
@address_options
@processes_option
@report_errors
def api(data_dir: Path | None, host: str, port: int, processes: int, verbose: bool) -> None:
    """Answer requests; `syndb-lab worker` runs the jobs.

    SYNDB_DATABASE_URL, SYNDB_BROKER_URL, SYNDB_RESULTS_URL and SYNDB_WAREHOUSE_URL name its dependencies;
    all API and worker processes need the same values. Prints READY and the URL once every process accepts
    requests. SIGTERM or Ctrl-C stops it.
    """
    from syndb_service.server.multiprocess import run_api

    settings, level = load_settings(data_dir), "INFO" if verbose else "WARNING"
    _configure_process(settings, level)
    _warn_public_address(host)
    sys.exit(run_api(settings, host, port, processes, level, lambda url: _print_ready(f" {url}")))


@main.command()
@data_dir_option
@processes_option
@report_errors
def worker(data_dir: Path | None, processes: int, verbose: bool) -> None:
    """Run jobs that `syndb-lab api` accepts: JOB_QUEUE_MAX_WORKERS at a time in each process.

    It needs the same settings as the API, and a data folder on this host for temporary files and for the
    cache of a warehouse in S3. Prints READY once every process runs jobs. SIGTERM or Ctrl-C stops it; its
    running jobs return to the queue.
    """
    from syndb_service.server.multiprocess import run_workers

    settings, level = load_settings(data_dir), "INFO" if verbose else "WARNING"
    _configure_process(settings, level)
    sys.exit(run_workers(settings, processes, level, _print_ready))


def _configure_process(settings: Settings, level: str, output: OutputFile | None = None) -> None:
    """Start logging, and warn of variables that look like misspelled settings."""
    start_logging(level, settings.log_format, output)
    for name, setting in find_misspelled(os.environ).items():
        log.warning("%s is no setting and changes nothing; was %s meant?", name, setting)


def _warn_public_address(host: str) -> None:
    if host != LOOPBACK:
        log.warning("the service listens on %s without TLS: put a TLS proxy in front of it", host)


def _print_ready(address: str = "") -> None:
    click.echo(f"READY{address}")
    sys.stdout.flush()


@main.command()
@data_dir_option
@report_errors
def down(data_dir: Path | None) -> None:
    """Stop the embedded service of a data folder."""
    from syndb_service.server.embedded import is_running, read_service_file

    folder = load_settings(data_dir).data_dir
    running = read_service_file(folder / "service.json")
    if running is None:
        raise BadSetting(f"no service runs on {folder}", hint="`syndb-lab up` starts one.")
    pid = int(running["pid"])
    if not is_running(folder):
        (folder / "service.json").unlink(missing_ok=True)
        click.echo(f"The service of {folder} had ended already.")
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while (folder / "service.json").exists():
        if time.monotonic() > deadline:
            raise BadSetting(
                f"process {pid} has not ended within {STOP_S} s", hint=f"`kill -9 {pid}` ends it."
            )
        time.sleep(0.05)
    click.echo(f"Stopped {running['url']}.")


@main.command()
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Data folder of the demo's own service.  [default: a temporary folder]",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-output"),
    show_default=True,
    help="Folder for the picture.",
)
def demo(data_dir: Path | None, output: Path) -> None:
    """Run a query job and a graph job on the C. elegans connectome, and draw it."""
    folder = [] if data_dir is None else ["--data-dir", str(data_dir)]
    command = [sys.executable, "-m", "syndb_lab.demo", *folder, "--output", str(output)]
    os.execv(sys.executable, command)  # noqa: S606 - no shell is needed


@main.group()
def token() -> None:
    """Create, list and revoke tokens."""


@token.command("create")
@data_dir_option
@click.option("--user", required=True, help="User of the token.")
@click.option("--academic", is_flag=True, help="Mark the user's academic status as verified.")
@click.option(
    "--days",
    type=click.FloatRange(0, MAX_DAYS, min_open=True),
    help="Days until it expires.  [default: never]",
)
@report_errors
def token_create(data_dir: Path | None, user: str, academic: bool, days: float | None) -> None:
    """Create a token and print it; it can't be shown again."""
    from syndb_service.container import open_tokens

    if days is not None and math.isnan(days):
        raise BadSetting("--days: a number of days is needed")
    if not user.strip() or len(user) > 255 or any(ord(character) < 32 for character in user):
        raise BadSetting("--user: a name of 1 to 255 printable characters is needed")
    settings = load_settings(data_dir)
    click.echo(open_tokens(settings).create(user, academic=academic, days=days))
    location = "SYNDB_DATABASE_URL" if settings.database_url.get_secret_value() else settings.data_dir
    print_plain(f"A token of {user} for the service of {location}.", err=True)
    if not academic:
        click.echo(
            "It gives access to datasets and jobs only once the user's academic status is verified: by a "
            "login with an institution, or by --academic.",
            err=True,
        )


@token.command("list")
@data_dir_option
@report_errors
def token_list(data_dir: Path | None) -> None:
    """List the tokens: id, user, academic status, times of creation, expiry and last use."""
    from syndb_service.container import open_tokens

    def format_time(time_utc: Any) -> str:
        return f"{time_utc:%Y-%m-%d %H:%M}" if time_utc else "-"

    rows = [("id", "user", "academic", "created", "expires", "last used", "revoked")]
    rows += [
        (
            record.token_id,
            record.user,
            "yes" if record.academic else "no",
            format_time(record.created_at),
            format_time(record.expires_at),
            format_time(record.last_used_at),
            format_time(record.revoked_at),
        )
        for record in open_tokens(require_data_dir(data_dir)).list()
    ]
    print_table(rows)


@token.command("revoke")
@data_dir_option
@click.argument("token_id")
@report_errors
def token_revoke(data_dir: Path | None, token_id: str) -> None:
    """Make the token with this id invalid at once."""
    from syndb_service.container import open_tokens

    open_tokens(require_data_dir(data_dir)).revoke(token_id)
    print_plain(f"Revoked {token_id}.")


@main.group()
def dataset() -> None:
    """Add, list and remove datasets."""


@dataset.command("list")
@data_dir_option
@report_errors
def dataset_list(data_dir: Path | None) -> None:
    """List the datasets."""
    from syndb_service.container import open_warehouse

    head = ("id", "name", "version", "visibility", "neurons", "synapses", "species", "readers")
    rows: list[Sequence[str]] = [head]
    for found in open_warehouse(require_data_dir(data_dir)).datasets():
        counts = [
            f"{found.tables[name].rows:,}" if name in found.tables else "-"
            for name in ("neurons", "synapses")
        ]
        readers = ", ".join(found.readers) or "-"
        rows.append((found.id, found.name, found.version, found.visibility, *counts, found.species, readers))
    print_table(rows)


@dataset.command("remove")
@data_dir_option
@click.argument("datasets", metavar="DATASET...", nargs=-1, required=True)
@report_errors
def dataset_remove(data_dir: Path | None, datasets: tuple[str, ...]) -> None:
    """Remove datasets, by their ids or names, and their files."""
    from syndb_service.container import open_warehouse

    warehouse = open_warehouse(require_data_dir(data_dir))
    for id_or_name in datasets:
        removed = warehouse.remove(id_of(warehouse, id_or_name))
        print_plain(f"Removed {removed.name} ({removed.id}).")


for command in (add, share, unshare, restrict, publish):
    dataset.add_command(command)
main.add_command(group)
