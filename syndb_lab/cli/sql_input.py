"""SQL from the command line: an argument, which may begin with a comment, or a file."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

COMMENTS_ARE_SQL: Final = {"ignore_unknown_options": True}
"""Settings of a command that takes SQL: click passes unknown options on as arguments."""

LARGEST: Final = 16 << 20
MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def sql_options(command: Command) -> Command:
    """Add the SQL as an argument, and ``-f FILE``."""
    command = click.option(
        "-f",
        "--file",
        type=click.Path(path_type=Path, allow_dash=True),
        help="Read the SQL from a file; - is standard input.",
    )(command)
    return click.argument("sql", nargs=-1, callback=_one_statement, metavar="[SQL]")(command)


def sql_of(sql: str | None, file: Path | None) -> str:
    """Return the SQL from the argument or the file.

    Raises
    ------
    click.UsageError
        Neither or both are given, or the file is no text.
    """
    if (sql is None) == (file is None):
        raise click.UsageError("Give the SQL, or -f FILE with it.")
    return str(sql) if file is None else read_sql(file)


def read_sql(file: Path) -> str:
    """Read a file in UTF-8, or in the encoding of its byte order mark.

    Raises
    ------
    click.UsageError
        The file can't be read, is too large, or is in another encoding.
    """
    name = "standard input" if str(file) == "-" else click.format_filename(file)
    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with file.open("rb") as opened:
                data = opened.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{name} can't be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > LARGEST:
        raise click.UsageError(f"{name} is larger than {LARGEST:,} bytes, which is no query.")
    mark, encoding = next((known for known in MARKS if data.startswith(known[0])), (b"", "utf-8"))
    content = data.removeprefix(mark)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise click.UsageError(
            f"{name} is no {encoding.upper()}: line {line} has the byte 0x{content[error.start]:02x}. "
            "Save it as UTF-8, for example by `iconv -f LATIN1 -t UTF-8`."
        ) from None


def _one_statement(context: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> str | None:
    """Return the only argument; raise for an unknown option, which begins with a dash and is no comment."""
    for word in words:
        if word.startswith("-") and not is_comment(word):
            names = [name for param in context.command.params for name in param.opts if name.startswith("-")]
            typed = word.partition("=")[0]
            near = [name for name in names if name.startswith(typed[:4])] if typed.startswith("--") else []
            raise click.NoSuchOption(typed, possibilities=near, ctx=context)
    if len(words) > 1:
        raise click.UsageError(
            f"SQL is one argument, in quotes; these are {len(words)}: {' '.join(words)[:80]}", ctx=context
        )
    return words[0] if words else None


def is_comment(word: str) -> bool:
    r"""Whether an argument that begins with a dash is SQL that begins with a comment.

    Examples
    --------
    >>> is_comment("-- how many\nSELECT 1"), is_comment("--many\nSELECT 1"), is_comment("--lable=how many")
    (True, True, False)
    """
    return word.startswith("--") and any(letter.isspace() for letter in word.partition("=")[0])
