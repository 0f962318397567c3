"""Every public name and method, walked with what nobody should give: it works, or is refused by name."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import duckdb
import httpx
import pyarrow as pa
import pytest
from IPython.core.interactiveshell import InteractiveShell

import syndb_lab
from syndb_lab import Job, Lab, SyndbError
from syndb_lab.datasets import Dataset, Datasets
from syndb_lab.display.listing import Listing
from syndb_lab.magics.line_commands import LineCommands
from syndb_lab.magics.syndb_magics import CellError
from syndb_lab.notebook.composer import Composer
from syndb_lab.notebook.explorer.explorer import Explorer
from syndb_lab.notebook.monitor import Monitor
from syndb_lab.notebook.table import ResultTable
from syndb_lab.sql.dry_run import DryRun
from tests.support.graph_answers import answer as analysed
from tests.support.hostile_arguments import HOSTILE, check
from tests.support.lab_fakes import JOB_ID, Answer, arrow_file, job_record, result_info

pytestmark = pytest.mark.slow

WORM = "5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8"
GRAPH_ID = "1a6e2f2e-0d1b-4a43-9d1c-3c1d0f3c9f10"
RUNNING_ID = "2a6e2f2e-0d1b-4a43-9d1c-3c1d0f3c9f10"
DATASET = {
    "id": WORM,
    "name": "worm",
    "tables": [{"name": "neurons", "rows": 3, "columns": [{"name": "name"}]}],
}
LISTED = pa.table({"pre_neuron_id": [1, 2, 3], "post_neuron_id": [2, 3, 1], "weight": [1.0, 2.0, 0.5]})
CONTENT = arrow_file(LISTED)
KINDS = (Lab, Job, Dataset, Datasets, DryRun, Listing, Explorer, ResultTable, Composer, Monitor)
NOT_WALKED = {
    "Monitor.handle_click": "takes a message of our own page",
    "Lab.close": "ends what the walk needs; takes nothing",
    "Job.record": "what the service says of the job; its cards write it",
}
NEEDED: dict[str, dict[str, Any]] = {
    "sql": {"query": "SELECT 1"},
    "validate": {"query": "SELECT 1"},
    "graph": {"dataset": "worm"},
    "job": {"job_id": JOB_ID},
    "keep": {"hours": 1},
    "named": {"name": "worm"},
    "search": {"text": "a"},
}
OURS = {
    "on_progress": "a function of the card",
    "mount": "carries requests, in tests",
    "progress": "walked where the job runs",
}


class Service:
    """A pretended service that runs what it is sent, in DuckDB."""

    def __init__(self) -> None:
        self.results: dict[str, bytes] = {JOB_ID: CONTENT}
        self.known: dict[str, dict[str, Any]] = {}
        self.columns: dict[str, Any] = {JOB_ID: LISTED.schema}
        found = {**analysed("full", "directed line"), "dataset": DATASET, "filters": {}}
        self.results[GRAPH_ID] = json.dumps(found).encode()
        self.engine = duckdb.connect()
        self.engine.register("listed", LISTED)
        self.engine.execute(
            "CREATE TABLE neurons AS SELECT $1 AS dataset_id, unnest([1, 2, 3]) AS neuron_id,"
            " unnest(['a', 'b', NULL]) AS name, 'x' AS cell_class, 'y' AS cell_type,"
            " NULL AS majority_neurotransmitter, NULL AS brain_structure",
            [WORM],
        )
        self.engine.execute(
            "CREATE TABLE connections AS SELECT $1 AS dataset_id, unnest([1, 2]) AS pre_neuron_id,"
            " unnest([2, 3]) AS post_neuron_id, unnest([4, 5]) AS synapse_count",
            [WORM],
        )

    def record(self, job_id: str) -> dict[str, Any]:
        if job_id == RUNNING_ID:
            return job_record("running", job_id=job_id, created_at="2026-01-01T00:00:00Z")
        content = self.results[job_id]
        kind = "graph" if job_id == GRAPH_ID else "query"
        fields: dict[str, Any] = {"kind": kind, "created_at": "2026-01-01T00:00:00Z", "job_id": job_id}
        schema = self.columns.get(job_id)
        columns = [{"name": one.name, "type": str(one.type)} for one in schema] if schema is not None else []
        format_ = "json" if kind == "graph" else "arrow"
        info = result_info(
            content, columns=columns, format=format_, sha256=hashlib.sha256(content).hexdigest()
        )
        return job_record("completed", result=info, **fields)

    def run(self, body: dict[str, Any]) -> dict[str, Any]:
        asked = json.dumps([body["query"], body.get("parameters")])
        if asked not in self.known:
            self.known[asked] = self.run_anew(body)
        return self.known[asked]

    def run_anew(self, body: dict[str, Any]) -> dict[str, Any]:
        job_id = str(uuid.uuid4())
        try:
            query = re.sub(r"\{\{.*?\}\}", "listed", body["query"])
            named = set(re.findall(r"\$(\w+)", query))
            values = {name: one for name, one in (body.get("parameters") or {}).items() if name in named}
            table = self.engine.sql(query, params=values or None).to_arrow_table()
        except Exception as error:
            told = {"message": str(error)[:200], "hint": "Mend the query."}
            return job_record("failed", job_id=job_id, error=told, created_at="2026-01-01T00:00:00Z")
        self.results[job_id], self.columns[job_id] = arrow_file(table), table.schema
        return self.record(job_id)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        job_id = next(iter(re.findall(r"[0-9a-f-]{36}", path)), JOB_ID)
        job_id = job_id if job_id in {*self.results, RUNNING_ID} else JOB_ID
        if path == "/v1/datasets":
            return httpx.Response(200, json={"datasets": [DATASET]})
        if path.endswith(("/result", "/preview")):
            content = self.results.get(job_id, CONTENT)
            if part := re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("Range", "")):
                return httpx.Response(206, content=content[int(part[1]) : int(part[2]) + 1])
            return httpx.Response(200, content=content)
        if path.endswith("/validate"):
            found = {"columns": [], "estimated_rows": 1, "advice": [], "tables": [], "dataset_ids": []}
            return httpx.Response(200, json=found)
        if path == "/v1/jobs" and request.method == "GET":
            return httpx.Response(200, json={"jobs": [self.record(JOB_ID)], "next_cursor": None})
        if path == "/v1/jobs" and request.method == "POST":
            return httpx.Response(200, json=self.run(json.loads(request.content)))
        return httpx.Response(200, json=self.record(job_id))


@pytest.fixture
def lab(pretend_lab: Callable[[Answer], Lab], monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    shell = InteractiveShell.instance()
    shell.reset()
    monkeypatch.setattr("syndb_lab.notebook.composer.composer.in_notebook", lambda: True)
    monkeypatch.setattr("syndb_lab.notebook.explorer.explorer.png", lambda figure: b"")
    lab = pretend_lab(Service().answer)
    shell.user_ns["lab"] = lab
    yield lab
    lab.close()
    InteractiveShell.clear_instance()


def members(kind: type) -> dict[str, Any]:
    """The public methods and properties of a class that are ours."""
    return {
        name: one
        for name, one in inspect.getmembers(kind)
        if not name.startswith("_") and (inspect.isfunction(one) or isinstance(one, property))
    }


def taken(call: Any) -> list[str]:
    """What a call takes, by name."""
    several = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    found = inspect.signature(call).parameters.values()
    return [one.name for one in found if one.kind not in several and one.name not in {"self", *OURS}]


def given(call: Callable[..., Any], /, **arguments: Any) -> Any:
    """Call it, and close what it shows."""
    shown = call(**arguments)
    if isinstance(shown, Composer | Monitor | Explorer | ResultTable):
        repr(shown)
        shown.close()
    return shown


def walk(held: Any, names: dict[str, Any]) -> list[str]:
    """Try each method and each property of an object."""
    wrong: list[str | None] = []
    for name, member in names.items():
        label = f"{type(held).__name__}.{name}"
        if label in NOT_WALKED:
            continue
        if isinstance(member, property):
            wrong.append(check(partial(getattr, held, name), label))
            for make in HOSTILE if member.fset is not None else ():
                value = make()
                wrong.append(check(partial(setattr, held, name, value), f"{label} = {type(value).__name__}"))
            continue
        needed, call = NEEDED.get(name, {}), getattr(held, name)
        wrong.append(check(partial(given, call, **needed), f"{label}()"))
        for parameter in taken(call):
            for make in HOSTILE:
                told = f"{label}({parameter}={type(value := make()).__name__})"
                wrong.append(check(partial(given, call, **{**needed, parameter: value}), told))
    return [one for one in wrong if one]


def test_every_public_name_and_method_is_walked_or_named_with_a_reason() -> None:
    errors = {name for name in syndb_lab.__all__ if issubclass_of_error(getattr(syndb_lab, name))}
    assert set(syndb_lab.__all__) - errors == {"Lab", "Job", "Dataset", "connect", "login"}
    for kind in KINDS:
        for name, member in members(kind).items():
            if inspect.isfunction(member) and f"{kind.__name__}.{name}" not in NOT_WALKED:
                needed = [
                    one.name
                    for one in inspect.signature(member).parameters.values()
                    if one.default is one.empty
                    and one.name != "self"
                    and one.kind is one.POSITIONAL_OR_KEYWORD
                ]
                assert set(needed) <= set(NEEDED.get(name, {})), f"{kind.__name__}.{name} needs {needed}"
    assert all(hasattr(globals()[label.partition(".")[0]], label.partition(".")[2]) for label in NOT_WALKED)


def issubclass_of_error(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, BaseException)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_method_ends_in_a_stranger(kind: type, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind is Job:  # its pictures are drawn elsewhere
        monkeypatch.setattr("syndb_lab.notebook.explorer.explorer.draw_picture", lambda *_, **__: None)
        monkeypatch.setattr(
            "syndb_lab.notebook.explorer.explorer.layout_neurons", lambda n, *_: [(0.0, 0.0)] * n
        )
    job = lab.job(JOB_ID)
    made: dict[type, Callable[[], list[Any]]] = {
        Lab: lambda: [lab],
        Job: lambda: [job, lab.job(GRAPH_ID)],
        Dataset: lambda: [lab.datasets()[0]],
        Datasets: lambda: [lab.datasets()],
        DryRun: lambda: [lab.validate("SELECT 1")],
        Listing: lambda: [lab.jobs()],
        Explorer: lambda: [job.explore(), lab.job(GRAPH_ID).explore()],
        ResultTable: lambda: [job.table()],
        Composer: lambda: [lab.composer()],
        Monitor: lambda: [lab.monitor()],
    }
    wrong = []
    for held in made[kind]():
        assert type(held) is kind
        wrong += walk(held, members(kind))
        if kind in (Composer, Monitor, Explorer, ResultTable):
            held.close()
    assert not wrong, "\n".join(map(str, wrong))


def test_no_way_to_wait_does(lab: Lab) -> None:
    job = Job(lab._transport, Service().record(RUNNING_ID))
    wrong = []
    for make in HOSTILE:
        label = type(make()).__name__
        if label not in {"int", "int64"}:
            wrong.append(check(partial(job.wait, make()), f"wait({label})"))
        wrong.append(check(partial(job.wait, 0, progress=make()), f"wait(0, progress={label})"))
    assert not any(wrong), "\n".join(filter(None, wrong))


def test_no_login_and_nothing_that_is_made_does() -> None:
    wrong, nobody = [], "http://127.0.0.1:9"
    for make in HOSTILE:
        label = type(make()).__name__
        wrong.append(check(partial(syndb_lab.login, make()), f"login({label})"))
        for name in ("device", "wait_s", "open_browser", "show"):
            wrong.append(check(partial(syndb_lab.login, nobody, **{name: make()}), f"login({name}={label})"))
        wrong.append(check(partial(Dataset, make()), f"Dataset({label})"))
        wrong.append(check(partial(Lab, make()), f"Lab({label})"))
        wrong.append(check(partial(Lab, nobody, make()), f"Lab(token={label})"))
    assert not any(wrong), "\n".join(filter(None, wrong))


LINES = [
    "",
    "x",
    "\ud800",
    "a\0b",
    "\x1b[31m",
    "'",
    '"',
    "-- wait",
    "--wait",
    "--limit x",
    "-p",
    "-p =",
    "../tokens",
    "{{x}}",
    "$x",
    "%s",
    "lab",
    "deadbeef",
    "0" * 36,
    JOB_ID,
    JOB_ID + " more",
    "x" * 5_000,
    "--as",
    "; import os",
    "\u202e",
    "10" * 500,
    "\N{BRAIN}",
]


def test_no_line_of_a_magic_does(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = InteractiveShell.instance()
    shell.run_cell("%load_ext syndb_lab")
    magics = next(one for one in shell.configurables if type(one).__name__ == "SyndbMagics")
    verbs: dict[str, Any] = LineCommands(magics).by_name()
    assert {"status", "attach", "cancel", "rerun", "describe", "connect"} <= set(verbs)
    wrong = []

    def run(line: str, cell: str | None = None) -> None:
        try:
            repr(magics.syndb(line, cell))
        except CellError as error:
            raise error.__cause__ or error from None

    monkeypatch.setattr("syndb_lab.connection.connect.find_or_start", refuse)
    for line in LINES:
        told = ascii(line[:20])
        for verb in [*verbs, "SELECT 1", "nonsense", ""]:
            wrong.append(check(partial(run, f"{verb} {line}"), f"%syndb {verb} {told}"))
            shell.user_ns["lab"], magics._lab = lab, None
        wrong.append(check(partial(run, line, "SELECT 1"), f"%%syndb {told}"))
        wrong.append(check(partial(run, "", line), f"%%syndb, {told}"))
    assert not any(wrong), "\n".join(filter(None, wrong))


def refuse(*_: Any, **__: Any) -> Any:
    raise SyndbError("no service is started in a test", hint="Name one.")
