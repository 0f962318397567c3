"""The command line against a running service: results, files, exit codes, terminals and pipes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner, Result
from matplotlib.figure import Figure

from syndb_lab.cli import main as command
from syndb_lab.cli.main import main
from syndb_lab.job import Job
from tests.support.live_service import isolated_environment

if TYPE_CHECKING:
    from tests.support.live_service import Live

WORM = "celegans_varshney_2011"
BIG = 720575940596125869
QUERY = (
    f"SELECT 'ADAL' AS name, {BIG} AS neuron_id, NULL::DOUBLE AS x UNION ALL SELECT 'ü', 2, 0.5 ORDER BY 1"
)

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def environment(live: Live, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("command")
    return isolated_environment(folder, SYNDB_URL=live.url, SYNDB_TOKEN=live.token)


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def command(*words: str, **others: str) -> Result:
        return CliRunner().invoke(main, list(words), env=environment | others)

    return command


def test_a_query_in_a_pipe_is_csv_and_nothing_else(run: Run) -> None:
    done = run("query", QUERY)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.replace('"', "").splitlines() == ["name,neuron_id,x", f"ADAL,{BIG},", "ü,2,0.5"]


def test_a_file_is_written_as_its_ending_says(run: Run, tmp_path: Path) -> None:
    expected = [("ADAL", BIG, None), ("ü", 2, 0.5)]
    readers: dict[str, Callable[[Path], list[tuple[object, ...]]]] = {
        "parquet": lambda path: pl.read_parquet(path).rows(),
        "arrow": lambda path: pl.read_ipc(path).rows(),
        "csv": lambda path: duckdb.read_csv(str(path)).fetchall(),
        "json": lambda path: [tuple(row.values()) for row in json.loads(path.read_text())],
        "jsonl": lambda path: [tuple(json.loads(line).values()) for line in path.read_text().splitlines()],
    }
    for ending, read in readers.items():
        path = tmp_path / f"out.{ending}"
        done = run("query", QUERY, "-o", str(path))
        assert (done.exit_code, done.stdout) == (0, ""), done.stderr
        texts = [(name, str(number), x) for name, number, x in expected]
        assert read(path) == (texts if ending.startswith("json") else expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"out.{ending}" for ending in readers)


def test_sql_from_a_file_with_parameters(run: Run, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("SELECT :kind AS kind, :least AS least")
    done = run("query", "-f", str(tmp_path / "q.sql"), "-p", "kind=motor", "-p", "least=3")
    assert done.stdout.replace('"', "").splitlines() == ["kind,least", "motor,3"]


@pytest.mark.parametrize(
    ("words", "environment_", "code", "told"),
    [
        (("query", "SELEC 1"), {}, 2, "line 1: SELEC 1"),
        (("query", "SELECT :kind"), {}, 2, "kind"),
        (("query",), {}, 2, "Give the SQL"),
        (("query", "SELECT 1", "-o", "out.xlsx"), {}, 2, ".parquet"),
        (("query", "SELECT 1", "-o", "nowhere/out.csv"), {}, 2, "no folder nowhere"),
        (("query", "SELECT :kind"), {}, 2, "-p name=value"),
        (("graph", WORM, "-o", "out.csv"), {}, 2, ".png"),
        (("graph", WORM, "--analysis", "all"), {}, 2, "motif_significance"),
        (("graph", WORM, "-p", "colour=red"), {}, 2, "colour"),
        (("graph", WORM, "--seed", "1", "-p", "seed=2"), {}, 2, "a place of its own"),
        (("graph", WORM, "-p", "self=1"), {}, 2, "a place of its own"),
        (("graph", "celegans_varshny_2011"), {}, 2, WORM),
        (("query", "SELECT CAST(name AS INTEGER) FROM neurons"), {}, 1, "Could not convert"),
        (("result", "00000000-0000-4000-8000-000000000000"), {}, 1, "no job"),
        (("result", "123"), {}, 1, "`syndb-lab jobs` lists yours"),
        (("query", "SELECT $kind"), {}, 2, "-p name=value"),
        (("query", "SELECT 1", "--time-limit", "-1"), {}, 2, "--time-limit is -1"),
        (("jobs",), {"SYNDB_URL": "http://127.0.0.1:1"}, 3, "another address: --url"),
        (("jobs",), {"SYNDB_TOKEN": "wrong"}, 4, "token"),
    ],
)
def test_exit_codes(
    run: Run, words: tuple[str, ...], environment_: dict[str, str], code: int, told: str
) -> None:
    done = run(*words, **environment_)
    assert done.exit_code == code, done.output
    assert told.lower() in done.stderr.lower()
    assert "Traceback" not in done.output
    assert done.stdout == ""


def test_a_job_from_submission_to_its_second_run(run: Run, tmp_path: Path) -> None:
    job = run("query", "SELECT 1 AS one", "--detach", "--label", "mine").stdout.strip()
    assert run("result", job).stdout.replace('"', "").split() == ["one", "1"]
    again = run("rerun", job).stdout.strip()
    assert run("result", again, "-o", str(tmp_path / "one.parquet")).exit_code == 0
    assert pl.read_parquet(tmp_path / "one.parquet").rows() == [(1,)]
    assert run("cancel", job, again).stdout.split() == [job, "completed", again, "completed"]
    header, *rows = run("jobs", "-n", "500").stdout.splitlines()
    assert header.split("\t")[0] == "status"
    assert {job, again} <= {row.split("\t")[-1] for row in rows}
    assert json.loads(run("jobs", "-n", "1", "--json").stdout)["status"]


def test_a_graph_is_json_in_a_pipe_and_a_picture_in_a_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Job, "plot", lambda _: Figure())  # what it draws has tests of its own
    job = run("graph", WORM, "--detach").stdout.strip()
    assert json.loads(run("result", job).stdout)["neuron_count"] == 279
    assert run("result", job, "-o", str(tmp_path / "worm.svg")).exit_code == 0
    assert "<svg" in (tmp_path / "worm.svg").read_text()


def test_datasets_with_their_ids(run: Run) -> None:
    assert WORM in run("datasets").stdout
    assert json.loads(run("datasets", "--json").stdout.splitlines()[0])["species"]


def on_terminal(environment: dict[str, str], *words: str) -> str:
    """Run a command on a terminal of 80 columns, and return what it shows there."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "syndb_lab", *words]
    plain = environment | {"COLUMNS": "80"}
    with subprocess.Popen(command, env=plain, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
    os.close(ours)
    assert process.returncode == 0, shown.decode()
    return shown.decode()


def test_a_terminal_gets_a_table_and_progress(environment: dict[str, str]) -> None:
    text = on_terminal(environment, "query", "SELECT range AS n FROM range(30) ORDER BY 1")
    assert "\x1b[2K" in text
    assert "completed" in text
    assert "30 rows; the first 20 rows are shown, -o FILE writes all" in text
    assert "\r\n19\r\n" in text
    assert "\r\n20\r\n" not in text


def test_a_table_is_no_wider_than_the_terminal(environment: dict[str, str]) -> None:
    columns = ", ".join(f"720575940600000000 + {place} AS neuron_{place}" for place in range(9))
    text = on_terminal(environment, "query", "-q", f"SELECT {columns}")
    assert "1 row; 4 of 9 columns are shown, -o FILE writes all" in text
    assert "720575940600000003\r\n" in text
    assert "neuron_4" not in text


def test_what_is_large_or_nested_is_shown_and_piped(environment: dict[str, str], run: Run) -> None:
    assert "1 row" in on_terminal(environment, "query", "-q", "SELECT repeat('x', 200000) AS t")
    sql = (
        "SELECT [1, NULL] AS l, {'a': 'x'} AS s, INTERVAL 1 DAY AS i, DATE '10000-01-01' AS d, 'a'::BLOB AS b"
    )
    job = run(
        "query", f"{sql} UNION ALL BY NAME SELECT NULL AS l", "--detach", "-o", "x.arrow"
    ).stdout.strip()
    piped = run("result", job)
    assert piped.stdout.splitlines()[1].replace('"', "") == "[1, NULL],{'a': x},1 day,10000-01-01,a"
    text = on_terminal(environment, "result", "-q", job)
    assert "[1, NULL]" in text
    assert "10000-01-01" in text


def test_text_of_others_does_not_act_on_the_terminal(environment: dict[str, str], run: Run) -> None:
    value = "concat('A', chr(27), ']0;owned', chr(7), chr(155), '2J')"
    failed = run("query", f"SELECT CAST({value} AS INTEGER)")
    assert "owned" in failed.stderr
    assert not {"\x1b", "\x07", "\x9b"} & set(failed.output)
    shown = on_terminal(environment, "query", "-q", f'SELECT {value} AS t, 1 AS "a\x1b[2J"')
    assert "owned" in shown
    assert not {"\x1b", "\x07", "\x9b"} & set(shown)
    job = run("query", "SELECT 1", "--detach", "--label", "x\x9b2Jy").stdout.strip()
    assert not {"\x1b", "\x9b"} & set(run("jobs").stdout + run("jobs", "--json").stdout)
    assert job in run("jobs").stdout


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("query", "-- how many\nSELECT 1 AS one"), 0, ""),
        (("query", "--how many\nSELECT 1 AS one", "-q"), 0, ""),
        (("query", "SELECT 1", "--lable", "x"), 2, "No such option '--lable'. Did you mean '--label'?"),
        (("query", "SELECT 1", "-z"), 2, "No such option '-z'"),
        (("query", "SELECT", "1"), 2, "SQL is one argument, in quotes"),
        (("query", "-f", "missing.sql"), 2, "missing.sql can't be read: No such file"),
        (("query", "SELECT 1", "-o", "x" * 300 + ".csv"), 2, "File name too long"),
    ],
)
def test_sql_that_looks_like_an_option(run: Run, words: tuple[str, ...], code: int, told: str) -> None:
    done = run(*words)
    assert (done.exit_code, told in " ".join(done.stderr.split())) == (code, True), done.output
    assert not code or isinstance(done.exception, SystemExit)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def test_help_teaches_and_lists_both_sides() -> None:
    text = CliRunner().invoke(main, ["--help"]).stdout
    for words in ("syndb-lab query", "Ask a service", "Run a service", "dataset", "130"):
        assert words in text
    assert text.count("  completion ") == 1


def test_the_shell_completes_commands_jobs_and_datasets(
    run: Run, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "_SYNDB_LAB_COMPLETE" in run("completion", "zsh").stdout
    job = run("query", "SELECT 1", "--detach").stdout.strip()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    shell = BashComplete(main, {}, "syndb-lab", "_SYNDB_LAB_COMPLETE")
    assert [item.value for item in shell.get_completions([], "que")] == ["query"]
    assert [item.value for item in shell.get_completions(["graph"], "celegans_v")] == [WORM]
    assert [item.value for item in shell.get_completions(["result"], job[:13])] == [job]


def test_without_the_service_its_commands_say_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "service_commands", dict)
    done = CliRunner().invoke(main, ["up"])
    assert done.exit_code == 2
    assert "pip install 'syndb-lab[service]'" in done.stderr


def test_an_analysis_takes_its_options_by_name(run: Run) -> None:
    words = ("graph", WORM, "--analysis", "shortest_path", "-p", "source=ASEL", "-p", "target=DA1")
    route = json.loads(run(*words).stdout)["shortest_path"]
    assert [neuron["name"] for neuron in route["path"]][:: len(route["path"]) - 1] == ["ASEL", "DA1"]


def test_the_table_of_neurons_is_written_at_once_or_later(run: Run, tmp_path: Path) -> None:
    now, later = tmp_path / "now.parquet", tmp_path / "later.csv"
    words = ("graph", WORM, "--analysis", "metrics")
    done = run(*words, "--neurons", str(now))
    assert (done.exit_code, json.loads(done.stdout)["neuron_count"]) == (0, 279), done.output
    job = run(*words, "-p", "node_table=true", "--detach").stdout.strip()
    assert run("result", job, "--neurons", str(later)).exit_code == 0
    assert pl.read_parquet(now)["neuron_id"].to_list() == pl.read_csv(later)["neuron_id"].to_list()
    assert pl.read_parquet(now).height == 279
    without = run("result", run("query", "SELECT 1", "--detach").stdout.strip(), "--neurons", str(later))
    assert "graph DATASET --neurons FILE" in without.stderr


def test_a_join_that_forgets_the_dataset_is_warned_of(run: Run) -> None:
    sql = "SELECT count(*) FROM neurons n JOIN connections c ON n.neuron_id = c.pre_neuron_id"
    done = run("query", f"{sql} WHERE n.dataset_id = '5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8'")
    assert done.exit_code == 0
    assert "Warning: c is joined without dataset_id" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-p", "self=1"), "self"),
        (("-p", "dataset_id=5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8"), "has a place of its own for dataset_id"),
        (("-p", "node_table=false", "--neurons", "all.csv"), "has a place of its own for node_table"),
        (("--neurons", "all.xlsx"), "the ending says which kind"),
        (("--neurons", "all.csv", "--detach"), "-p node_table=true instead"),
    ],
)
def test_an_option_that_can_not_be_is_refused_in_words(run: Run, words: tuple[str, ...], told: str) -> None:
    done = run("graph", WORM, *words)
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert isinstance(done.exception, SystemExit)
    assert told in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("query -q 'SELECT i FROM range(100000) t(i)' >/dev/full", 1, "No space left on device"),
        ("query -q 'SELECT 1' >&-", 1, "Bad file descriptor"),
        ("jobs >/dev/full", 1, "No space left on device"),
        ("--help >/dev/full", 1, "No space left on device"),
        ("query -q 'SELECT 1' -o out.csv >&- 2>&-", 0, ""),
        ("query -q -f - <&-", 2, "empty"),
        ("query -q 'SELECT i FROM range(1000000) t(i)' | head -n 1", 0, ""),
    ],
)
def test_an_output_that_takes_nothing(
    environment: dict[str, str], tmp_path: Path, line: str, code: int, told: str
) -> None:
    shell = ["bash", "-o", "pipefail", "-c", f"{sys.executable} -m syndb_lab {line}"]
    done = subprocess.run(shell, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, told in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 2
