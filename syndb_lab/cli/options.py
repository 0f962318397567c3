"""Options and error handling that the commands share: the choice of the service, exit codes, completion."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from syndb_lab.cli.output import print_plain
from syndb_lab.errors import (
    AccessDenied,
    AuthError,
    Detached,
    ParameterError,
    QueryError,
    ServiceUnavailable,
    SyndbError,
    UnknownDataset,
)
from syndb_lab.next_steps.next_step import Audience
from syndb_lab.text.terminal_text import escape_control_characters

Command = Callable[..., Any]
Values = list[tuple[str, str]]

USAGE_ERRORS: Final = (QueryError, ParameterError, UnknownDataset)
BAD_REQUEST: Final = (400, 413, 422)
NOT_ALLOWED: Final = (AuthError, AccessDenied)
EXIT_CODES: Final = """\
Exit codes:
  0    done
  1    the job failed, was cancelled, or has no result; or something else went wrong
  2    the command, the SQL or a name in it is wrong: nothing was run
  3    no service answers
  4    not allowed: no valid token, or a dataset that it may not see
  130  Ctrl-C: the job goes on"""


def service_options(command: Command) -> Command:
    """Add ``--url`` and ``--data-dir``."""
    command = click.option(
        "--data-dir",
        type=click.Path(path_type=Path, file_okay=False),
        help="The service of this data folder; it is started if it does not run.",
    )(command)
    return click.option(
        "--url",
        help="Address of a service; its token is a login's, or SYNDB_TOKEN if SYNDB_URL is the same address.",
    )(command)


def exit_with_error(command: Command) -> Command:
    """Print an error of this package with its hint, without a traceback, and exit with its code."""

    @wraps(command)
    def call_with_error_report(*args: Any, **kwargs: Any) -> Any:
        check_texts(kwargs)
        try:
            return command(*args, **kwargs)
        except Detached as stopped:
            print_plain(str(stopped), err=True)
            sys.exit(130)
        except SyndbError as error:
            end(error)
        except BrokenPipeError:
            close_broken_output()

    return call_with_error_report


def check_texts(arguments: dict[str, Any]) -> None:
    r"""Raise for a text argument that is not UTF-8; names of files need not be.

    Examples
    --------
    >>> check_texts({"label": "caf\udce9"})
    Traceback (most recent call last):
    click.exceptions.UsageError: label is no text in UTF-8: 'caf�'
    """
    for name, value in arguments.items():
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and any("\ud800" <= letter <= "\udfff" for letter in text):
                raise click.UsageError(
                    f"{name} is no text in UTF-8: {escape_control_characters(text)[:80]!r}"
                )


def end(error: SyndbError) -> NoReturn:
    """Print an error and exit with its code."""
    print_plain(f"syndb-lab: {error.text_for(Audience.CLI)}", err=True)
    wrong = isinstance(error, USAGE_ERRORS) or error.status in BAD_REQUEST
    code = 2 if wrong else 3 if isinstance(error, ServiceUnavailable) else 1
    sys.exit(4 if isinstance(error, NOT_ALLOWED) else code)


def open_missing_streams() -> None:
    """Open standard streams that the shell closed (``>&-``): the next opened file would become one of them.

    The input is then empty, writing to the output fails as in other tools, and messages are lost.
    """
    null = Path(os.devnull)
    sys.stdin = sys.stdin or null.open(encoding="utf-8")
    sys.stdout = sys.stdout or os.fdopen(os.open(null, os.O_RDONLY), "w", encoding="utf-8")
    sys.stderr = sys.stderr or null.open("w", encoding="utf-8")


def close_broken_output() -> NoReturn:
    """Exit without a message after the reader of the output, such as ``head``, has closed the pipe."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


@contextmanager
def open_lab(url: str | None, data_dir: Path | None, *, start: bool = True) -> Iterator[Any]:
    """Connect as ``syndb_lab.connect`` does; close the connection at the end of the block."""
    from syndb_lab.connection.connect import connect

    with connect(url, data_dir=data_dir, start=start) as lab:
        yield lab


def complete_jobs(context: click.Context, _: click.Parameter, typed: str) -> list[Any]:
    """Complete the ids of the newest jobs, for the shell; none if no service runs."""
    return _complete(context, typed, lambda lab: [(job.id, _line(job)) for job in lab.jobs(limit=50)])


def complete_datasets(context: click.Context, _: click.Parameter, typed: str) -> list[Any]:
    """Complete the names of the datasets, for the shell; none if no service runs."""
    return _complete(context, typed, lambda lab: [(dataset.name, "") for dataset in lab.datasets()])


def _line(job: Any) -> str:
    return f"{job.status} {job.kind} {job.label or (job.query or '')[:40]}"


def _complete(context: click.Context, typed: str, list_values: Callable[[Any], Values]) -> list[Any]:
    from click.shell_completion import CompletionItem

    options = context.params
    try:
        with open_lab(options.get("url"), options.get("data_dir"), start=False) as lab:
            return [
                CompletionItem(value, help=help_)
                for value, help_ in list_values(lab)
                if value.startswith(typed)
            ]
    except SyndbError:
        return []
