"""Arguments that nobody would type on purpose: each ends in an answer or in a sentence, never in a traceback.

At length: ``SYNDB_COMMAND_FUZZ=5000 SYNDB_COMMAND_SEED=7 pytest tests/integration/test_command_fuzz.py``.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from syndb_lab.cli.main import main, service_commands
from tests.support.live_service import Live, isolated_environment

CASES = int(os.environ.get("SYNDB_COMMAND_FUZZ", "80"))
SEED = int(os.environ.get("SYNDB_COMMAND_SEED", "14"))
SURROGATE = "\udcff"
TEXTS = [
    *("", " ", "-", "--", "---", "-- x", "--x y", "--\n", "-- all\nSELECT 1", "--a=b\nSELECT 1", "-x", "-qz"),
    *(
        "a" * 5000,
        "é" * 300,
        SURROGATE,
        f"SELECT '{SURROGATE}'",
        "\x1b]0;owned\x07",
        "\x9b2J",
        "\u2028",
        "😀",
    ),
    *("nan", "-1", "0", "1e400", "9" * 400, "0x10", "1_000", "inf", "١٢", "-9223372036854775809", "1.5"),
    *("'", '"', "''", "$$", "{{x}}", "{{", "}}", "{{00000000-0000-4000-8000-000000000000}}", ":x", "$x", "?"),
    *("../../etc/passwd", "a/b?c#d", "%00", "%2e%2e/%2e%2e", "/", ".", "..", "~", "*", "\\", "\t", "\r\n"),
    *("00000000-0000-4000-8000-000000000000", "celegans_varshney_2011", "celegans_varshny_2011"),
    *(
        "SELECT 1",
        "SELECT 1 AS one",
        "SELECT :x",
        "SELECT [1,2] AS l, 'a'::BLOB AS b",
        "SELEC",
        "SELECT 1; 2",
    ),
    *(
        "SELECT 'nan'::DOUBLE AS x, NULL AS y",
        "/* x",
        "SELECT '" + "x" * 70_000 + "'",
        "SELECT " + "(" * 3000,
    ),
]
ASSIGNMENTS = [
    *("x", "=", "x=", "=1", "x=1", "x==1", "x=[1,", 'x={"a":1}', 'x=[1,"a"]', "x=[[1],[2.5]]", "x=1e999"),
    *(
        "x=" + "9" * 5000,
        f"x={SURROGATE}",
        f"{SURROGATE}=1",
        "x=NaN",
        "x=null",
        "x=true",
        "é=1",
        "x y=1",
        "1=1",
    ),
    *(
        "samples=-1",
        "samples=many",
        "source=5",
        "target=[1]",
        "min_synapses=1e30",
        "include=[[]]",
        "x=\u2028",
    ),
    "x=" + "[" * 3000,
]
FILES = [
    *(
        "",
        ".",
        "..",
        "/",
        "out",
        "out.xlsx",
        "nowhere/out.csv",
        "x" * 300 + ".csv",
        "x" * 250 + ".csv",
        "é.json",
    ),
    *(
        "a/" * 3000 + "x.csv",
        f"{SURROGATE}.csv",
        "loop.csv",
        "dangling.csv",
        "folder.csv",
        "folder",
        "file/x.csv",
    ),
    *(".csv", "x.csv/", "x.CSV", "x.jsonl", "x.json", "x.parquet", "x.arrow", "\x1b[2J.csv", "/dev/null"),
    *("/proc/x.csv", "link.csv", "-x.csv", "pipe"),
]
SQL_FILES = [
    "latin.sql",
    "utf16.sql",
    "bom.sql",
    "bytes.sql",
    "empty.sql",
    "nul.sql",
    "folder",
    "loop.csv",
    "é",
]
URLS = [
    "",
    " ",
    "x",
    "http://",
    "http://127.0.0.1:1",
    "ftp://x",
    "http://[::1",
    "http://127.0.0.1:99999",
    "é://ü",
]
OPTIONS: dict[str, dict[str, list[str]]] = {
    "query": {
        **{"-o": FILES, "--output": FILES, "-f": SQL_FILES, "-p": ASSIGNMENTS, "--parameter": ASSIGNMENTS},
        **{"--label": TEXTS, "--time-limit": TEXTS, "--url": URLS, "-q": [], "--detach": []},
    },
    "graph": {
        **{
            "--analysis": TEXTS,
            "--min-synapses": TEXTS,
            "--top-hubs": TEXTS,
            "--seed": TEXTS,
            "--label": TEXTS,
        },
        **{"-p": ASSIGNMENTS, "-o": FILES, "--neurons": FILES, "--time-limit": TEXTS},
    },
    "jobs": {"--status": TEXTS, "--kind": TEXTS, "-n": TEXTS, "--json": [], "--url": URLS},
    "result": {"-o": FILES, "--neurons": FILES, "-q": []},
    "rerun": {"--url": URLS},
    "cancel": {"--url": URLS},
    "datasets": {"--json": [], "--url": URLS},
    "completion": {},
    "nothing": {},
}


@pytest.fixture(scope="module")
def environment(live: Live, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("fuzz")
    return isolated_environment(folder, SYNDB_URL=live.url, SYNDB_TOKEN=live.token)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with files of odd kinds."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin.sql").write_bytes("SELECT 'ü' AS u".encode("latin-1"))
    (tmp_path / "utf16.sql").write_bytes("SELECT 'ü' AS u".encode("utf-16"))
    (tmp_path / "bom.sql").write_bytes("SELECT 'ü' AS u".encode("utf-8-sig"))
    (tmp_path / "bytes.sql").write_bytes(bytes(range(256)))
    (tmp_path / "nul.sql").write_bytes(b"SELECT 1\x00")
    (tmp_path / "empty.sql").touch()
    (tmp_path / "file").touch()
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    (tmp_path / "dangling.csv").symlink_to("nowhere/x.csv")
    (tmp_path / "link.csv").symlink_to("file")
    return tmp_path


def arguments(made: random.Random, jobs: list[str]) -> list[str]:
    """Make a command line."""
    name = made.choice([*OPTIONS, "query", "query"])
    words = [name]
    for option, values in made.sample(
        sorted(OPTIONS[name].items()), made.randint(0, min(3, len(OPTIONS[name])))
    ):
        words.append(option)
        if values and made.random() < 0.97:
            words.append(made.choice(values))
    for _ in range(made.choice([0, 1, 1, 1, 1, 2])):
        words.insert(made.randint(1, len(words)), made.choice([*TEXTS, *jobs, "SELECT 1 AS one"]))
    if name == "graph":
        words.append("--detach")
    return words


def test_no_argument_ends_in_a_traceback(environment: dict[str, str], folder: Path) -> None:
    made = random.Random(SEED)
    runner = CliRunner()
    jobs = [
        runner.invoke(main, ["query", sql, "--detach"], env=environment).stdout.strip()
        for sql in ("SELECT [1] AS l, 'inf'::DOUBLE AS x", "SELECT 1 AS one WHERE false")
    ]
    codes = set()
    for _ in range(CASES):
        words = arguments(made, jobs)
        done = runner.invoke(main, words, env=environment, input=b"SELECT 3\xff")
        assert done.exception is None or isinstance(done.exception, SystemExit), (words, done.exc_info)
        assert done.exit_code in {0, 1, 2, 3, 4}, words
        assert "Traceback" not in done.output, words
        assert "\x1b" not in done.stderr, words
        codes.add(done.exit_code)
    assert {0, 1, 2} <= codes


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("query", b"SELECT '\xff'"), 2, "UTF-8"),
        (("query", "SELECT 1", "-o", b"\xff.csv"), 0, "1 row"),
        (("query", "SELECT 1", "--label", b"\xff"), 2, "UTF-8"),
        (("result", b"\xff"), 2, "UTF-8"),
    ],
)
def test_bytes_that_are_no_text_are_told(
    environment: dict[str, str], folder: Path, words: tuple[str | bytes, ...], code: int, told: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "syndb_lab", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert told in done.stderr


def service_arguments(made: random.Random) -> list[str]:
    """Make a command line of the commands that an operator types, but for those that run a service."""
    names = {name: each for name, each in service_commands().items() if name in {"token", "dataset", "group"}}
    name = made.choice(sorted(names))
    group = names[name]
    assert isinstance(group, click.Group)
    verb = made.choice(sorted(group.commands))
    words = [name, verb]
    for parameter in group.commands[verb].params:
        if isinstance(parameter, click.Argument):
            words.append(made.choice([*TEXTS, *FILES, "edges.csv"]))
        elif "--data-dir" not in parameter.opts and made.random() < 0.3:
            flag = isinstance(parameter, click.Option) and parameter.is_flag
            words += [parameter.opts[0]] if flag else [parameter.opts[0], made.choice([*TEXTS, *FILES])]
    return words


def test_no_argument_of_an_operator_ends_in_a_traceback(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = random.Random(SEED)
    (folder / "edges.csv").write_text("pre,post,weight\n1,2,3\n")
    (folder / "data").mkdir()
    environment = isolated_environment(folder)
    for name in [name for name in os.environ if name.startswith(("SYNDB_", "JOB_"))]:
        monkeypatch.delenv(name)
    long = [
        ["dataset", "add", "x" * 5000],
        ["dataset", "add", "a/" * 3000],
        ["group", "remove", SURROGATE, "x"],
    ]
    for words in [*long, *(service_arguments(made) for _ in range(CASES // 2))]:
        done = CliRunner().invoke(main, [*words, "--data-dir", str(folder / "data")], env=environment)
        assert done.exception is None or isinstance(done.exception, SystemExit), (words, done.exc_info)
        assert done.exit_code in {0, 1, 2}, words
        assert "\x1b" not in done.output, words
