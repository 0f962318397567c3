"""What the command line writes: JSON and CSV of every type, and nothing that acts on a terminal."""

from __future__ import annotations

import io
import json
import math
import os
import pty
import warnings
from pathlib import Path
from typing import Any

import click
import duckdb
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import csv

from syndb_lab.cli.main import Commands
from syndb_lab.cli.output import with_part
from syndb_lab.cli.sql_input import is_comment, read_sql
from syndb_lab.datasets import Dataset
from syndb_lab.display.listing import Listing
from syndb_lab.display.progress import TerminalLine, describe
from syndb_lab.errors import QueryError, SyndbError
from syndb_lab.results.csv_writer import write_csv
from syndb_lab.results.duckdb_text import iter_slices
from syndb_lab.results.json_writer import dump_json, write_json
from syndb_lab.text.terminal_text import columns_of
from tests.support.lab_fakes import job_record

BIG = 720575940600000001
ODD: dict[str, tuple[str, Any, str | None]] = {
    "nan": ("'nan'::DOUBLE", None, "nan"),
    "infinite": ("'-inf'::FLOAT", None, "-inf"),
    "floats": ("['nan'::DOUBLE, 1.5, NULL]", [None, 1.5, None], "[nan, 1.5, NULL]"),
    "inside": ("{'a': 'inf'::DOUBLE, 'b c\"': [1]}", {"a": None, 'b c"': [1]}, "{'a': inf, 'b c\"': [1]}"),
    "id": (f"{BIG}", str(BIG), str(BIG)),
    "ids": (f"[{BIG}, 1, NULL]", [str(BIG), "1", None], f"[{BIG}, 1, NULL]"),
    "deep": (f"[{{'i': [{BIG}]}}, NULL]", [{"i": [str(BIG)]}, None], f"[{{'i': [{BIG}]}}, NULL]"),
    "pair": (f"[{BIG}, 2]::BIGINT[2]", [str(BIG), "2"], f"[{BIG}, 2]"),
    "fixed": ("[['x', 'y']::ENUM('x', 'y')[2]]", [["x", "y"]], "[[x, y]]"),
    "small": ("[1, 2]::TINYINT[]", [1, 2], "[1, 2]"),
    "map": ("MAP {1: 2.5::DOUBLE}", {"1": 2.5}, "{1=2.5}"),
    "named": ("MAP {'a': {'x': 1}}", {"a": {"x": 1}}, "{a={'x': 1}}"),
    "bytes": ("'\\xAA\\x00ab'::BLOB", "\\xAA\\x00ab", "\\xAA\\x00ab"),
    "price": ("1.10::DECIMAL(9, 2)", "1.10", "1.10"),
    "far": ("DATE '10000-01-01'", "10000-01-01", "10000-01-01"),
    "never": ("TIMESTAMP 'infinity'", "infinity", "infinity"),
    "moment": ("TIMESTAMP '2024-01-01 01:02:03'", "2024-01-01T01:02:03", "2024-01-01 01:02:03"),
    "exact": (
        "TIMESTAMP_NS '2024-01-01 00:00:00.123456789'",
        "2024-01-01T00:00:00.123456789",
        "2024-01-01 00:00:00.123456789",
    ),
    "zoned": (
        "TIMESTAMPTZ '2024-01-01 00:00:00+02'",
        "2023-12-31T22:00:00+00:00",
        "2023-12-31 22:00:00+00",
    ),
    "span": ("INTERVAL 1 MONTH", "1 month", "1 month"),
    "spans": ("[INTERVAL 1 DAY]", ["1 day"], "[1 day]"),
    "time": ("TIME '10:00:00.5'", "10:00:00.5", "10:00:00.5"),
    "name": ("'x'::ENUM('x')", "x", "x"),
    "either": ("union_value(x := 1)", "1", "1"),
    "truth": ("true", True, "true"),
    "missing": ("NULL::INTEGER[]", None, None),
    "empty": ("''", "", ""),
}


@pytest.fixture(scope="module")
def odd() -> pa.Table:
    """A row of odd values below a row of NULLs."""
    columns = ", ".join(f'{sql} AS "{name}"' for name, (sql, _, _) in ODD.items())
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.sql(
            f"FROM (SELECT {columns}) UNION ALL BY NAME SELECT NULL AS nan"
        ).to_arrow_table()


def no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


@pytest.mark.parametrize("lines", [True, False])
def test_json_of_every_type_is_json_and_says_the_value(odd: pa.Table, tmp_path: Path, lines: bool) -> None:
    nulled = write_json(odd, tmp_path / "x.json", lines=lines)
    text = (tmp_path / "x.json").read_text(encoding="utf-8")
    texts = text.splitlines() if lines else [text]
    found = [json.loads(one, parse_constant=no_constant) for one in texts]
    rows = found if lines else found[0]
    assert rows[0] == {name: value for name, (_, value, _) in ODD.items()}
    assert set(rows[1].values()) == {None}
    assert nulled == 4


def test_csv_of_every_type_says_the_value(odd: pa.Table) -> None:
    sink = io.BytesIO()
    write_csv(odd, sink)
    options = csv.ConvertOptions(
        column_types=dict.fromkeys(odd.column_names, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    row, nulls = csv.read_csv(io.BytesIO(sink.getvalue()), convert_options=options).to_pylist()
    assert row == {name: text for name, (_, _, text) in ODD.items()}
    assert set(nulls.values()) == {None}


def test_no_rows_are_json_and_csv(odd: pa.Table, tmp_path: Path) -> None:
    for lines, text in ((True, ""), (False, "[]\n")):
        write_json(odd.slice(0, 0), tmp_path / "x", lines=lines)
        assert (tmp_path / "x").read_text() == text
    sink = io.BytesIO()
    write_csv(odd.slice(0, 0), sink)
    assert sink.getvalue().count(b"\n") == 1


@pytest.mark.slow
def test_ids_are_texts_in_all_slices_where_one_is_beyond(tmp_path: Path) -> None:
    table = pa.table({"n": [1] * 20_000 + [BIG], "l": [[1]] * 20_000 + [[BIG]]})
    write_json(table, tmp_path / "x", lines=True)
    first, *_, last = (tmp_path / "x").read_text().splitlines()
    assert (json.loads(first), json.loads(last)) == ({"n": "1", "l": ["1"]}, {"n": str(BIG), "l": [str(BIG)]})


@pytest.mark.slow
def test_wide_rows_are_taken_a_few_at_a_time() -> None:
    table = pa.table({"t": ["x" * 5_000_000] * 9})
    sizes = [part.num_rows for part in iter_slices(table)]
    assert (sum(sizes), max(sizes)) == (9, 3)


def test_json_holds_nothing_that_acts_on_a_terminal() -> None:
    text = dump_json({"a\x1b": "\x9b2J\x7f ü"})
    assert text.isprintable()
    assert json.loads(text) == {"a\x1b": "\x9b2J\x7f ü"}
    with pytest.raises(ValueError, match="JSON"):
        dump_json(math.nan)


class Terminal(io.StringIO):
    """A terminal of 60 columns."""

    def isatty(self) -> bool:
        return True


RUNNING = job_record(
    "running", progress={"phase": "executing", "rows": 12_345_678, "bytes": 91_000_000, "fraction": 0.42}
)


@pytest.mark.parametrize("columns", [20, 40, 60, 79, 100, 127])
@pytest.mark.parametrize("away", ["", "the service does not answer"])
def test_a_line_of_progress_is_no_longer_than_it_may_be(columns: int, away: str) -> None:
    line = describe(RUNNING, 12.3, unavailable=away, columns=columns)
    assert len(line) <= columns
    assert line.startswith("running")
    if columns >= 79 and not away:
        assert "42 %" in line
        assert "12.3 s" in line


def test_a_terminal_is_written_over_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    terminal = Terminal()
    line = TerminalLine(terminal)
    line.show("神経\x1b[2J\n" * 60)
    shown = terminal.getvalue().removeprefix("\r\x1b[2K")
    assert columns_of(shown) <= 59
    assert "\x1b" not in shown
    assert "\n" not in shown
    line.end("x" * 100)
    assert terminal.getvalue().endswith("x" * 100 + "\n")


def test_the_width_is_that_of_the_terminal_that_is_written_to() -> None:
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 50, 0, 0))
    with os.fdopen(theirs, "w") as stream:
        assert TerminalLine(stream).columns == 49
    os.close(ours)


def test_a_listing_shows_no_escape_sequence() -> None:
    listing = Listing(["a\x1b]0;owned\x07b", "神経"], {"n\x1b[2J": str}, empty="")
    assert repr(listing).splitlines() == ["n�[2J", "a�]0;owned�b", "神経"]


@pytest.mark.parametrize(
    ("word", "sql"),
    [
        ("-- how many\nSELECT 1", True),
        ("--how many", True),
        ("--\nSELECT 1", True),
        ("--", False),
        ("--lable=how many", False),
        ("--label", False),
        ("-x y", False),
    ],
)
def test_a_comment_is_told_from_an_option(word: str, sql: bool) -> None:
    assert is_comment(word) is sql


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_file_of_sql_is_read_in_what_it_says_it_is(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "q.sql").write_bytes("SELECT 'ü😀'".encode(encoding))
    assert read_sql(tmp_path / "q.sql") == "SELECT 'ü😀'"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("SELECT 1,\n'ü'".encode("latin-1"), "is no UTF-8: line 2 has the byte 0xfc"),
        (b"\xff\xfeS\x00\x00", "is no UTF-16-LE"),
        (b" " * (16 << 20) + b"1", "which is no query"),
        (None, "can't be read: Is a directory"),
    ],
)
def test_a_file_that_is_no_sql_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    import click

    path = tmp_path / "q.sql"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(click.UsageError) as caught:
        read_sql(path)
    assert told in str(caught.value)
    assert "q.sql" in str(caught.value)


def test_a_warning_is_a_sentence_and_no_line_of_code() -> None:
    command = click.Command("warn", callback=lambda: warnings.warn("it \x1b[31m stays", stacklevel=1))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        done = CliRunner().invoke(Commands("all", commands={"warn": command}), ["warn"])
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.startswith("Warning: it ")
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


def test_a_link_stays_one_and_a_pipe_is_written_into(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    with_part(tmp_path / "link.csv", lambda part: part.write_text("new"))
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"
    with_part(tmp_path / ("x" * 251 + ".csv"), lambda part: part.write_text("new"))
    os.mkfifo(tmp_path / "pipe.csv")
    reader = os.open(tmp_path / "pipe.csv", os.O_RDONLY | os.O_NONBLOCK)
    with_part(tmp_path / "pipe.csv", lambda part: part.write_text("new"))
    assert os.read(reader, 9) == b"new"
    os.close(reader)
    assert sorted(path.name[:4] for path in tmp_path.iterdir()) == ["link", "pipe", "real", "xxxx"]


def test_no_error_acts_on_a_terminal() -> None:
    text = "Could not convert 'A\x1b]0;owned\x07\x9b2J'"
    error = QueryError(text, hint="\x1b[2J", query="SELECT '\x1b'", line=1, column=8)
    shown = [str(error), str(SyndbError(text, hint="\x1b")), *error._render_traceback_()]
    assert all(not {"\x1b", "\x07", "\x9b"} & set(one) for one in shown)
    assert str(error).splitlines()[-2].index("^") == str(error).splitlines()[-3].index("'")
    assert error.message == text
    assert "\x1b" not in repr(Dataset({"id": "1", "name": "a", "title": "\x1b[2J", "citation": "\x9b"}))
