"""Reads a CSV or TSV file: encoding, header, and line numbers as an editor shows them."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Final, cast

_CHUNK: Final = 1 << 22
_SEPARATORS: Final = {",": "commas", ";": "semicolons", "\t": "tabs"}


class TextError(Exception):
    """A file that can't be read as text, with the line of the error."""

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.row = row


@dataclass(frozen=True, slots=True)
class DelimitedText:
    """A text file of rows and columns.

    Parameters
    ----------
    path : Path
        The file, plain or gzip.
    delimiter : str
        The separator of its fields.
        header : tuple of str
        The fields of its first line.
    lines : int
        Lines as an editor counts them.
    named : bool
        Whether its first line names the columns; if not, it is the first row.
    """

    path: Path
    delimiter: str
    header: tuple[str, ...]
    lines: int
    named: bool = True

    @property
    def separator(self) -> str:
        """The name of the separator."""
        return _SEPARATORS[self.delimiter]

    def quote_fault(self) -> tuple[int, str] | None:
        """Return the line and the error of the first row with a wrong quote; None if there is none."""
        with translate_read_errors(self.path) as file:
            reader = csv.reader(file, delimiter=self.delimiter, strict=True)
            begins = 1
            try:
                for _ in reader:
                    begins = reader.line_num + 1
            except csv.Error as error:
                if "end of data" in str(error):
                    return begins, "opens a quote that is never closed"
                if reader.line_num > begins:
                    return begins, "opens a quote that is not closed where its field ends"
                return begins, "has text behind a closing quote; within a quoted text, write a quote twice"
        return None

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each row below the header with the line where it begins; skip empty lines."""
        with translate_read_errors(self.path) as file:
            reader = csv.reader(file, delimiter=self.delimiter)
            begins = 1
            for row in reader:
                if row and (begins > 1 or not self.named):
                    yield begins, row
                begins = max(reader.line_num + 1, 2)

    def lines_of(self, ordinals: Collection[int], loaded: int) -> dict[int, int]:
        """Find the lines of some rows.

        Parameters
        ----------
        ordinals : collection of int
            Row numbers, counted from 1 among the rows with all fields.
        loaded : int
            Number of such rows in the file; if each has one line, the file is not read again.
        """
        if loaded == self.lines - self.named:
            return {ordinal: ordinal + self.named for ordinal in ordinals}
        whole = (line for line, row in self.rows() if len(row) >= len(self.header))
        wanted = set(ordinals)
        return {n: line for n, line in enumerate(islice(whole, max(wanted, default=0)), 1) if n in wanted}

    def fields_of(self, ordinals: Collection[int], position: int) -> dict[int, str]:
        """Return one field of the given rows, which are numbered as in `lines_of`."""
        whole = (row for _, row in self.rows() if len(row) >= len(self.header))
        wanted = set(ordinals)
        last = max(wanted, default=0)
        return {n: row[position].strip() for n, row in enumerate(islice(whole, last), 1) if n in wanted}

    def broken_rows(self, limit: int) -> list[tuple[int, int]]:
        """Return the line and number of fields of the first rows with too few or too many fields."""
        width = len(self.header)
        broken = ((line, len(row)) for line, row in self.rows() if len(row) != width)
        return list(islice(broken, limit))


def read_text(
    path: Path, on_fraction: Callable[[float], None] | None = None, *, header: bool = True
) -> DelimitedText:
    """Read a file once to its end, check its encoding, and return its header and line count.

    Parameters
    ----------
    path : Path
        The file, plain or gzip.
    on_fraction : callable, optional
        Receives the fraction of the file that has been read, 0 to 1.
    header : bool
        Whether the first line names the columns.

    Raises
    ------
    TextError
        If it is not UTF-8, contains NUL bytes, or is a truncated gzip file.
    """
    try:
        lines = _count_lines(path, on_fraction)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TextError("is not a whole gzip file") from error
    if lines == 0:
        raise TextError("is empty; its first line must name the columns")
    with translate_read_errors(path) as file:
        first = file.readline()
    is_tsv = ".tsv" in path.suffixes[-2:]
    delimiter = "\t" if is_tsv else max(_SEPARATORS, key=first.count)
    if delimiter not in first:
        _refuse_separator(first.strip(), is_tsv=is_tsv)
    try:
        fields = next(csv.reader([first], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise TextError("the first line opens a quote and does not close it", 1) from error
    return DelimitedText(path, delimiter, tuple(field.strip() for field in fields), lines, header)


def _refuse_separator(first: str, *, is_tsv: bool) -> None:
    """Reject a first line of several fields with an unsupported separator."""
    shown = first if len(first) <= 60 else f"{first[:57]}…"
    found = next((word for mark, word in _SEPARATORS.items() if is_tsv and mark in first), None)
    if found:
        raise TextError(f"the first line is separated by {found}, not tabs: rename the file to .csv", 1)
    word = "bars" if "|" in first else "spaces" if len(first.split()) > 1 and '"' not in first else None
    if word:
        fields = "tabs" if is_tsv else "commas, semicolons or tabs"
        raise TextError(f"the first line, {shown!r}, is separated by {word}; separate fields by {fields}", 1)


def _count_lines(path: Path, on_fraction: Callable[[float], None] | None) -> int:
    decoder = codecs.getincrementaldecoder("utf-8")()
    breaks, last = 0, b"\n"
    size = max(1, path.stat().st_size)
    with path.open("rb") as stored, _open_compressed(stored, path) as file:
        while chunk := file.read(_CHUNK):
            if on_fraction is not None:
                on_fraction(min(1.0, stored.tell() / size))
            if chunk.endswith(b"\r"):
                chunk += file.read(1)
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                row = breaks + _breaks(error.object[: error.start]) + 1
                raise TextError(f"is not UTF-8 (byte 0x{error.object[error.start]:02x})", row) from error
            if (nul := chunk.find(b"\0")) >= 0:
                raise TextError("holds a NUL byte, so it is no text", breaks + _breaks(chunk[:nul]) + 1)
            breaks += _breaks(chunk)
            last = chunk[-1:]
    if decoder.getstate()[0]:
        raise TextError("is not UTF-8 (it ends within a character)", breaks + 1)
    return breaks + (last not in b"\r\n")


def _breaks(data: bytes) -> int:
    crlf = data.count(b"\r\n")
    return data.count(b"\n") + data.count(b"\r") - crlf


def _open_compressed(stored: IO[bytes], path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(stored, "rb")) if path.suffix == ".gz" else stored


@contextmanager
def translate_read_errors(path: Path) -> Iterator[IO[str]]:
    """Open a text file, plain or gzip, for ``csv.reader``; translate errors to `TextError`."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with (
        path.open("rb") as stored,
        _open_compressed(stored, path) as raw,
        io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file,
    ):
        yield file
