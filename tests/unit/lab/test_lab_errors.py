import copy
import pickle
from datetime import date

import httpx
import pytest

import syndb_lab
from syndb_lab.display.progress import describe
from syndb_lab.errors import JobFailed, QueryError, SyndbError, WaitTimeout, excerpt
from syndb_lab.http.error_mapping import error_from_response
from syndb_lab.sql.parameters import bind
from tests.support.lab_fakes import job_record


def answer(
    status: int, path: str = "/v1/jobs", headers: dict[str, str] | None = None, **problem: object
) -> httpx.Response:
    request = httpx.Request("GET", f"http://service{path}")
    return httpx.Response(status, json=problem, headers=headers, request=request)


@pytest.mark.parametrize(
    ("response", "name"),
    [
        (answer(400, code="invalid_query"), "QueryError"),
        (answer(422, code="invalid_query"), "QueryError"),
        (answer(422, code="invalid_request"), "RequestRefused"),
        (answer(401, code="unauthenticated"), "AuthError"),
        (answer(403, code="academic_verification_required"), "AcademicVerificationRequired"),
        (answer(403, code="dataset_forbidden"), "AccessDenied"),
        (answer(404, "/v1/jobs/some-id"), "JobNotFound"),
        (answer(404, "/v1/datasets/some-id"), "RequestRefused"),
        (answer(404, "/v1/jobs/graph"), "RequestRefused"),
        (answer(404, "/v1/jobs/graph", code="unknown_dataset"), "UnknownDataset"),
        (answer(404, "/v1/jobs/some-id/rerun", code="unknown_dataset"), "UnknownDataset"),
        (answer(409, "/v1/jobs/some-id/result"), "ResultNotReady"),
        (answer(409, "/v1/jobs"), "RequestRefused"),
        (answer(410, "/v1/jobs/some-id/result"), "ResultExpired"),
        (answer(413), "RequestRefused"),
        (answer(429), "TooManyRequests"),
        (answer(500), "SyndbError"),
        (answer(503), "ServiceUnavailable"),
    ],
)
def test_each_refusal_has_its_class(response: httpx.Response, name: str) -> None:
    assert type(error_from_response(response)) is getattr(syndb_lab, name)


def test_a_refused_query_shows_its_line() -> None:
    response = answer(
        400, code="invalid_query", detail="no column nam", hint="There is name.", line=2, column=5
    )
    error = error_from_response(response, query="SELECT\n\t a nam\nFROM neurons")
    assert isinstance(error, QueryError)
    assert (error.status, error.code, error.line, error.column) == (400, "invalid_query", 2, 5)
    assert str(error) == "no column nam\nline 2: \t a nam\n        \t   ^\nThere is name."


@pytest.mark.parametrize(
    ("line", "column", "shown"),
    [
        (1, 1, "line 1: ab\n        ^"),
        (1, 3, "line 1: ab\n          ^"),
        (1, 9, "line 1: ab"),
        (1, None, "line 1: ab"),
    ],
)
def test_the_caret_never_points_beyond_the_line(line: int, column: int | None, shown: str) -> None:
    assert excerpt("ab\ncd", line, column) == shown


@pytest.mark.parametrize(("query", "line"), [("ab", 0), ("ab", 2), ("", 1), (None, 1), ("ab", None)])
def test_without_a_place_there_is_no_excerpt(query: str | None, line: int | None) -> None:
    assert excerpt(query, line, 1) is None


@pytest.mark.parametrize(
    ("code", "hint", "shown"),
    [
        ("job_not_found", "Job ids look like 6e1f; GET /v1/jobs lists your jobs.", "lab.jobs() lists yours."),
        ("invalid_dataset_id", "GET /v1/datasets lists the datasets with their ids.", "lab.datasets() lists"),
        ("invalid_request", "The routes and their fields are described in /openapi.json.", "help(lab.sql)"),
        ("job_cancelled", "POST /v1/jobs/6e1f/rerun runs the same request again.", "job.rerun()"),
        ("result_not_ready", "GET /v1/jobs/6e1f?wait=30&version=3 answers when that changes.", "job.wait()"),
        ("invalid_query", "Send the values under `parameters`, by name.", "parameters={"),
        ("invalid_query", "Did you mean name?", "Did you mean name?"),
        ("of_tomorrow", "PATCH /v2/x does it.", "PATCH /v2/x does it."),
    ],
)
def test_hints_speak_python(code: str, hint: str, shown: str | None) -> None:
    found = error_from_response(answer(400, code=code, hint=hint)).hint
    assert found == shown if shown is None or found is None else shown in found


def test_who_has_no_token_is_told_what_python_takes() -> None:
    hint = "Send `Authorization: Bearer TOKEN`; `syndb-lab token create` makes one."
    assert "connect(url, token)" in str(error_from_response(answer(401, code="unauthenticated", hint=hint)))


def test_a_page_of_a_proxy_is_an_error_too() -> None:
    error = error_from_response(httpx.Response(502, text="<html>Bad gateway</html>"))
    assert "502" in str(error)
    assert isinstance(error, syndb_lab.ServiceUnavailable)


@pytest.mark.parametrize(
    "body", ["[]", "3", "{}", '{"detail": [{"loc": ["body"]}]}', '{"code": ["c"], "hint": 3, "title": {}}']
)
def test_an_answer_of_another_shape_is_an_error_too(body: str) -> None:
    assert isinstance(error_from_response(httpx.Response(400, text=body)), SyndbError)


def test_how_long_to_wait_is_kept() -> None:
    error = error_from_response(answer(429, headers={"Retry-After": "3"}))
    assert isinstance(error, syndb_lab.TooManyRequests)
    assert error.retry_after == 3


def test_a_failed_job_speaks_with_the_services_words() -> None:
    error = JobFailed(
        {
            "job_id": "id",
            "reason": "invalid_query",
            "query": "SELECT x",
            "error": {
                "code": "invalid_query",
                "message": "no column x",
                "hint": "There is y.",
                "line": 1,
                "column": 8,
            },
        }
    )
    assert str(error) == "no column x\nline 1: SELECT x\n               ^\nThere is y."
    assert (error.job_id, error.reason) == ("id", "invalid_query")


def test_a_failed_job_without_details_is_an_error_too() -> None:
    assert str(JobFailed({"job_id": "id", "error": None, "error_message": "gone"})) == "gone"


@pytest.mark.parametrize(
    "separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\r"]
)
def test_only_a_line_feed_ends_a_line_of_sql(separator: str) -> None:
    query = f"SELECT 'a{separator}b' AS x,\r\n  nope FROM neurons"
    assert excerpt(query, 2, 3) == "line 2:   nope FROM neurons\n          ^"
    shown = excerpt(query, 1, 15)
    assert shown == "line 1: SELECT 'a b' AS x,\n                      ^"
    bound = bind(f"SELECT 'a{separator}b',\n :day, nam", {"day": date(2011, 2, 3)})
    assert bound.column(2, 22) == 8
    line = describe(job_record("failed", error={"message": f"no a{separator}b\nbut"}), 1.0)
    assert line.startswith("failed · no a b · ")


def test_errors_are_whole_in_another_process() -> None:
    """What a pool's child raises is pickled; a class that can't be made again breaks the pool."""
    made = [
        SyndbError("m", hint="h", code="c", status=400),
        QueryError("m", hint="h", query="SELECT x", line=1, column=8),
        JobFailed({"job_id": "j", "reason": "time_limit", "error": {"message": "m", "hint": "h"}}),
        WaitTimeout("m", hint="h"),
    ]
    for error in made:
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)
        assert str(copy.copy(error)) == str(error)
