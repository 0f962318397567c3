"""What tests of the HTTP API check, parse and submit again and again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.support.live_service import Jobs

ABSENT = "00000000-0000-4000-8000-000000000000"
CROSS_JOIN = "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE (a.range * b.range) % 7 = 3"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check the form that every refusal has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["code"] == code, body
    assert body["error"] == body["detail"]
    assert body["status"] == status
    assert body["title"]
    assert "Traceback" not in answer.text
    return body


def count(jobs: Jobs) -> int:
    total, cursor = 0, None
    while True:
        page = jobs.http.get(
            "/v1/jobs", params={"limit": 500} | ({"cursor": cursor} if cursor else {})
        ).json()
        total, cursor = total + len(page["jobs"]), page["next_cursor"]
        if cursor is None:
            return total


def events(answer: httpx.Response) -> Iterator[tuple[int, dict[str, Any]]]:
    """Parse a stream of events as the standard tells, leaving out comments."""
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif "data" in fields:
            assert fields["event"] == "job"
            yield int(fields["id"].rpartition(":")[2]), json.loads(fields["data"])
            fields = {}


def samples(http: httpx.Client) -> Samples:
    answer = http.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/plain")
    families = list(text_string_to_metric_families(answer.text))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    """Return a figure, summed over the labels that are not named."""
    return sum(
        figure
        for (at, having), figure in found.items()
        if at == name and labels.items() <= dict(having).items()
    )
