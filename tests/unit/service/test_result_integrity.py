"""A stored result that is not what was written: noticed by reads, found by the scrubber, never used again."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syndb_service.domain.job_status import Kind, Reason
from syndb_service.domain.jobs import Job, JobRequest, Result
from syndb_service.domain.result_parts import FilePart
from syndb_service.errors import Damaged, Expired, Lost, NotStored, TransientError
from syndb_service.result_integrity import Integrity
from syndb_service.results import LocalResultStore, OpenedResult
from syndb_service.results import local_store as local_results
from syndb_service.settings import Settings
from syndb_service.store import Database, JobStore, Submission
from syndb_service.store.statistics import read_statistics
from syndb_service.store.upgrade import upgrade
from syndb_service.worker.scrubber import Scrubber

CONTENT = os.urandom(3 * 1024**2 + 17)
REQUEST = JobRequest(Kind.QUERY, query="SELECT 1")


class Place:
    """One database and one folder of results."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data_dir=folder, scrub_bytes_s=1 << 40)
        self.database = Database(f"sqlite:///{folder / 'jobs.sqlite'}")
        upgrade(self.database)
        self.store = JobStore(self.database, lambda _: None)
        self.folder = folder / "results"
        self.results = LocalResultStore(self.folder)
        self.integrity = Integrity(self.store, self.results)
        self.scrubber = Scrubber(self.settings, self.store, self.results, self.integrity)

    def completed(self, content: bytes = CONTENT, identity: str | None = None) -> Job:
        """Complete a job with that result."""
        self.store.insert(Submission("ada", REQUEST))
        job = self.store.attempts.claim_next(30)
        assert job is not None
        with self.results.open_writer(job.job_id, job.attempt) as writer:
            writer.write(content)
            stored = writer.finish()
        result = Result(stored.key, "csv", stored.bytes, 1, (), stored.sha256, state=stored.state)
        assert self.store.attempts.mark_completed(
            job, result, datetime.now(UTC) + timedelta(hours=1), identity
        )
        return self.store.get(job.job_id)

    def file(self, job: Job) -> Path:
        """Say where its result lies."""
        assert job.result is not None
        return self.folder / job.result.key

    def read(self, job: Job) -> bytes:
        """Read its result as a download does."""
        with self.integrity.open(self.store.get(job.job_id)) as opened:
            return b"".join(opened.chunks)

    def reason(self, job: Job) -> Reason | None:
        """Say what its row says."""
        return self.store.get(job.job_id).reason


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.database.close()


def turn_a_bit(file: Path) -> None:
    state = file.stat()
    with file.open("r+b") as opened:
        opened.seek(len(CONTENT) // 2)
        byte = opened.read(1)[0]
        opened.seek(len(CONTENT) // 2)
        opened.write(bytes([byte ^ 4]))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))


def cut(file: Path) -> None:
    os.truncate(file, len(CONTENT) - 1)


def lengthen(file: Path) -> None:
    with file.open("ab") as opened:
        opened.write(b"x")


def replace_by_another(file: Path) -> None:
    file.unlink()
    file.write_bytes(os.urandom(len(CONTENT)))


DAMAGES: list[Callable[[Path], None]] = [turn_a_bit, cut, lengthen, replace_by_another]


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_not_given_out(
    place: Place, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    job = place.completed(identity="same")
    damage(place.file(job))
    for read in (lambda: place.integrity.open(job, 10, 20), lambda: place.integrity.require(job)):
        with caplog.at_level(logging.INFO), pytest.raises(Damaged, match="result store") as told:
            read()
    assert told.value.error_code == "result_damaged"
    assert told.value.rerun == f"/v1/jobs/{job.job_id}/rerun"
    assert place.reason(job) is Reason.RESULT_DAMAGED
    assert [
        record.levelname for record in caplog.records if "has changed since it was written" in record.message
    ] == ["ERROR"], "told once"
    assert any(
        "result_damaged" in record.message for record in caplog.records if record.name == "syndb.audit"
    )
    assert place.store.attempts.find_reusable("ada", "same") is None
    assert read_statistics(place.database).damaged_results == {"result_damaged": 1}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_found_unasked(place: Place, damage: Callable[[Path], None]) -> None:
    jobs = [place.completed() for _ in range(3)]
    place.scrubber.compare_results()
    assert [place.reason(job) for job in jobs] == [None] * 3
    damage(place.file(jobs[1]))
    place.scrubber.compare_results()
    assert [place.reason(job) for job in jobs] == [None, Reason.RESULT_DAMAGED, None]
    version = place.store.get(jobs[1].job_id).version
    place.scrubber.compare_results()
    assert place.store.get(jobs[1].job_id).version == version, "told once"
    assert place.read(jobs[0]) == CONTENT


def test_what_the_disk_itself_damaged_is_found_by_hashing(place: Place) -> None:
    """A bit that turned without anybody writing: the store says the same of the file as before."""
    jobs = [place.completed() for _ in range(3)]
    turn_a_bit(place.file(jobs[2]))
    assert jobs[2].result is not None
    state = place.results.state(jobs[2].result.key).state
    place.store.maintenance.note_state(jobs[2].job_id, replace(jobs[2].result, state=state))
    place.scrubber.compare_results()
    assert place.reason(jobs[2]) is None
    place.scrubber.hash_until(time.monotonic() + 3600)
    assert [place.reason(job) for job in jobs] == [None, None, Reason.RESULT_DAMAGED]


def test_a_file_that_can_not_be_read_keeps_no_other_from_being_checked(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [place.completed() for _ in range(3)]
    unreadable = min(jobs, key=lambda job: job.job_id)
    for job in jobs:
        os.utime(place.file(job))
        if job is not unreadable:
            turn_a_bit(place.file(job))
    opened = place.results.open

    def fail(key: str, start: int = 0, stop: int | None = None) -> OpenedResult:
        if unreadable.result is not None and key == unreadable.result.key:
            raise TransientError("the result store can't be read: Input/output error")
        return opened(key, start, stop)

    monkeypatch.setattr(place.results, "open", fail)
    place.scrubber.compare_results()
    damaged = [Reason.RESULT_DAMAGED] * 2
    assert [place.reason(job) for job in jobs if job is not unreadable] == damaged
    place.scrubber._reached, place.scrubber._is_whole_round = "", True
    with pytest.raises(TransientError):
        place.scrubber.hash_until(time.monotonic() + 3600)
    assert place.scrubber._reached == unreadable.job_id
    place.scrubber.hash_until(time.monotonic() + 3600)
    assert place.reason(unreadable) is None


def test_what_is_gone_is_lost_and_found_again(place: Place) -> None:
    job = place.completed(identity="same")
    file = place.file(job)
    file.rename(place.folder / "unmounted")
    with pytest.raises(Lost):
        place.integrity.open(job)
    place.scrubber.compare_results()
    assert place.reason(job) is Reason.RESULT_LOST
    assert place.store.attempts.find_reusable("ada", "same") is None
    (place.folder / "unmounted").rename(file)
    place.scrubber.compare_results()
    assert place.reason(job) is None
    assert place.read(job) == CONTENT
    turn_a_bit(file)
    place.scrubber.compare_results()
    assert place.reason(job) is Reason.RESULT_DAMAGED
    turn_a_bit(file)  # as a back-up that is put back
    place.scrubber.compare_results()
    assert place.reason(job) is None
    assert place.store.attempts.find_reusable("ada", "same") is not None


def test_a_file_that_was_touched_is_hashed_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    job = place.completed()
    opened: list[str] = []
    real = LocalResultStore.open

    def counted(results: LocalResultStore, key: str, start: int = 0, stop: int | None = None) -> object:
        opened.append(key)
        return real(results, key, start, stop)

    monkeypatch.setattr(LocalResultStore, "open", counted)
    assert place.read(job) == CONTENT
    assert len(opened) == 1, "as it was written: nothing is hashed"
    os.utime(place.file(job))
    assert place.read(job) == place.read(job) == CONTENT
    assert len(opened) == 4, "hashed once, and its state is kept in the row"


def test_a_copy_is_intact_and_so_is_its_origin(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    job = place.completed()
    copied = place.integrity.copy(job, "another", 1)
    assert copied is not None
    assert copied.state == place.results.state("another/1").state
    monkeypatch.setattr(Integrity, "_digests_match", None)  # neither is hashed
    place.integrity.require(place.store.get(job.job_id))
    place.integrity.require(replace(job, result=copied))


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_not_copied(place: Place, damage: Callable[[Path], None]) -> None:
    job = place.completed()
    damage(place.file(job))
    with pytest.raises(Damaged):
        place.integrity.copy(job, "another", 1)
    assert place.results.keys("another") == []


def test_each_part_of_a_file_has_its_own_checksum(place: Place) -> None:
    answer, table = b'{"density": 0.1}', os.urandom(2 * 1024**2)
    job = place.completed(answer + table)
    assert job.result is not None
    part = FilePart("neurons", "arrow", len(answer), len(table), hashlib.sha256(table).hexdigest())
    sha256 = hashlib.sha256(answer).hexdigest()
    result = replace(job.result, bytes=len(answer), sha256=sha256, parts=(part,), state="other")
    job = replace(job, result=result)
    assert place.integrity.scrub(job, lambda _: None)
    with place.file(job).open("r+b") as opened:
        opened.seek(len(answer) + 5)
        opened.write(b"damage")
    assert not place.integrity.scrub(job, lambda _: None)


def test_a_result_that_is_purged_meanwhile_has_expired(place: Place) -> None:
    job = place.completed()
    place.store.retention.purge(job.job_id, "ada")
    place.results.delete(place.file(job).relative_to(place.folder).as_posix())
    with pytest.raises(Expired) as told:
        place.integrity.open(job)
    assert told.value.error_code == "result_expired"
    place.scrubber.compare_results()
    assert place.reason(job) is Reason.EXPIRED


def test_what_is_open_is_read_to_its_end(place: Place) -> None:
    job = place.completed()
    opened = place.integrity.open(job)
    place.results.delete(place.file(job).relative_to(place.folder).as_posix())
    assert b"".join(opened.chunks) == CONTENT
    with pytest.raises(NotStored):
        place.results.open(f"{job.job_id}/1")


def test_whatever_becomes_of_it_the_file_is_let_go(place: Place) -> None:
    job = place.completed()

    def descriptors() -> int:
        return sum(place.file(job).samefile(one) for one in Path("/proc/self/fd").iterdir() if one.exists())

    place.integrity.open(job).close()
    cut(place.file(job))
    with pytest.raises(Damaged):
        place.integrity.open(job)
    assert descriptors() == 0


def test_a_file_that_is_written_in_the_same_tick_has_another_state(tmp_path: Path) -> None:
    results = LocalResultStore(tmp_path)
    with results.open_writer("job", 1) as writer:
        writer.write(b"0123")
        stored = writer.finish()
    with (tmp_path / "job" / "1").open("r+b") as file:
        file.write(b"9")
    assert results.state(stored.key).state != stored.state
    assert local_results.BEFORE_S > 1


def test_one_of_several_scrubs_at_a_time(place: Place) -> None:
    turns: list[bool] = []
    barrier = threading.Barrier(4)

    def claim() -> None:
        barrier.wait()
        turns.append(place.store.maintenance.claim_scrub(600))

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(turns) == [False, False, False, True]
    assert place.store.maintenance.claim_scrub(0)


def test_the_scrubber_keeps_its_rate_and_ends_at_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    place.completed()
    place.settings.scrub_bytes_s = 1024**2

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        return False

    monkeypatch.setattr(place.scrubber._thread, "wait", wait)
    place.scrubber.hash_until(time.monotonic() + 3600)
    some = sum(waited)
    place.scrubber.hash_until(time.monotonic() + 3600)
    assert some in (pytest.approx(len(CONTENT) / 1024**2), pytest.approx(2 * len(CONTENT) / 1024**2))
    assert sum(waited) == some, "the next round begins a day later"
    monkeypatch.undo()
    place.settings.scrub_bytes_s = 1
    place.settings.scrub_s = 0.01
    place.scrubber.start()
    place.scrubber.stop()


@pytest.mark.slow
def test_hashing_a_file_holds_up_no_other_one_and_its_own_readers_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path)
    touched, others = place.completed(), [place.completed(b"small") for _ in range(20)]
    for job in (touched, *others):
        os.utime(place.file(job))  # as if a back-up had been put back: each is hashed at its next read
    began, released = threading.Event(), threading.Event()
    digests_match = place.integrity._digests_match

    def held(result: Result, pace: Callable[[int], None] | None = None) -> bool:
        if result.key == getattr(touched.result, "key", None):
            began.set()
            assert released.wait(120)
        return digests_match(result, pace)

    monkeypatch.setattr(place.integrity, "_digests_match", held)
    monkeypatch.setattr("syndb_service.result_integrity.HASHING_S", 0.05)
    first = threading.Thread(target=place.integrity.require, args=(touched,))
    first.start()
    try:
        assert began.wait(120)
        for job in others:
            place.integrity.require(job)
        with pytest.raises(TransientError, match="compared with its checksum"):
            place.integrity.require(touched)
    finally:
        released.set()
        first.join()
    place.integrity.require(touched)
    assert not place.integrity._hashing
    place.database.close()
