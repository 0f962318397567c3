from __future__ import annotations

import hashlib
import os
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from syndb_service.errors import BadSetting, TransientError
from syndb_service.results import LocalResultStore, open_results
from syndb_service.results.local_store import note_full

JOB = "6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11"


@pytest.fixture
def results(tmp_path: Path) -> LocalResultStore:
    return LocalResultStore(tmp_path / "results")


def store(results: LocalResultStore, data: bytes, attempt: int = 1) -> str:
    with results.open_writer(JOB, attempt) as writer:
        assert writer.wait_writable(0)
        writer.write(data)
        return writer.finish().key


def test_a_folder_by_its_url(tmp_path: Path) -> None:
    results = open_results(f"file://{tmp_path}/results")
    results.check()
    results.ready()
    assert isinstance(results, LocalResultStore)
    assert list((tmp_path / "results").iterdir()) == []


@pytest.mark.parametrize("size", [1, 1000, 3_000_000])
def test_memory_may_be_used_again_as_soon_as_it_is_written(results: LocalResultStore, size: int) -> None:
    buffer = bytearray(size)
    with results.open_writer(JOB, 1) as writer:
        for number in range(9):
            buffer[:] = bytes([number]) * size
            writer.write(memoryview(buffer))
            buffer[:] = b"x" * size
        stored = writer.finish()
    written = b"".join(bytes([number]) * size for number in range(9))
    assert results.path(stored.key).read_bytes() == written
    assert stored.sha256 == hashlib.sha256(written).hexdigest()


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadSetting, match="SYNDB_RESULTS_URL"):
        open_results(f"{tmp_path}/file/results")


@pytest.mark.parametrize(("start", "stop"), [(0, None), (1, 3), (2, 100), (7, None), (3, 3), (4, 1)])
def test_ranges(results: LocalResultStore, start: int, stop: int | None) -> None:
    with results.open(store(results, b"neurons"), start, stop) as opened:
        assert opened.size == 7
        assert b"".join(opened.chunks) == b"neurons"[start:stop]


def test_what_is_not_there(results: LocalResultStore) -> None:
    for read in (results.open, results.path):
        with pytest.raises(TransientError, match="not in the result store"):
            read(f"{JOB}/1")
    results.delete(f"{JOB}/1")
    assert results.keys(JOB) == []


def test_unfinished_results_are_listed_and_deleted(results: LocalResultStore, tmp_path: Path) -> None:
    store(results, b"x")
    results.open_writer(JOB, 2).write(b"y")
    assert [(job, sorted(keys)) for job, keys in results.listing()] == [(JOB, [f"{JOB}/1", f"{JOB}/2.part"])]
    results.delete(f"{JOB}/2.part")
    assert results.keys(JOB) == [f"{JOB}/1"]


@pytest.mark.slow
def test_a_fenced_attempt_that_removes_the_empty_folder_harms_nobody(results: LocalResultStore) -> None:
    failures: list[BaseException] = []

    def attempts(number: int) -> None:
        try:
            for _ in range(300):
                results.open_writer(JOB, number).abort()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=attempts, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert list(results.jobs()) == []


def test_a_copy_outlives_its_origin(results: LocalResultStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with results.open_writer(JOB, 1) as writer:
        writer.write(b"whole")
        key = writer.finish().key
    linked = results.copy(key, JOB, 2)
    monkeypatch.setattr(Path, "hardlink_to", no_links)
    copied = results.copy(key, JOB, 3)
    assert linked == f"{JOB}/2"
    assert copied == f"{JOB}/3"
    results.delete(key)
    for each in (linked, copied):
        with results.open(each) as opened:
            assert b"".join(opened.chunks) == b"whole"
    assert results.copy(key, "another", 1) is None
    assert list(results.jobs()) == [JOB]


def test_a_full_disk(results: LocalResultStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    writer = results.open_writer(JOB, 1)
    writer.write(b"x")
    monkeypatch.setattr(os, "fsync", full)
    with writer, pytest.raises(TransientError, match="the disk of the result store is full"):
        writer.finish()
    assert list(results.jobs()) == []
    with pytest.raises(TransientError, match="the disk of the result store is full"):
        results.ready()
    monkeypatch.undo()
    results.ready()
    assert not list(tmp_path.rglob(".probe-*")), "the probe is removed, whatever happened"


def test_a_disk_that_is_too_small_is_not_ready_though_a_probe_fits(
    results: LocalResultStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the result took is free again when its attempt has failed."""
    free = {"bytes": 10**6}
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free["bytes"]))
    note_full(tmp_path / "results", 2 * 10**6)
    with pytest.raises(TransientError, match="too full") as refused:
        LocalResultStore(tmp_path / "results").ready()
    assert refused.value.error_code == "store_full"
    assert list(results.jobs()) == []
    free["bytes"] = 3 * 10**6
    results.ready()
    free["bytes"] = 10**6
    results.ready()
