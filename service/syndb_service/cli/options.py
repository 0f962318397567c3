"""What the commands share: the data folder, plain errors and tables."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import click

from syndb_service.errors import BadSetting, ServiceError
from syndb_service.logs import refuse
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
    """Print an error of ours as what is wrong and what to do, and exit with 1; no traceback.

    What the command makes is for this user alone, whatever the umask.
    """

    @wraps(command)
    def call_with_error_report(*args: Any, **kwargs: Any) -> Any:
        earlier = os.umask(PRIVATE)
        try:
            check_texts(kwargs)
            return command(*args, **kwargs)
        except ServiceError as error:
            refuse(error.message, error.hint)
            sys.exit(1)
        finally:
            os.umask(earlier)

    return call_with_error_report


def check_texts(given: dict[str, Any]) -> None:
    r"""Refuse arguments whose bytes are no UTF-8; names of files may be so.

    Examples
    --------
    >>> check_texts({"name": "caf\udce9"})
    Traceback (most recent call last):
    syndb_service.errors.BadSetting: name is no text in UTF-8: 'caf�'
    """
    for name, value in given.items():
        for text in value if isinstance(value, list | tuple) else (value,):
            if isinstance(text, str) and any("\ud800" <= letter <= "\udfff" for letter in text):
                raise BadSetting(f"{name} is no text in UTF-8: {escape_control_characters(text)[:80]!r}")


def require_data_dir(data_dir: Path | None) -> Settings:
    """Return the settings of a data folder that is there already.

    Raises
    ------
    BadSetting
        If it was named and is not there: a typing error would otherwise make a new one.
    """
    if data_dir is not None and not data_dir.is_dir():
        raise BadSetting(
            f"there is no data folder {data_dir}", hint="Check --data-dir; `syndb-lab up` makes a new one."
        )
    return load_settings(data_dir)


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns; the first one is the head."""
    rows = [[escape_control_characters(" ".join(cell.split())) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_plain(text: str, *, err: bool = False) -> None:
    """Print lines in which no text of others acts on the terminal."""
    click.echo(escape_control_characters(text), err=err)
