"""Sending results from a store that is elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from fastapi.responses import StreamingResponse
from hypothesis import given
from hypothesis import strategies as st

from syndb_service.api.byte_ranges import parse_range
from syndb_service.api.result_response import result_response
from syndb_service.domain.job_status import Kind, Status
from syndb_service.domain.jobs import Job, JobRequest, Result
from syndb_service.errors import RangeNotSatisfiable, TransientError
from syndb_service.jobs.result_file import ResultFile
from syndb_service.result_integrity import Integrity
from syndb_service.results import FileState, OpenedResult

DATA = bytes(range(256)) * 40
REQUEST = JobRequest(Kind.QUERY, query="SELECT 1")


class Elsewhere:
    """A store of which only ``open`` is used."""

    def __init__(self, away: bool = False) -> None:
        self.away = away
        self.opened: list[tuple[int, int]] = []
        self.closed = 0

    def open(self, key: str, start: int, stop: int) -> OpenedResult:
        if self.away:
            raise TransientError("the result store is away")
        self.opened.append((start, stop))
        return OpenedResult(len(DATA), start, stop, self._chunks(start, stop), "as written")

    def state(self, key: str) -> FileState:
        return FileState(len(DATA), "as written")

    def _chunks(self, start: int, stop: int) -> Iterator[bytes]:
        try:
            for at in range(start, stop, 1000):
                yield DATA[at : min(at + 1000, stop)]
        finally:
            self.closed += 1


def file(store: Elsewhere) -> ResultFile:
    result = Result("job/1", "csv", len(DATA), 1, (("n", "int64"),), "ab" * 32, state="as written")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    job = Job("job", "ada", REQUEST, Status.COMPLETED, None, 3, at, finished_at=at, result=result)
    return ResultFile(job, result, Integrity(cast("Any", None), cast("Any", store)))


def body(answer: Any, chunks: int | None = None) -> bytes:
    async def read() -> bytes:
        taken = []
        async for chunk in answer.body_iterator:
            taken.append(chunk)
            if len(taken) == chunks:
                await answer.body_iterator.aclose()
                break
        return b"".join(taken)

    return asyncio.run(read())


def test_only_what_is_asked_for_is_fetched() -> None:
    store = Elsewhere()
    answer = result_response(file(store), {"range": "bytes=10-2509,5000-5009"}, head=False)
    assert isinstance(answer, StreamingResponse)
    sent = body(answer)
    assert DATA[10:2510] in sent
    assert len(sent) == int(answer.headers["Content-Length"])
    assert (store.opened, store.closed) == ([(10, 2510), (5000, 5010)], 2)


def test_nothing_is_fetched_for_a_head_or_for_who_has_it() -> None:
    store = Elsewhere()
    assert result_response(file(store), {}, head=True).headers["Content-Length"] == str(len(DATA))
    assert result_response(file(store), {"if-none-match": f'"{"ab" * 32}"'}, head=False).status_code == 304
    assert store.opened == []


def test_a_listener_who_leaves_lets_go_of_the_file() -> None:
    store = Elsewhere()
    assert body(result_response(file(store), {}, head=False), chunks=2) == DATA[:2000]
    assert store.closed == 1


def test_a_store_that_is_away_is_told_before_anything_is_sent() -> None:
    with pytest.raises(TransientError):
        result_response(file(Elsewhere(away=True)), {}, head=False)


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=1, max_size=16),
    st.integers(0, 200),
)
def test_parts_are_those_asked_for_once_each(asked: list[tuple[int, int]], size: int) -> None:
    pairs = [(min(pair), max(pair)) for pair in asked]
    header = "bytes=" + ",".join(f"{first}-{last}" for first, last in pairs)
    wanted = {at for first, last in pairs for at in range(first, last + 1) if at < size}
    try:
        spans = parse_range(header, size) or []
    except RangeNotSatisfiable:
        spans = []
    covered = [at for span in spans for at in range(span.start, span.stop)]
    assert covered == sorted(wanted)


@pytest.mark.parametrize(
    ("header", "spans"),
    [
        (f"bytes=5-{10**30}", [(5, 100)]),
        (f"bytes=-{10**30}", [(0, 100)]),
        (f"bytes={10**30}-,7-7", [(7, 8)]),
    ],
)
def test_ranges_of_many_digits(header: str, spans: list[tuple[int, int]]) -> None:
    assert parse_range(header, 100) == spans
    with pytest.raises(RangeNotSatisfiable):
        parse_range(f"bytes={10**30}-", 100)
