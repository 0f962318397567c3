"""``{{name}}`` in SQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from syndb_lab import Job
from syndb_lab.errors import ParameterError
from syndb_lab.http.transport import Transport
from syndb_lab.sql.references import bind_references
from tests.support.lab_fakes import JOB_ID, Answer, job_record


def test_a_handle_stands_for_its_result(pretend: Callable[[Answer], Transport]) -> None:
    job = Job(pretend(lambda _: pytest.fail("nothing is asked")), job_record("completed"))
    bound = bind_references(
        "SELECT '{{q}}', x -- {{q}}\nFROM {{ q }} JOIN {{q}} USING (x) WHERE y", {"q": job}
    )
    assert bound.sql == (
        f"SELECT '{{{{q}}}}', x -- {{{{q}}}}\nFROM {{{{{JOB_ID}}}}} JOIN {{{{{JOB_ID}}}}} USING (x) WHERE y"
    )
    column = bound.sql.splitlines()[1].index("USING") + 1
    assert bound.column(2, column) == "FROM {{ q }} JOIN {{q}} USING".index("USING") + 1


@pytest.mark.parametrize("given", [JOB_ID, uuid.UUID(JOB_ID), JOB_ID.upper()])
def test_an_id_does_too(given: object) -> None:
    assert bind_references("FROM {{q}}", {"q": given}).sql == f"FROM {{{{{JOB_ID}}}}}"
    assert bind_references(f"FROM {{{{{JOB_ID}}}}}", {}).sql == f"FROM {{{{{JOB_ID}}}}}"


def test_structs_are_left_alone() -> None:
    query = "SELECT {'a': {'b': 1}} AS s, [{'c': x}]"
    assert bind_references(query, {}).sql == query


@pytest.mark.parametrize(("held", "words"), [({}, "is not there"), ({"q": 3}, "is an int, no job")])
def test_what_is_no_job(held: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError) as caught:
        bind_references("SELECT 1\n  FROM {{q}}", held)
    assert words in str(caught.value)
    assert "line 2:   FROM {{q}}\n               ^" in str(caught.value)
