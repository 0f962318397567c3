"""Each error says what to do next in the words of where it is shown, and names only what exists there."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from inspect import signature
from pathlib import Path

import click
import httpx
import pytest

import syndb_lab
import syndb_service
from syndb_lab import Job, Lab
from syndb_lab.cli.main import main
from syndb_lab.errors import JobFailed, SyndbError
from syndb_lab.http.error_mapping import error_from_response
from syndb_lab.next_steps import problem_steps
from syndb_lab.next_steps.next_step import TEXTS, Action, Audience, NextStep, render
from syndb_lab.next_steps.problem_steps import BY_CODE, BY_HINT, OWN_HINT, hint_of
from syndb_lab.notebook.card.view_model import failure_text
from syndb_service import errors

SERVICE = Path(syndb_service.__file__).parent
HTTP = re.compile(
    r"\b(GET|HEAD|POST|PATCH|PUT|DELETE)\b|openapi|Authorization|Idempotency|under `|\?\w+=|cursor"
)
"""What only those who write HTTP can follow."""

OLDER = {
    "GET /v1/datasets lists the datasets with their ids.",
    "Send `Authorization: Bearer TOKEN`; `syndb-lab token create` makes one.",
}
"""What services of before say."""

JOB_ID = "6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11"


def text_of(node: ast.AST) -> str:
    """Read a text as far as it is written in the source: of an f-string, its fixed parts."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(text_of, node.values))
    return "{}" if isinstance(node, ast.FormattedValue) else ""


@cache
def nodes() -> list[ast.AST]:
    texts = [path.read_text() for path in SERVICE.rglob("*.py")]
    telling = [text for text in texts if re.search(r"hint=|HINT|AGAIN|\bcode\b.*=", text)]
    return [node for text in telling for node in ast.walk(ast.parse(text))]


def service_codes() -> Iterator[str]:
    for node in nodes():
        if isinstance(node, ast.ClassDef):
            for line in node.body:
                if isinstance(line, ast.Assign | ast.AnnAssign) and line.value is not None:
                    target = line.target if isinstance(line, ast.AnnAssign) else line.targets[0]
                    if isinstance(target, ast.Name) and target.id == "code":
                        yield text_of(line.value)
        elif isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
            yield text_of(node.value)


def service_hints() -> Iterator[tuple[str, str]]:
    """Give each hint that stands in the service's source, with its error's code where that is known."""
    for node in nodes():
        if isinstance(node, ast.Call):
            given = {each.arg: text_of(each.value) for each in node.keywords}
            made = getattr(errors, node.func.id, None) if isinstance(node.func, ast.Name) else None
            if hint := given.get("hint"):
                yield hint, given.get("code") or getattr(made, "code", "")
        elif isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") in ("HINT", "AGAIN"):
            yield text_of(node.value) if node.value else "", ""


def test_every_code_of_the_service_has_a_step_or_none_on_purpose() -> None:
    codes = set(service_codes()) | {"method_not_allowed", "clock_off"}
    assert "job_not_found" in codes
    assert len(codes) > 40
    assert codes == set(BY_CODE) | OWN_HINT
    assert not set(BY_CODE) & OWN_HINT


def test_no_hint_for_http_is_shown_elsewhere() -> None:
    hints = {(hint, code) for hint, code in service_hints() if HTTP.search(hint)}
    assert len(hints) > 12
    unheard = {(hint, code) for hint, code in hints if hint not in BY_HINT and code not in BY_CODE}
    assert unheard == set()


def test_each_hint_that_has_a_step_is_one_of_the_services() -> None:
    found = {text_of(node) for node in nodes() if isinstance(node, ast.Constant)}
    assert set(BY_HINT) - OLDER <= found


def commands() -> dict[str, click.Command]:
    context = click.Context(main)
    return {name: main.get_command(context, name) for name in main.list_commands(context)}  # type: ignore[misc]


def options() -> set[str]:
    def of(command: click.Command) -> set[str]:
        own = {option for each in command.params for option in each.opts}
        return own.union(*map(of, command.commands.values())) if isinstance(command, click.Group) else own

    return {"--help"}.union(*map(of, commands().values()))


@pytest.mark.parametrize("action", Action)
def test_the_command_line_names_only_what_it_has(action: Action) -> None:
    text = render(NextStep(action), Audience.CLI)
    assert not re.search(r"\b(lab|job)\.\w+|connect\(|\w+=(True|…|\{)|\w_s\b", text), text
    assert not HTTP.search(text)
    for words in re.findall(r"`syndb-lab ([^`]+)`", text):
        first, *rest = words.split()
        command = commands().get(first) if first != "COMMAND" else main
        assert command is not None, text
        for word in rest if isinstance(command, click.Group) and command is not main else ():
            if word.islower() and not word.startswith("-"):
                assert word in command.commands
    assert set(re.findall(r"(?<!\w)--?[a-z][a-z-]*", text)) <= options(), text


@pytest.mark.parametrize("action", Action)
def test_a_notebook_is_told_of_methods_that_exist(action: Action) -> None:
    names_exist(render(NextStep(action), Audience.PYTHON))


def names_exist(text: str) -> None:
    for name in re.findall(r"(?<![\w.])job\.(\w+)", text):
        assert hasattr(Job, name), text
    for name in re.findall(r"(?<![\w.])lab\.(\w+)", text):
        assert hasattr(Lab, name), text
    for name in re.findall(r"syndb_lab\.(\w+)\(", text):
        assert hasattr(syndb_lab, name), text
    for name in re.findall(r"(?<![\w.])connect\((\w+)=", text):
        assert name in signature(syndb_lab.connect).parameters, text


def test_every_hint_of_the_client_names_methods_that_exist() -> None:
    package, found = Path(syndb_lab.__file__).parent, 0
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "hint":
                names_exist(text_of(node.value))
                found += 1
    assert found > 80


def test_each_action_has_its_words() -> None:
    assert set(TEXTS) == set(Action)


def answer(status: int, path: str = "/v1/jobs", **problem: object) -> httpx.Response:
    request = httpx.Request("GET", f"http://service{path}")
    return httpx.Response(status, json=problem, headers={"Retry-After": "7"}, request=request)


@pytest.mark.parametrize(
    ("code", "python", "cli"),
    [
        ("job_cancelled", "Run it again: job.rerun()", f"Run it again: `syndb-lab rerun {JOB_ID}`"),
        ("result_not_ready", "Wait for it: job.wait()", f"Wait for it: `syndb-lab result {JOB_ID}`"),
        ("job_not_found", "lab.jobs() lists yours.", "`syndb-lab jobs` lists yours."),
        ("rate_limited", "Try again in 7 seconds.", "Try again in 7 seconds."),
        ("of_tomorrow", "PUT /v2/x does it.", "PUT /v2/x does it."),
    ],
)
def test_one_problem_is_worded_where_it_is_shown(code: str, python: str, cli: str) -> None:
    error = error_from_response(
        answer(409, f"/v1/jobs/{JOB_ID}/result", detail="no", code=code, hint="PUT /v2/x does it.")
    )
    assert error.hint == python
    assert str(error) == f"no\n{python}"
    assert error.text_for(Audience.CLI) == f"no\n{cli}"


def test_a_hint_about_the_sql_stays_the_services() -> None:
    problem = {"code": "result_not_ready", "hint": "Wait until it is completed, or run it again.", "line": 1}
    assert hint_of(problem) == "Wait until it is completed, or run it again."


def test_a_failed_job_says_it_in_python_on_its_card_too() -> None:
    error = {
        "message": "no value",
        "code": "invalid_query",
        "hint": "Send the values under `parameters`, by name.",
    }
    record = {"job_id": JOB_ID, "status": "failed", "query": "SELECT $n", "error": error}
    assert "lab.sql(query, parameters={…})" in failure_text(record)
    assert "lab.sql(query, parameters={…})" in str(JobFailed(record))
    assert JobFailed(record).text_for(Audience.CLI) == "no value\nGive each its value: -p name=value."


def test_a_hint_that_is_set_later_takes_the_place_of_a_step() -> None:
    error = SyndbError("m", hint=NextStep(Action.RERUN))
    assert error.next_step == NextStep(Action.RERUN)
    error.hint = "Look there."
    assert (error.next_step, error.hint_for(Audience.CLI)) == (None, "Look there.")


def test_the_steps_are_of_known_actions() -> None:
    assert {*BY_CODE.values(), *BY_HINT.values(), *problem_steps.BY_STATUS.values()} <= set(Action)
