import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from syndb_lab import ResultDamaged, ResultExpired, ServiceUnavailable, SyndbError
from syndb_lab.http.transport import Transport
from syndb_lab.results import download
from syndb_lab.results.cache import ResultCache
from tests.support.lab_fakes import JOB_ID, Answer, result_info

Pretend = Callable[[Answer], Transport]
CONTENT = os.urandom(300_000)


class Breaking(httpx.SyncByteStream):
    """Sends some bytes and then loses the connection."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self.content
        raise httpx.ReadError("cut")


def test_a_broken_download_goes_on_where_it_was(tmp_path: Path, pretend: Pretend) -> None:
    asked: list[tuple[str | None, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.headers.get("Range"), request.headers.get("If-Range")))
        start = [0, 100_000, 200_000][len(asked) - 1]
        if len(asked) < 3:
            return httpx.Response(206 if start else 200, stream=Breaking(CONTENT[start : start + 100_000]))
        return httpx.Response(206, content=CONTENT[start:])

    info = result_info(CONTENT)
    file = ResultCache(tmp_path).fetch(pretend(answer), JOB_ID, info)
    assert file.read_bytes() == CONTENT
    tag = f'"{info["sha256"]}"'
    assert asked == [(None, None), ("bytes=100000-", tag), ("bytes=200000-", tag)]


def test_a_result_is_fetched_once(tmp_path: Path, pretend: Pretend) -> None:
    asked: list[int] = []

    def answer(_: httpx.Request) -> httpx.Response:
        asked.append(1)
        return httpx.Response(200, content=CONTENT)

    cache, transport = ResultCache(tmp_path / "new"), pretend(answer)
    first = cache.fetch(transport, JOB_ID, result_info(CONTENT))
    assert cache.fetch(transport, JOB_ID, result_info(CONTENT)) == first
    assert len(asked) == 1
    assert first.stat().st_mode & 0o777 == 0o400, "nobody writes to it by accident"
    assert first.parent.stat().st_mode & 0o777 == 0o700


def test_other_bytes_are_refused_and_not_kept(tmp_path: Path, pretend: Pretend) -> None:
    with pytest.raises(ResultDamaged):
        ResultCache(tmp_path).fetch(
            pretend(lambda _: httpx.Response(200, content=CONTENT[::-1])), JOB_ID, result_info(CONTENT)
        )
    assert list(tmp_path.iterdir()) == []


def test_another_file_in_the_middle_is_refused(tmp_path: Path, pretend: Pretend) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if "Range" in request.headers:
            return httpx.Response(200, content=CONTENT)
        return httpx.Response(200, stream=Breaking(CONTENT[:1000]))

    with pytest.raises(ResultExpired, match="replaced"):
        ResultCache(tmp_path).fetch(pretend(answer), JOB_ID, result_info(CONTENT))
    assert list(tmp_path.iterdir()) == []


def test_a_service_that_goes_away_is_said(
    tmp_path: Path, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PAUSE_S", 0)

    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(ServiceUnavailable):
        ResultCache(tmp_path).fetch(pretend(answer), JOB_ID, result_info(CONTENT))
    assert list(tmp_path.iterdir()) == []


def test_an_expired_result_says_what_to_do(tmp_path: Path, pretend: Pretend) -> None:
    gone = httpx.Response(410, json={"detail": "destroyed", "code": "result_expired"})
    with pytest.raises(ResultExpired, match="rerun"):
        ResultCache(tmp_path).fetch(pretend(lambda _: gone), JOB_ID, result_info(CONTENT))


def test_a_full_disk_is_said(tmp_path: Path, pretend: Pretend, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download.Download, "fetch", full)
    with pytest.raises(SyndbError, match="no space left"):
        ResultCache(tmp_path).fetch(pretend(lambda _: httpx.Response(200)), JOB_ID, result_info(CONTENT))
    assert list(tmp_path.iterdir()) == []


def test_a_connection_that_breaks_after_the_last_byte(tmp_path: Path, pretend: Pretend) -> None:
    asked: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("Range"))
        if "Range" in request.headers:
            return httpx.Response(416, json={"code": "range_not_satisfiable", "detail": "beyond the end"})
        return httpx.Response(200, stream=Breaking(CONTENT))

    assert ResultCache(tmp_path).fetch(pretend(answer), JOB_ID, result_info(CONTENT)).read_bytes() == CONTENT
    assert asked == [None]


def test_an_answer_that_ends_early_is_taken_up(tmp_path: Path, pretend: Pretend) -> None:
    asked: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("Range"))
        if "Range" in request.headers:
            headers = {"Content-Range": f"bytes 1000-299999/{len(CONTENT)}"}
            return httpx.Response(206, content=CONTENT[1000:], headers=headers)
        return httpx.Response(200, content=CONTENT[:1000])

    assert ResultCache(tmp_path).fetch(pretend(answer), JOB_ID, result_info(CONTENT)).read_bytes() == CONTENT
    assert asked == [None, "bytes=1000-"]


def test_a_proxy_that_knows_no_ranges(tmp_path: Path, pretend: Pretend) -> None:
    info = result_info(CONTENT)

    def answer(request: httpx.Request) -> httpx.Response:
        headers = {"ETag": f'"{info["sha256"]}"'}
        if "Range" in request.headers:
            return httpx.Response(200, content=CONTENT, headers=headers)
        return httpx.Response(200, stream=Breaking(CONTENT[:1000]), headers=headers)

    assert ResultCache(tmp_path).fetch(pretend(answer), JOB_ID, info).read_bytes() == CONTENT


def test_what_is_damaged_on_the_way_is_fetched_again(tmp_path: Path, pretend: Pretend) -> None:
    asked: list[int] = []

    def answer(_: httpx.Request) -> httpx.Response:
        asked.append(1)
        return httpx.Response(200, content=CONTENT if len(asked) > 1 else CONTENT[::-1])

    assert ResultCache(tmp_path).fetch(pretend(answer), JOB_ID, result_info(CONTENT)).read_bytes() == CONTENT


def test_a_service_that_is_asked_too_often_is_waited_for(
    tmp_path: Path, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PAUSE_S", 0)
    asked: list[int] = []

    def answer(_: httpx.Request) -> httpx.Response:
        asked.append(1)
        if len(asked) < 3:
            return httpx.Response(429, json={"code": "rate_limited", "detail": "too many"})
        return httpx.Response(200, content=CONTENT)

    assert ResultCache(tmp_path).fetch(pretend(answer), JOB_ID, result_info(CONTENT)).read_bytes() == CONTENT
