"""What the command line says: hints of Python in its own words, and nothing that acts on a terminal."""

from __future__ import annotations

from typing import Final

import click

from syndb_lab.terminal_text import visible

WORDS: Final = {
    "Give each its value by name: lab.sql(query, parameters={…}).": "Give each its value: -p name=value.",
    "help(lab.sql), help(lab.graph) and help(lab.jobs) say what may be given.": (
        "`syndb-lab COMMAND --help` says what may be given."
    ),
    "or name another: connect(url, token)": "or name another: --url, and its token in SYNDB_TOKEN",
    "or give a token: connect(url, token)": "or give a token: SYNDB_TOKEN",
    "or give another address: connect(url, token)": "or give another address: --url",
    "and give it: connect(url, token)": "and give it: SYNDB_TOKEN",
    "lab.jobs() lists yours": "`syndb-lab jobs` lists yours",
    "Name another one: connect(data_dir=…)": "Name another one: --data-dir",
    "A graph job that is submitted with node_table=True has the part neurons.": (
        "`syndb-lab graph DATASET --neurons FILE` submits a graph job that makes it."
    ),
    "job.rerun()": "`syndb-lab rerun JOB`",
    "time_limit_s": "--time-limit",
}


def on_command_line(text: str) -> str:
    """Write a message for whoever types commands.

    Examples
    --------
    >>> on_command_line("Run it again with job.rerun().")
    'Run it again with `syndb-lab rerun JOB`.'
    """
    for python, command in WORDS.items():
        text = text.replace(python, command)
    return text


def print_plain(text: str, *, err: bool = False) -> None:
    """Print lines in which no text of others acts on the terminal."""
    click.echo(visible(text), err=err)
