"""Printing of plain text on the command line, with control characters escaped."""

from __future__ import annotations

import click

from syndb_lab.text.terminal_text import escape_control_characters


def print_plain(text: str, *, err: bool = False) -> None:
    """Print lines of text with control characters escaped."""
    click.echo(escape_control_characters(text), err=err)
