"""Names in a magic are Python's: the function's that ran it, then those around it, then the notebook's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from IPython.core.interactiveshell import InteractiveShell

from syndb_lab import Job, Lab
from tests.support.lab_fakes import JOB_ID, Answer, job_record

pytestmark = pytest.mark.slow

OTHER_ID = "11111111-0d1b-4a43-9d1c-3c1d0f3c9f10"
NO_VALUE = "a variable of f() that has no value yet"
ASK = 'get_ipython().run_line_magic("syndb", "SELECT :k AS k")'


class Asked:
    """A shell, and what was sent from it."""

    def __init__(self, shell: InteractiveShell, pretend_lab: Callable[[Answer], Lab]) -> None:
        self.shell = shell
        self.sent: list[dict[str, Any]] = []
        shell.user_ns["lab"] = pretend_lab(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/datasets":
            return httpx.Response(200, json={"datasets": []})
        if request.content:
            self.sent.append(json.loads(request.content))
        return httpx.Response(200, json=job_record("completed"))

    def run(self, cell: str) -> Any:
        done = self.shell.run_cell(cell)
        done.raise_error()
        return done.result

    def values(self, cell: str) -> list[Any]:
        """Run a cell; return the values of ``:k`` that it sent."""
        self.sent.clear()
        self.run(cell)
        return [body["parameters"]["k"] for body in self.sent]

    def refused(self, cell: str) -> str:
        """Run a cell that is refused; return what it says."""
        self.sent.clear()
        done = self.shell.run_cell(cell)
        assert self.sent == []
        return str(done.error_in_exec)


@pytest.fixture(scope="module")
def shell() -> Iterator[InteractiveShell]:
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


@pytest.fixture
def asked(shell: InteractiveShell, pretend_lab: Callable[[Answer], Lab]) -> Asked:
    shell.reset()
    shell.run_cell("%load_ext syndb_lab\n%reload_ext syndb_lab\nk = 'notebook'")
    return Asked(shell, pretend_lab)


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("%syndb SELECT :k AS k", ["notebook"]),
        ("%%syndb\nSELECT :k AS k", ["notebook"]),
        ("def f(k):\n    %syndb SELECT :k AS k\nf(1)", [1]),
        ("def f():\n    k = 2\n    %syndb SELECT :k AS k\nf()", [2]),
        ("def f():\n    %syndb SELECT :k AS k\nf()", ["notebook"]),
        ("def f(k):\n    %syndb SELECT :k AS k -p k=9\nf(1)", [9]),
        ("def f(k):\n    %time %syndb SELECT :k AS k\nf(1)", [1]),
        (f"def f(k):\n    return {ASK}\nf(3)", [3]),
        ("def f(k):\n    get_ipython().run_cell_magic('syndb', '', 'SELECT :k AS k')\nf(4)", [4]),
        (
            f"def o():\n    k = 5\n    def i():\n        return {ASK}\n    return i()\no()",
            [5],
        ),
        (
            f"def o():\n    k = 5\n    def i():\n        k\n        return {ASK}\n    return i\no()()",
            [5],
        ),
        (
            f"def o():\n    k = 5\n    def between():\n        def i():\n            return {ASK}\n"
            "        return i()\n    return between()\no()",
            [5],
        ),
        (f"def f(k):\n    return [{ASK} for n in range(2)]\nf(6)", [6, 6]),
        (f"[{ASK} for k in range(3)]", [0, 1, 2]),
        (f"list({ASK} for k in 'ab')", ["a", "b"]),
        (f"(lambda k: {ASK})(7)", [7]),
        (f"class A:\n    k = 8\n    {ASK}", [8]),
        (f"class A:\n    k = 8\n    def f(self):\n        return {ASK}\nA().f()", ["notebook"]),
        (
            f"def f(k):\n class A:\n  def g(self):\n   return {ASK}\n return A().g()\nf(9)",
            [9],
        ),
        (f"async def f(k):\n    return {ASK}\nawait f(10)", [10]),
        (f"import asyncio\nasync def f(k):\n    await asyncio.sleep(0)\n    return {ASK}\nawait f(11)", [11]),
        (f"def f(k):\n    yield {ASK}\nlist(f(12))", [12]),
        (f"def f(k):\n    exec({ASK!r}, {{'get_ipython': get_ipython, 'k': 13}})\nf(1)", [13]),
        (f"def f():\n    global k\n    k = 'set'\n    return {ASK}\nf()", ["set"]),
        (f"def f(call):\n    k = 'of f'\n    return call()\ndef g():\n    return {ASK}\nf(g)", ["notebook"]),
    ],
)
def test_a_parameter_is_the_running_codes(asked: Asked, cell: str, values: list[Any]) -> None:
    assert asked.values(cell) == values


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (
            f"def f():\n    if False:\n        k = 1\n    return {ASK}\nf()",
            NO_VALUE,
        ),
        (
            f"def o():\n    k = 5\n    def i():\n        return {ASK}\n    return i\no()()",
            "a variable of o(), which has ended",
        ),
        ("%syndb SELECT :nobody AS k", ":nobody has no value"),
        ("%syndb SELECT :len AS k", ":len has no value"),
        ("def f():\n    %syndb FROM {{nobody}}\nf()", "{{nobody}} is not there"),
        (
            "def f():\n    if False:\n        q = 1\n    %syndb FROM {{q}}\nf()",
            NO_VALUE,
        ),
    ],
)
def test_what_is_missing_is_told_and_no_other_taken(asked: Asked, cell: str, words: str) -> None:
    asked.run(f"q = {OTHER_ID!r}")
    assert words in asked.refused(cell)


def test_a_job_and_a_connection_are_the_running_codes(
    asked: Asked, pretend_lab: Callable[[Answer], Lab]
) -> None:
    asked.run(f"q = {OTHER_ID!r}\ndef f(q):\n    %syndb FROM {{{{q}}}}\nf({JOB_ID!r})")
    assert asked.sent[-1]["query"] == f"FROM {{{{{JOB_ID}}}}}"
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=job_record("completed"))

    asked.shell.user_ns["elsewhere"] = pretend_lab(answer)
    asked.sent.clear()
    asked.run("def f(lab):\n    %syndb SELECT 1\nf(elsewhere)")
    assert seen
    assert asked.sent == []


@pytest.mark.parametrize(
    ("line", "sql", "frame"),
    [
        ("SELECT 1 --wait", "SELECT 1", True),
        ("SELECT '--wait' AS x --wait --quiet", "SELECT '--wait' AS x", True),
        ("SELECT 1 -- wait", "SELECT 1 -- wait", False),
        ("SELECT 1 --really", "SELECT 1 --really", False),
        ("SELECT 1 -p", "SELECT 1 -p", False),
        ("/* c */ SELECT 1", "/* c */ SELECT 1", False),
        ("SELECT* FROM t", "SELECT* FROM t", False),
        ("(SELECT 1)", "(SELECT 1)", False),
    ],
)
def test_flags_of_one_line_come_after_its_sql(asked: Asked, line: str, sql: str, frame: bool) -> None:
    asked.shell.run_cell(f"r = %syndb {line}")
    assert asked.sent[-1]["query"] == sql
    assert isinstance(asked.shell.user_ns.get("r"), Job) is not frame


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("SELECT 1 --wiat", "Did you mean --wait?"),
        ("SELECT 1 --limit", "--limit"),
        ("SELECT 1 --wait more", "'more' after the flags is too much"),
    ],
)
def test_flags_that_make_no_sense_are_refused(asked: Asked, line: str, words: str) -> None:
    assert words in asked.refused(f"%syndb {line}")
