"""Shared parts of the commands: the option of the data folder, error reports and tables."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import click

from syndb_service.errors import BadSetting, ServiceError
from syndb_service.logs import report_fatal_error
from syndb_service.settings import PRIVATE, Settings, default_data_dir, load_settings
from syndb_service.text.terminal_text import escape_control_characters

CommandFunction = Callable[..., Any]


def data_dir_option(command: CommandFunction) -> CommandFunction:
    """Add ``--data-dir``."""
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder with the jobs, results and datasets of the embedded mode. "
        f"Default: SYNDB_DATA_DIR, or {default_data_dir()}.",
    )(command)


def report_errors(command: CommandFunction) -> CommandFunction:
    """Print a service error and its hint without a traceback, and exit with 1.

    Files that the command creates are readable only by this user, for any umask.
    """

    @wraps(command)
    def call_with_error_report(*args: Any, **kwargs: Any) -> Any:
        earlier = os.umask(PRIVATE)
        try:
            check_texts(kwargs)
            return command(*args, **kwargs)
        except ServiceError as error:
            report_fatal_error(error.message, error.hint)
            sys.exit(1)
        finally:
            os.umask(earlier)

    return call_with_error_report


def check_texts(arguments: dict[str, Any]) -> None:
    r"""Require that text arguments are UTF-8; paths may contain any bytes.

    Examples
    --------
    >>> check_texts({"name": "caf\udce9"})
    Traceback (most recent call last):
    syndb_service.errors.BadSetting: name is no text in UTF-8: 'caf�'
    """
    for name, value in arguments.items():
        for text in value if isinstance(value, list | tuple) else (value,):
            if isinstance(text, str) and any("\ud800" <= letter <= "\udfff" for letter in text):
                raise BadSetting(f"{name} is no text in UTF-8: {escape_control_characters(text)[:80]!r}")


def require_data_dir(data_dir: Path | None) -> Settings:
    """Return the settings of an existing data folder.

    Raises
    ------
    BadSetting
        If ``data_dir`` is given and does not exist: a typing error must not create a new folder.
    """
    if data_dir is not None and not data_dir.is_dir():
        raise BadSetting(
            f"there is no data folder {data_dir}", hint="Check --data-dir; `syndb-lab up` makes a new one."
        )
    return load_settings(data_dir)


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in aligned columns; the first row is the header."""
    rows = [[escape_control_characters(" ".join(cell.split())) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_plain(text: str, *, err: bool = False) -> None:
    """Print text with its control characters escaped, so that it can't act on the terminal."""
    click.echo(escape_control_characters(text), err=err)
