"""What the command line prints: lines of text in which nothing acts on a terminal."""

from __future__ import annotations

import click

from syndb_lab.text.terminal_text import escape_control_characters


def print_plain(text: str, *, err: bool = False) -> None:
    """Print lines in which no text of others acts on the terminal."""
    click.echo(escape_control_characters(text), err=err)
