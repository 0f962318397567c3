"""The parser of the first line of a ``%%syndb`` cell: variable, flags, parameters."""

from __future__ import annotations

import argparse
import difflib
import keyword
import re
import shlex
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from syndb_lab.errors import SyndbError
from syndb_lab.lab import Format
from syndb_lab.results.data_frames import FrameKind
from syndb_lab.sql.parameter_scanner import tokens
from syndb_lab.sql.parameters import read_assignment

USAGE: Final = (
    "%%syndb [VAR] [--as polars|pandas|arrow|duckdb] [-p name=value]… "
    "[--label L] [--limit N] [--format arrow|parquet|csv] [--time-limit S] [--reproducible] [--wait] "
    "[--dry-run] [--quiet]"
)
FRAMES: Final = ("polars", "pandas", "arrow", "duckdb")
FORMATS: Final = ("arrow", "parquet", "csv")
VALUE_FLAG: Final = re.compile(r"-p\s+[^\W\d]\w*=")
HELP_WORDS: Final = frozenset({"help", "--help", "-h"})


class MagicUsageError(SyndbError):
    """An invalid line of a magic."""


@dataclass(frozen=True, slots=True)
class CellLine:
    """The parsed first line of a cell."""

    variable: str | None = None
    frame: FrameKind | None = None
    limit: int | None = None
    values: dict[str, Any] = field(default_factory=dict)
    label: str | None = None
    format: Format | None = None
    time_limit_s: float | None = None
    reproducible: bool = False
    wait: bool = False
    dry_run: bool = False
    quiet: bool = False
    help: bool = False


class LineParser(argparse.ArgumentParser):
    """A parser that raises where argparse would exit the kernel."""

    def error(self, message: str) -> NoReturn:
        """Raise a ``MagicUsageError``."""
        raise MagicUsageError(message, hint=USAGE)


def line_parser() -> LineParser:
    """Build the parser of a cell's first line."""
    parser = LineParser(prog="%%syndb", add_help=False, allow_abbrev=False)
    parser.add_argument("variable", nargs="?")
    parser.add_argument("--as", dest="frame", choices=FRAMES)
    parser.add_argument("-p", dest="values", action="append", default=[], metavar="name=value")
    parser.add_argument("--label")
    parser.add_argument("--limit", type=int, metavar="N")
    parser.add_argument("--format", choices=FORMATS)
    parser.add_argument("--time-limit", dest="time_limit_s", type=float, metavar="S")
    parser.add_argument("--reproducible", action="store_true")
    parser.add_argument("--wait", action="store_true")
    parser.add_argument("--dry-run", dest="dry_run", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--help", "-h", action="store_true")
    return parser


def read_cell_line(line: str) -> CellLine:
    """Parse the first line of a cell.

    Raises
    ------
    MagicUsageError
        An unknown flag (the hint names the nearest), an invalid variable name, or an open quotation mark.

    Examples
    --------
    >>> read_cell_line("motor --wait -p kind=motor").values
    {'kind': 'motor'}
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise MagicUsageError(f"the line can't be read: {error}", hint=USAGE) from None
    parser = line_parser()
    options, unknown = parser.parse_known_args(words)
    if unknown:
        raise unknown_word(unknown[0], list(parser._option_string_actions))
    check_variable(options.variable)
    return CellLine(**{**vars(options), "values": dict(read_assignment(text) for text in options.values)})


def read_sql_line(line: str) -> tuple[CellLine, str]:
    """Separate the SQL of a ``%syndb SELECT …`` line from the flags that follow it.

    ``--wait`` would begin a comment in SQL. It is a flag if its first word is a known one; ``-- wait`` stays
    a comment.

    Raises
    ------
    MagicUsageError
        An unknown flag that resembles a known one, or flags that a cell's first line does not take either.

    Examples
    --------
    >>> cell_line, sql = read_sql_line("SELECT :n AS n -p n=3 --wait -- note")
    >>> cell_line.values, cell_line.wait, sql
    ({'n': 3}, True, 'SELECT :n AS n')
    """
    start = flags_start(line)
    if start is None:
        return CellLine(), line.strip()
    cell_line = read_cell_line(line[start:].partition(" -- ")[0])
    if cell_line.variable is not None:
        raise MagicUsageError(
            f"{cell_line.variable!r} after the flags is too much",
            hint="The SQL comes first, then the flags; r = %syndb … keeps the result in a variable.",
        )
    return cell_line, line[:start].strip()


def flags_start(line: str) -> int | None:
    """Find the offset at which the flags begin after a line's SQL; None without flags."""
    flags = list(line_parser()._option_string_actions)
    for token in tokens(line):
        tail = line[token.start :]
        if token.text == "-" and VALUE_FLAG.match(tail) and line[: token.start].endswith((" ", "\t")):
            return token.start
        if token.text.startswith("--"):
            flag = tail.split()[0].partition("=")[0]
            if flag not in flags and difflib.get_close_matches(flag, flags, n=1, cutoff=0.8):
                raise unknown_word(flag, flags)
            return token.start if flag in flags else None
    return None


def unknown_word(word: str, flags: list[str]) -> MagicUsageError:
    """Build the error for an unknown word; its hint names the nearest flag, if there is one."""
    bare = {flag.lstrip("-"): flag for flag in flags}
    near = difflib.get_close_matches(word.partition("=")[0].lstrip("-"), bare, n=1, cutoff=0.7)
    if not word.startswith("-"):
        return MagicUsageError(f"{word!r} is too much: one variable is enough", hint=USAGE)
    return MagicUsageError(
        f"there is no flag {word}", hint=f"Did you mean {bare[near[0]]}?" if near else USAGE
    )


def check_variable(name: str | None) -> None:
    """Raise for a name that is no valid variable name."""
    if name is not None and (not name.isidentifier() or keyword.iskeyword(name)):
        raise MagicUsageError(
            f"{name!r} is no name for a variable",
            hint="The SQL begins on the second line; the first one takes a variable and flags.",
        )
