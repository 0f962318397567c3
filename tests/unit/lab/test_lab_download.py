import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from syndb_lab import ResultDamaged, ResultExpired, ServiceUnavailable, SyndbError
from syndb_lab.download import ResultCache
from syndb_lab.transport import Transport
from tests.unit.lab.pretence import JOB_ID, Answer, result_info

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
    assert first.stat().st_mode & 0o777 == 0o600
    assert first.parent.stat().st_mode & 0o777 == 0o700


def test_other_bytes_are_refused_and_not_kept(tmp_path: Path, pretend: Pretend) -> None:
    with pytest.raises(ResultDamaged):
        ResultCache(tmp_path).fetch(
            pretend(lambda _: httpx.Response(200, content=CONTENT[:-1])), JOB_ID, result_info(CONTENT)
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
    monkeypatch.setattr("syndb_lab.download.PAUSE_S", 0)

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

    monkeypatch.setattr("syndb_lab.download.append", full)
    with pytest.raises(SyndbError, match="no space left"):
        ResultCache(tmp_path).fetch(pretend(lambda _: httpx.Response(200)), JOB_ID, result_info(CONTENT))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, pretend: Pretend) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SyndbError, match="can't be written"):
        ResultCache(tmp_path / "file" / "cache").fetch(
            pretend(lambda _: httpx.Response(200)), JOB_ID, result_info(CONTENT)
        )


def test_what_was_read_longest_ago_goes_first(tmp_path: Path, pretend: Pretend) -> None:
    cache = ResultCache(tmp_path, kept_bytes=25)
    for number in range(4):
        content = bytes([number]) * 10
        transport = pretend(lambda _, content=content: httpx.Response(200, content=content))  # type: ignore[misc]
        file = cache.fetch(transport, JOB_ID, result_info(content))
        os.utime(file, (number, number))
    assert sorted(file.read_bytes()[0] for file in tmp_path.iterdir()) == [2, 3]
