import json
from collections.abc import Callable, Iterator

import httpx
import polars as pl
import pyarrow as pa
import pytest
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

from syndb_lab import Job, Lab
from syndb_lab.errors import SyndbError
from syndb_lab.magics.cell_line import HELP_WORDS, USAGE, CellLine, line_parser, read_cell_line
from syndb_lab.magics.line_commands import VERBS
from tests.support.lab_fakes import FLYWIRE_ID, JOB_ID, Answer, arrow_file, job_record, result_info

pytestmark = pytest.mark.slow

CONTENT = arrow_file(pa.table({"id": pa.array([FLYWIRE_ID, None], pa.int64())}))
DATASETS = [
    {
        "id": "5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8",
        "name": "worm",
        "tables": [
            {
                "name": "neurons",
                "rows": 279,
                "columns": [
                    {"name": "neuron_id", "type": "int64", "unit": None, "description": "<b>its</b> id"}
                ],
            },
            {"name": "synapses", "rows": None, "columns": [{"name": "pre_neuron_id", "type": "int64"}]},
        ],
    }
]


class Notebook:
    """A shell and a pretended service, which remembers what was sent."""

    def __init__(self, shell: InteractiveShell, pretend_lab: Callable[[Answer], Lab]) -> None:
        self.shell = shell
        self.sent: list[tuple[str, str, dict[str, object]]] = []
        self.end = job_record("completed", result=result_info(CONTENT))
        self.refuse: httpx.Response | None = None
        shell.user_ns["lab"] = pretend_lab(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/datasets":
            return httpx.Response(200, json={"datasets": DATASETS})
        body = json.loads(request.content) if request.content else {}
        self.sent.append((request.method, request.url.path, body))
        if request.url.path.endswith("/result"):
            return httpx.Response(200, content=CONTENT)
        if self.refuse is not None:
            return self.refuse
        return httpx.Response(200, json=self.end if request.method == "GET" else job_record(**body))

    def run(self, cell: str) -> ExecutionResult:
        return self.shell.run_cell(cell)


@pytest.fixture
def notebook(pretend_lab: Callable[[Answer], Lab]) -> Iterator[Notebook]:
    shell = InteractiveShell.instance()
    shell.reset()
    shell.run_cell("%load_ext syndb_lab\n%reload_ext syndb_lab")
    yield Notebook(shell, pretend_lab)
    InteractiveShell.clear_instance()


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("", CellLine()),
        ("q", CellLine("q")),
        ("q --wait --as pandas", CellLine("q", frame="pandas", wait=True)),
        ("--wait q", CellLine("q", wait=True)),
        ("--label 'two words' --format csv --quiet", CellLine(label="two words", format="csv", quiet=True)),
        ("""q -p x='{"a": 1}' -p n=5""", CellLine("q", values={"x": '{"a": 1}', "n": 5})),
        ("-p kind=motor -p kind=sensory", CellLine(values={"kind": "sensory"})),
        ("q --time-limit 2.5", CellLine("q", time_limit_s=2.5)),
        ("q --reproducible", CellLine("q", reproducible=True)),
        ("--help", CellLine(help=True)),
        ("q -h", CellLine("q", help=True)),
        ("-p path={x}$y", CellLine(values={"path": "{x}$y"})),
    ],
)
def test_the_line_is_read(line: str, asked: CellLine) -> None:
    assert read_cell_line(line) == asked


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--wiat", "Did you mean --wait"),
        ("--wa", "no flag --wa"),
        ("--lable x", "Did you mean --label"),
        ("--timelimit 3", "Did you mean --time-limit"),
        ("--time-limit soon", "invalid float value: 'soon'"),
        ("--limt 3", "Did you mean --limit"),
        ("--limit many", "invalid int value: 'many'"),
        ("--retries 3", "there is no flag --retries\n%%syndb [VAR]"),
        ("class", "no name for a variable"),
        ("1st", "no name for a variable"),
        ("a.b", "no name for a variable"),
        ("q r", "one variable is enough"),
        ("--as", "--as"),
        ("--as pands", "pandas"),
        ("--format xlsx", "parquet"),
        ("-p n", "no assignment"),
        ("-p 'n=5", "can't be read"),
    ],
)
def test_a_line_that_makes_no_sense(line: str, words: str) -> None:
    with pytest.raises(SyndbError) as caught:
        read_cell_line(line)
    assert words in str(caught.value)


def test_the_variable_is_the_handle_at_once(notebook: Notebook) -> None:
    notebook.run("%%syndb q --label l --format csv\nSELECT 1\n").raise_error()
    assert isinstance(notebook.shell.user_ns["q"], Job)
    assert notebook.sent == [("POST", "/v1/jobs", {"query": "SELECT 1\n", "format": "csv", "label": "l"})]


def test_with_wait_it_is_the_frame(notebook: Notebook) -> None:
    notebook.run("%%syndb q --wait\nSELECT 1").raise_error()
    frame = notebook.shell.user_ns["q"]
    assert isinstance(frame, pl.DataFrame)
    assert frame["id"].to_list() == [FLYWIRE_ID, None]


@pytest.mark.parametrize("kind", ["polars", "pandas", "arrow", "duckdb"])
def test_without_a_variable_the_cell_gives_it(notebook: Notebook, kind: str) -> None:
    result = notebook.run(f"%%syndb --wait --as {kind}\nSELECT 1")
    assert type(result.result).__module__.split(".")[0] in {kind, "pyarrow", "_duckdb"}
    assert isinstance(notebook.run("%%syndb\nSELECT 1").result, Job)


def test_after_a_failure_it_stays_the_handle(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    error = {
        "code": "engine_failure",
        "message": "out of cheese",
        "line": 1,
        "column": 8,
        "hint": "Buy some.",
    }
    notebook.end = job_record("failed", error=error)
    result = notebook.run("%%syndb q --wait\nSELECT 1")
    assert not result.success
    assert isinstance(notebook.shell.user_ns["q"], Job)
    shown = capsys.readouterr().out
    assert "JobFailed: out of cheese\nline 1: SELECT 1\n               ^\nBuy some." in shown
    assert "Traceback" not in shown


def test_values_come_from_the_notebook_and_the_line(notebook: Notebook) -> None:
    notebook.run(f"least = {FLYWIRE_ID}\nkind = 'motor'")
    sql = "SELECT ':no', [1][:2] FROM t WHERE a > :least AND b = :kind AND c::int > 1\n"
    notebook.run(f"%%syndb q -p kind=sensory\n{sql}").raise_error()
    body = notebook.sent[0][2]
    assert body["query"] == sql.replace(":least", "$least").replace(":kind", "$kind")
    assert body["parameters"] == {"least": FLYWIRE_ID, "kind": "sensory"}


def test_an_error_of_a_call_is_one_block_with_the_users_own_lines(
    notebook: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = "def mine(job):\n    return lab.job(job)\n\nmine('nonsense')"
    assert not notebook.run(cell).success
    shown = capsys.readouterr().out.splitlines()
    assert shown[:2] == ["line 4: mine('nonsense')", "line 2: return lab.job(job)"]
    assert shown[2].startswith("JobNotFound: ")
    assert not [line for line in shown if "syndb_lab" in line]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("%%syndb\nSELECT :nothing", ":nothing has no value"),
        ("%%syndb\n  \n", "no SQL"),
        ("%%syndb -p n=1\nSELECT 1", "no parameter :n"),
        ("%%syndb\nSELECT :lab", "Lab, which can't be bound"),
        ("%syndb", "needs a verb"),
        ("%syndb cancle x", "Did you mean %syndb cancel"),
        ("%syndb status", "which job"),
        ("%syndb status nonsense", "no job id"),
        ("%syndb jobs -n 5", "%syndb jobs takes nothing after it, and '-n 5' was given"),
        ("%syndb datasets worm", "takes nothing after it"),
    ],
)
def test_a_mistake_is_one_block_and_sends_nothing(
    notebook: Notebook, capsys: pytest.CaptureFixture[str], cell: str, words: str
) -> None:
    assert not notebook.run(cell).success
    shown = capsys.readouterr().out
    assert words in shown
    assert "Traceback" not in shown
    assert notebook.sent == []


def test_a_refused_query_points_into_the_cell(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    problem = {"code": "invalid_query", "detail": "no column nam", "line": 2, "column": 3}
    notebook.refuse = httpx.Response(400, json=problem)
    notebook.shell.user_ns["n"] = 1
    notebook.run("%%syndb\nSELECT :n,\n  nam")
    assert "QueryError: no column nam\nline 2:   nam\n          ^" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["status", "cancel", "rerun"])
@pytest.mark.parametrize("name", [JOB_ID, "held"])
def test_verbs_take_an_id_or_a_variable(notebook: Notebook, verb: str, name: str) -> None:
    lab: Lab = notebook.shell.user_ns["lab"]
    notebook.shell.user_ns["held"] = Job(lab._transport, job_record())
    result = notebook.run(f"%syndb {verb} {name}")
    assert isinstance(result.result, Job)
    assert (
        notebook.sent[-1][:2]
        == {
            "status": ("GET", f"/v1/jobs/{JOB_ID}"),
            "cancel": ("DELETE", f"/v1/jobs/{JOB_ID}"),
            "rerun": ("POST", f"/v1/jobs/{JOB_ID}/rerun"),
        }[verb]
    )


@pytest.mark.parametrize(
    "sql", ["SELECT 1", "with a as (select 1) from a", "(SELECT 1)", "FROM neurons LIMIT 1"]
)
def test_a_line_may_be_sql(notebook: Notebook, sql: str) -> None:
    assert isinstance(notebook.run(f"%syndb {sql}").result, Job)
    assert notebook.sent[0][2]["query"] == sql


def test_quiet_is_quiet(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    notebook.run("%%syndb q --wait --quiet\nSELECT 1").raise_error()
    notebook.run("%%syndb q --quiet\nSELECT 1").raise_error()
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "cell", ["%syndb help", "%syndb --help", "%syndb -h", "%%syndb --help\nSELECT 1", "%%syndb q -h\n "]
)
def test_help_is_there(notebook: Notebook, capsys: pytest.CaptureFixture[str], cell: str) -> None:
    notebook.run(cell).raise_error()
    shown = capsys.readouterr().out
    assert "%syndb cancel ID" in shown
    assert "--time-limit S" in shown
    assert notebook.sent == []


def test_every_flag_is_in_the_help() -> None:
    flags = {flag for flag in line_parser()._option_string_actions if flag not in HELP_WORDS}
    assert {flag for flag in flags if flag in VERBS and flag in USAGE} == flags


def test_reproducible_is_sent(notebook: Notebook) -> None:
    notebook.run("%%syndb q --reproducible\nSELECT 1").raise_error()
    assert notebook.sent[0][2]["reproducible"] is True
    notebook.run("%%syndb q\nSELECT 1").raise_error()
    assert "reproducible" not in notebook.sent[-1][2]


def test_a_time_limit_is_sent(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    notebook.run("%%syndb q --time-limit 2.5\nSELECT 1").raise_error()
    assert notebook.sent[0][2]["time_limit_s"] == 2.5
    assert not notebook.run("%%syndb q --time-limit -1\nSELECT 1").success
    assert "time_limit_s is -1.0" in capsys.readouterr().out
    assert not notebook.run("%%syndb q --time-limit 0\nSELECT 1").success
    assert "time_limit_s is 0.0" in capsys.readouterr().out
    assert len(notebook.sent) == 1


def test_a_limit_cuts_the_query_and_not_the_caret(
    notebook: Notebook, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook.run("%%syndb q --limit 5\nSELECT 1").raise_error()
    assert notebook.sent[0][2]["query"] == "SELECT * FROM (SELECT 1\n) LIMIT 5"
    problem = {"code": "invalid_query", "detail": "no column nam", "line": 1, "column": 23}
    notebook.refuse = httpx.Response(400, json=problem)
    notebook.run("%%syndb q --limit 5\nSELECT nam")
    assert "line 1: SELECT nam\n               ^" in capsys.readouterr().out


def test_a_dry_run_submits_nothing(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    notebook.refuse = httpx.Response(
        200,
        json={
            "valid": True,
            "columns": [{"name": "<b>n</b>", "type": "BIGINT"}],
            "tables": ["neurons"],
            "dataset_ids": [],
            "estimated_rows": 279,
            "advice": ["Name a dataset."],
            "error": None,
        },
    )
    result = notebook.run("%%syndb q --dry-run -p kind=motor\nSELECT :kind")
    assert [path for _, path, _ in notebook.sent] == ["/v1/jobs/validate"]
    assert notebook.sent[0][2] == {"query": "SELECT $kind\n", "parameters": {"kind": "motor"}}
    assert "rows: about 279\n  advice: Name a dataset." in repr(result.result)
    assert "<b>n</b>" not in result.result._repr_html_()
    assert "q" not in notebook.shell.user_ns
    error = {"code": "invalid_query", "message": "no column nam", "line": 1, "column": 8}
    notebook.refuse = httpx.Response(200, json={"valid": False, "error": error})
    assert not notebook.run("%%syndb --dry-run\nSELECT nam").success
    assert "QueryError: no column nam\nline 1: SELECT nam\n               ^" in capsys.readouterr().out


def test_config_sets_defaults(notebook: Notebook, caplog: pytest.LogCaptureFixture) -> None:
    notebook.run("%config SyndbMagics.format = 'csv'\n%config SyndbMagics.limit = 7").raise_error()
    notebook.run("%%syndb q\nSELECT 1").raise_error()
    notebook.run("%%syndb q --limit 3 --format parquet\nSELECT 1").raise_error()
    first, second = (sent[2] for sent in notebook.sent)
    assert (first["format"], str(first["query"])[-7:]) == ("csv", "LIMIT 7")
    assert (second["format"], str(second["query"])[-7:]) == ("parquet", "LIMIT 3")
    notebook.run("%config SyndbMagics.format = 'xlsx'")
    assert "not the str 'xlsx'" in caplog.text


def test_tables_and_their_columns(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    assert repr(notebook.run("%syndb tables").result).splitlines()[1].split() == [
        "neurons",
        "279",
        "neuron_id",
    ]
    described = notebook.run("%syndb describe neurons").result
    assert "&lt;b&gt;its&lt;/b&gt; id" in described._repr_html_()
    assert not notebook.run("%syndb describe neurosn").success
    assert "There is neurons." in capsys.readouterr().out
    assert not notebook.run("%syndb describe").success
    assert "which table?" in capsys.readouterr().out


def test_attach_takes_the_beginning_of_an_id(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    notebook.run("%%syndb q --label mine\nSELECT 1").raise_error()
    assert JOB_ID in repr(notebook.run("%syndb attach").result)
    attached = notebook.run(f"%syndb attach {JOB_ID[:8]}").result
    assert (attached.id, attached.status) == (JOB_ID, "completed")
    notebook.refuse = httpx.Response(404, json={"code": "job_not_found", "detail": "there is no such job"})
    assert not notebook.run("%syndb attach 99999999-0d1b-4a43-9d1c-3c1d0f3c9f10").success
    assert "JobNotFound: there is no such job" in capsys.readouterr().out


def test_a_job_can_be_awaited(notebook: Notebook) -> None:
    notebook.run("%%syndb q\nSELECT 1").raise_error()
    result = notebook.run("(await q).status")
    assert result.result == "completed"
