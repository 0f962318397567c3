from __future__ import annotations

import hashlib
import itertools
import os
import random
import threading
import time
import tracemalloc
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.response import StreamingBody

from syndb_service.domain.job_status import Kind, Reason
from syndb_service.domain.jobs import Job, JobRequest, Result
from syndb_service.errors import BadSetting, Damaged, Lost, TransientError
from syndb_service.result_integrity import Integrity
from syndb_service.results import OpenedResult, ResultWriter, open_results
from syndb_service.results.s3_multipart_upload import MAX_SENDING
from syndb_service.results.s3_store import S3ResultStore
from syndb_service.results.s3_writer import PART_BYTES
from syndb_service.s3 import Bucket, streaming
from syndb_service.s3 import client as connecting
from syndb_service.s3 import retry as patience
from syndb_service.settings import Settings
from syndb_service.storage_url import S3Location
from syndb_service.store import Database, JobStore, Submission
from syndb_service.store.upgrade import upgrade
from syndb_service.worker.scrubber import Scrubber
from tests.support.servers.seaweed import Seaweed
from tests.support.servers.store_proxy import Act, StoreProxy
from tests.support.waiting import wait_until

MIB = 1024**2
OFTEN = set(range(1, 100))
JOB = "6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11"
MEDIA = "application/vnd.apache.arrow.file"


def content(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def read(opened: OpenedResult) -> bytes:
    with opened:
        return b"".join(opened.chunks)


def store(results: S3ResultStore, data: bytes, job_id: str = JOB, attempt: int = 1) -> str:
    with results.open_writer(job_id, attempt) as writer:
        for start in range(0, len(data), 3 * MIB):
            writer.write(memoryview(data)[start : start + 3 * MIB])
        stored = writer.finish()
    assert (stored.bytes, stored.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    return stored.key


def send(writer: ResultWriter, data: bytes) -> None:
    writer.write(data)
    writer.finish()


@pytest.mark.parametrize(
    "size", [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES, 3 * PART_BYTES + 17]
)
def test_a_result_comes_back_as_it_was_written(results: S3ResultStore, size: int) -> None:
    data = content(size)
    key = store(results, data)
    assert key == f"{JOB}/1"
    opened = results.open(key)
    assert opened.size == size
    assert read(opened) == data
    assert results.path(key) is None


@pytest.mark.parametrize("size", [1000, 3 * MIB, PART_BYTES])
def test_memory_may_be_used_again_as_soon_as_it_is_written(s3: Seaweed, prefix: str, size: int) -> None:
    proxy = StoreProxy(s3.ports["s3"])
    try:
        results = S3ResultStore(Bucket(S3Location(s3.bucket, f"{prefix}/"), "result store", proxy.endpoint))
        buffer, digest = bytearray(size), hashlib.sha256()
        with proxy.rule(Act.SLOW, "PUT", times=2), results.open_writer(JOB, 1) as writer:
            for number in range(-(-3 * PART_BYTES // size) if size > 1000 else 20):
                buffer[:] = content(size, number)
                digest.update(buffer)
                writer.write(memoryview(buffer))
                buffer[:] = bytes(size)
            stored = writer.finish()
        assert (
            stored.sha256 == digest.hexdigest() == hashlib.sha256(read(results.open(stored.key))).hexdigest()
        )
    finally:
        proxy.close()


def test_nothing_is_visible_before_the_end(results: S3ResultStore, s3: Seaweed, prefix: str) -> None:
    with results.open_writer(JOB, 1) as writer:
        writer.write(content(2 * PART_BYTES + 1))
        wait_until(lambda: s3.uploads_in(prefix))
        assert s3.keys_in(prefix) == []
        with pytest.raises(TransientError, match="not in the result store"):
            results.open(f"{JOB}/1")
        writer.finish()
    assert s3.keys_in(prefix) == [f"{prefix}/{JOB}/1"]
    assert s3.uploads_in(prefix) == []


@pytest.mark.parametrize("size", [1, PART_BYTES, 3 * PART_BYTES + 1])
def test_an_abort_leaves_nothing(results: S3ResultStore, s3: Seaweed, prefix: str, size: int) -> None:
    with results.open_writer(JOB, 1) as writer:
        writer.write(content(size))
    writer.abort()
    assert s3.keys_in(prefix) == s3.uploads_in(prefix) == []
    assert list(results.listing()) == []


def test_an_abort_after_the_end_keeps_the_result(results: S3ResultStore) -> None:
    with results.open_writer(JOB, 1) as writer:
        writer.write(b"whole")
        stored = writer.finish()
        writer.abort()
    assert read(results.open(stored.key)) == b"whole"


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 1), (5, 10), (100, None), (PART_BYTES - 3, PART_BYTES + 3), (9, 10**12)]
)
def test_a_range(results: S3ResultStore, start: int, stop: int | None) -> None:
    data = content(PART_BYTES + 1000)
    opened = results.open(store(results, data), start, stop)
    assert (opened.size, opened.start, opened.stop) == (len(data), start, min(stop or len(data), len(data)))
    assert read(opened) == data[start:stop]


def test_a_copy_is_a_result_of_its_own(results: S3ResultStore) -> None:
    data = content(PART_BYTES + 1)
    key = store(results, data)
    copied = results.copy(key, JOB, 7)
    assert copied == f"{JOB}/7"
    results.delete(key)
    assert read(results.open(copied)) == data
    assert results.copy(key, JOB, 8) is None, "the first one is gone"
    assert results.keys(JOB) == [copied]


@pytest.mark.parametrize(("start", "stop"), [(4, None), (100, 200), (2, 2), (3, 1)])
def test_a_range_that_holds_nothing(results: S3ResultStore, start: int, stop: int | None) -> None:
    opened = results.open(store(results, b"1234"), start, stop)
    assert opened.size == 4
    assert read(opened) == b""


def test_memory_is_bounded(results: S3ResultStore) -> None:
    piece = content(MIB)
    digest = hashlib.sha256()
    tracemalloc.start()
    try:
        with results.open_writer(JOB, 1) as writer:
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(200):
                writer.write(piece)
                digest.update(piece)
            stored = writer.finish()
        with results.open(stored.key) as opened:
            read_back = hashlib.sha256()
            for chunk in opened.chunks:
                read_back.update(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert stored.sha256 == digest.hexdigest() == read_back.hexdigest()
    assert peak - before < (MAX_SENDING + 3) * PART_BYTES < 64 * MIB


def test_a_link_works_without_credentials(results: S3ResultStore) -> None:
    key = store(results, b"neurons")
    link = results.redirect(key, "größe, a.arrow", MEDIA, 60)
    answer = httpx.get(link)
    assert (answer.status_code, answer.content) == (200, b"neurons")
    assert answer.headers["Content-Type"] == MEDIA
    assert (
        "attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe%2C%20a.arrow" in answer.headers["Content-Disposition"]
    )
    assert httpx.get(link, headers={"Range": "bytes=1-2"}).content == b"eu"
    assert httpx.get(link.replace("/1?", "/2?")).status_code == 403


def test_a_link_expires(results: S3ResultStore) -> None:
    link = results.redirect(store(results, b"neurons"), "a.arrow", MEDIA, 1)
    wait_until(lambda: httpx.get(link).status_code == 403)
    assert b"neurons" not in httpx.get(link).content


def test_there_is_no_link_to_what_is_not_there(results: S3ResultStore) -> None:
    with pytest.raises(TransientError, match="not in the result store") as caught:
        results.redirect(f"{JOB}/1", "a.arrow", MEDIA, 60)
    assert caught.value.error_code == "store_unavailable"


def test_links_go_to_the_public_endpoint(s3: Seaweed, prefix: str) -> None:
    public = s3.endpoint.replace("127.0.0.1", "localhost")
    results = open_results(f"s3://{s3.bucket}/{prefix}", s3.endpoint, public_url=public)
    assert isinstance(results, S3ResultStore)
    link = results.redirect(store(results, b"x"), "a", MEDIA, 60)
    assert link.startswith(public)
    assert httpx.get(link).content == b"x"


def test_deleting(results: S3ResultStore, s3: Seaweed, prefix: str) -> None:
    key = store(results, b"x")
    results.delete(key)
    results.delete(key)
    assert s3.keys_in(prefix) == []
    with pytest.raises(TransientError, match="not in the result store"):
        results.open(key)


def test_the_sweep_sees_whole_and_unfinished_results(
    bucket: Bucket, results: S3ResultStore, s3: Seaweed, prefix: str
) -> None:
    store(results, b"x", "job-b")
    store(results, b"x", "job-a", 2)
    bucket.put("notes.txt", b"not ours")
    bucket.put("tables/synapses/dataset_id=1/a.parquet", b"not ours")
    unfinished = results.open_writer("job-a", 11)
    unfinished.write(content(PART_BYTES))
    wait_until(lambda: s3.uploads_in(prefix))
    assert dict(results.listing()) == {"job-a": ["job-a/2", "job-a/11.part"], "job-b": ["job-b/1"]}
    assert sorted(results.jobs()) == ["job-a", "job-b"]
    assert results.keys("job-a") == ["job-a/2", "job-a/11.part"]
    assert results.keys("job") == []
    results.delete("job-a/1.part")
    assert len(s3.uploads_in(prefix)) == 1
    assert S3ResultStore(bucket, unfinished_s=3600).keys("job-a") == ["job-a/2"]
    results.delete("job-a/11.part")
    assert s3.uploads_in(prefix) == []
    with pytest.raises(TransientError):
        send(unfinished, content(2 * PART_BYTES))
    assert results.keys("job-a") == ["job-a/2"]


def test_a_thousand_results_are_listed(bucket: Bucket, results: S3ResultStore) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: bucket.put(f"{number:05}/1", b""), range(1005)))
    listed = list(results.listing())
    assert listed == [(f"{number:05}", [f"{number:05}/1"]) for number in range(1005)]


@pytest.mark.parametrize("url", ["s3://{bucket}/{prefix}", "s3://{bucket}/{prefix}/"])
def test_a_store_that_can_be_used(s3: Seaweed, prefix: str, url: str) -> None:
    results = open_results(url.format(bucket=s3.bucket, prefix=prefix), s3.endpoint)
    results.check()
    results.ready()
    assert s3.keys_in(prefix) == []


def refusal(s3: Seaweed, bucket: str | None = None) -> BadSetting:
    results = open_results(f"s3://{bucket or s3.bucket}/prefix", s3.endpoint)
    with pytest.raises(BadSetting) as caught:
        results.check()
    told = f"{caught.value.message} {caught.value.hint}"
    assert s3.keys.secret not in told
    assert s3.keys.access not in told
    return caught.value


def test_a_wrong_secret(s3: Seaweed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-wrong-secret")
    refused = refusal(s3)
    assert "403 (SignatureDoesNotMatch): the credentials are wrong" in refused.message
    assert "AWS_SECRET_ACCESS_KEY" in str(refused.hint)
    assert "a-wrong-secret" not in f"{refused.message} {refused.hint}"


def test_an_unknown_access_key(s3: Seaweed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN")
    assert "403 (InvalidAccessKeyId): the credentials are wrong" in refusal(s3).message


def test_an_identity_that_may_not_write(s3: Seaweed, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.reader.environment().items():
        monkeypatch.setenv(name, value)
    assert "403 (AccessDenied): the credentials may not use the bucket 'lab'" in refusal(s3).message


def test_no_credentials(s3: Seaweed, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in s3.keys.environment():
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    assert "there are no credentials for the result store" in refusal(s3).message


def test_no_bucket(s3: Seaweed) -> None:
    assert "no bucket 'another'" in refusal(s3, "another").message


def test_nobody_listens(s3: Seaweed) -> None:
    results = open_results("s3://lab/prefix", "http://127.0.0.1:1")
    for ask in (results.check, results.ready):
        with pytest.raises(TransientError, match="the result store does not answer") as caught:
            ask()
        assert caught.value.error_code == "store_unavailable"


def test_a_secret_that_becomes_wrong_is_no_defect_of_the_job(
    s3: Seaweed, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-wrong-secret")
    results = open_results(f"s3://{s3.bucket}/{prefix}", s3.endpoint)
    with results.open_writer(JOB, 1) as writer:
        writer.write(b"x")
        with pytest.raises(TransientError, match="refuses the service"):
            writer.finish()


def test_the_rule_that_destroys_is_set_and_lengthened(
    results: S3ResultStore, s3: Seaweed, prefix: str
) -> None:
    foreign = {
        "ID": f"theirs-{prefix}",
        "Status": "Enabled",
        "Filter": {"Prefix": f"theirs-{prefix}/"},
        "Expiration": {"Days": 9},
    }
    client = s3.client()
    client.put_bucket_lifecycle_configuration(Bucket=s3.bucket, LifecycleConfiguration={"Rules": [foreign]})
    for hours, days in ((24, 3), (24 * 30, 32), (24, 32)):
        assert results.ensure_lifecycle(hours)
        rules = client.get_bucket_lifecycle_configuration(Bucket=s3.bucket)["Rules"]
        assert foreign["ID"] in {rule["ID"] for rule in rules}
        [mine] = [rule for rule in rules if rule["Filter"]["Prefix"] == f"{prefix}/"]
        assert mine["Expiration"]["Days"] == days
        assert mine["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 1


def test_no_rule_where_the_bucket_may_hold_more(s3: Seaweed, caplog: pytest.LogCaptureFixture) -> None:
    results = open_results(f"s3://{s3.bucket}", s3.endpoint)
    assert not results.ensure_lifecycle(24)
    assert "no lifecycle rule is set" in caplog.text


def test_a_rule_that_may_not_be_set_is_borne(
    s3: Seaweed, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.reader.environment().items():
        monkeypatch.setenv(name, value)
    assert not open_results(f"s3://{s3.bucket}/{prefix}", s3.endpoint).ensure_lifecycle(24)


def broken(call: Callable[..., Any], when: set[int], *, after: bool) -> Callable[..., Any]:
    """Lose the connection at some calls: before they have an effect, or after."""
    counter = itertools.count(1)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        number = next(counter)
        if number in when and not after:
            raise EndpointConnectionError(endpoint_url="http://nowhere")
        answer = call(*arguments, **options)
        if number in when:
            raise EndpointConnectionError(endpoint_url="http://nowhere")
        return answer

    return wrapped


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSES_S", (0.01, 0.02))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", ["upload_part", "complete_multipart_upload", "put_object"])
def test_a_short_outage_is_gone_through(
    bucket: Bucket, results: S3ResultStore, monkeypatch: pytest.MonkeyPatch, call: str, after: bool
) -> None:
    monkeypatch.setattr(bucket.client, call, broken(getattr(bucket.client, call), {1, 2}, after=after))
    data = content(100 if call == "put_object" else 2 * PART_BYTES + 1)
    assert read(results.open(store(results, data))) == data


@pytest.mark.parametrize("after", [False, True])
def test_a_part_that_does_not_arrive(
    bucket: Bucket,
    results: S3ResultStore,
    s3: Seaweed,
    prefix: str,
    monkeypatch: pytest.MonkeyPatch,
    after: bool,
) -> None:
    monkeypatch.setattr(bucket.client, "upload_part", broken(bucket.client.upload_part, OFTEN, after=after))
    with results.open_writer(JOB, 1) as writer, pytest.raises(TransientError, match="does not answer"):
        send(writer, content(6 * PART_BYTES))
    assert s3.keys_in(prefix) == s3.uploads_in(prefix) == []


def test_an_end_that_is_lost(
    bucket: Bucket, results: S3ResultStore, s3: Seaweed, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = broken(bucket.client.complete_multipart_upload, OFTEN, after=False)
    monkeypatch.setattr(bucket.client, "complete_multipart_upload", end)
    with results.open_writer(JOB, 1) as writer, pytest.raises(TransientError, match="does not answer"):
        send(writer, content(PART_BYTES + 1))
    assert s3.keys_in(prefix) == s3.uploads_in(prefix) == []


def test_an_end_whose_answer_is_lost(
    bucket: Bucket, results: S3ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = broken(bucket.client.complete_multipart_upload, {1}, after=True)
    monkeypatch.setattr(bucket.client, "complete_multipart_upload", end)
    data = content(PART_BYTES + 1)
    assert read(results.open(store(results, data))) == data


def test_a_small_result_whose_answer_is_lost_leaves_nothing(
    bucket: Bucket, results: S3ResultStore, s3: Seaweed, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket.client, "put_object", broken(bucket.client.put_object, OFTEN, after=True))
    with results.open_writer(JOB, 1) as writer, pytest.raises(TransientError):
        send(writer, b"x")
    assert s3.keys_in(prefix) == []


def test_reading_goes_on_where_the_connection_broke(
    results: S3ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = content(PART_BYTES)
    opened = results.open(store(results, data), 10)
    monkeypatch.setattr(StreamingBody, "read", broken(StreamingBody.read, {3, 5}, after=False))
    assert read(opened) == data[10:]


def test_reading_ends_where_the_connection_breaks_again_and_again(
    results: S3ResultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = results.open(store(results, content(PART_BYTES)))
    monkeypatch.setattr(StreamingBody, "read", broken(StreamingBody.read, set(range(2, 9)), after=False))
    monkeypatch.setattr(streaming, "PAUSE_S", 0)
    with pytest.raises(TransientError, match="does not answer"):
        read(opened)


def test_room_is_told_without_waiting_for_a_slow_store(results: S3ResultStore, s3: Seaweed) -> None:
    with results.open_writer(JOB, 1) as writer:
        assert writer.wait_writable(0)
        writer.write(content(PART_BYTES))
        s3.pause()
        try:
            for _ in range(MAX_SENDING):
                if writer.wait_writable(0):
                    writer.write(content(PART_BYTES))
            assert not writer.wait_writable(0.05)
        finally:
            s3.resume()
        assert writer.wait_writable(30)
        writer.finish()


def test_a_store_that_is_killed_in_the_middle(
    results: S3ResultStore, s3: Seaweed, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = store(results, b"kept", str(uuid.uuid4()))
    with results.open_writer(JOB, 1) as writer:
        writer.write(content(2 * PART_BYTES))
        wait_until(lambda: s3.uploads_in(prefix))
        s3.kill()
        try:
            with pytest.raises(TransientError, match="the result store does not answer") as caught:
                send(writer, content(4 * PART_BYTES))
            assert caught.value.error_code == "store_unavailable"
            with pytest.raises(TransientError):
                results.ready()
            with pytest.raises(TransientError):
                results.open(kept)
            writer.abort()
        finally:
            s3.start()
    results.ready()
    assert [key for _, keys in results.listing() for key in keys if not key.endswith(".part")] == [kept]
    assert read(results.open(kept)) == b"kept"
    for _, keys in list(results.listing()):
        for key in keys:
            if key.endswith(".part"):
                results.delete(key)
    assert s3.uploads_in(prefix) == []


def test_a_store_that_is_killed_at_the_end_of_a_small_result(results: S3ResultStore, s3: Seaweed) -> None:
    with results.open_writer(JOB, 1) as writer:
        writer.write(b"x")
        s3.kill()
        try:
            with pytest.raises(TransientError, match="does not answer"):
                writer.finish()
        finally:
            s3.start()
    assert results.keys(JOB) == []


def test_a_store_that_hangs_is_not_ready(results: S3ResultStore, s3: Seaweed) -> None:
    results.ready()
    s3.pause()
    try:
        begun = time.monotonic()
        with pytest.raises(TransientError, match="does not answer"):
            results.ready()
        assert time.monotonic() - begun < connecting.READ_S
    finally:
        s3.resume()


def test_uploads_of_several_jobs_at_a_time(results: S3ResultStore) -> None:
    data = {str(number): content(2 * PART_BYTES + number, number) for number in range(4)}
    threads = [threading.Thread(target=store, args=(results, data[job], job)) for job in data]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {job: read(results.open(f"{job}/1")) for job in data} == data


@pytest.mark.parametrize("size", [1000, PART_BYTES + 1000])
def test_the_state_of_a_result_changes_with_its_content_alone(
    results: S3ResultStore, bucket: Bucket, size: int
) -> None:
    data = content(size)
    with results.open_writer(JOB, 1) as writer:
        writer.write(data)
        stored = writer.finish()
    with results.open(stored.key, 10, 20) as opened:
        assert stored.state == opened.state == results.state(stored.key).state
    assert dict(results.states()) == {stored.key: results.state(stored.key)}
    bucket.put(stored.key, data[:500] + bytes([data[500] ^ 1]) + data[501:])
    assert results.state(stored.key).bytes == size
    assert results.state(stored.key).state != stored.state


def test_damage_is_noticed_by_reads_and_found_unasked(
    results: S3ResultStore, bucket: Bucket, tmp_path: Path
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    upgrade(database)
    jobs = JobStore(database, lambda _: None)
    integrity = Integrity(jobs, results)
    scrubber = Scrubber(Settings(data_dir=tmp_path, scrub_bytes_s=1 << 40), jobs, results, integrity)
    data = content(100_000)

    def completed() -> Job:
        jobs.insert(Submission("ada", JobRequest(Kind.QUERY, query="SELECT 1")))
        job = jobs.attempts.claim_next(30)
        assert job is not None
        with results.open_writer(job.job_id, job.attempt) as writer:
            writer.write(data)
            stored = writer.finish()
        result = Result(stored.key, "csv", stored.bytes, 1, (), stored.sha256, state=stored.state)
        assert jobs.attempts.mark_completed(job, result, datetime.now(UTC) + timedelta(hours=1))
        return jobs.get(job.job_id)

    def key(job: Job) -> str:
        assert job.result is not None
        return job.result.key

    whole, turned, cut, removed, replaced, again, read = (completed() for _ in range(7))
    bucket.put(key(turned), data[:-1] + bytes([data[-1] ^ 1]))
    bucket.put(key(cut), data[:-1])
    bucket.delete(key(removed))
    bucket.put(key(replaced), content(len(data), seed=2))
    bucket.put(key(again), data)  # put back by hand: another ETag, the same content
    bucket.put(key(read), data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(Damaged):
        integrity.open(read, 0, 10)
    with pytest.raises(Damaged):
        integrity.link(read, "x.csv", "text/csv", 60)
    for job in (whole, again):
        with integrity.open(job) as opened:
            assert b"".join(opened.chunks) == data
        assert integrity.link(job, "x.csv", "text/csv", 60)
    scrubber.compare_results()
    assert [jobs.get(job.job_id).reason for job in (whole, turned, cut, removed, replaced, again, read)] == [
        None,
        Reason.RESULT_DAMAGED,
        Reason.RESULT_DAMAGED,
        Reason.RESULT_LOST,
        Reason.RESULT_DAMAGED,
        None,
        Reason.RESULT_DAMAGED,
    ]
    copied = integrity.copy(jobs.get(whole.job_id), "another", 1)
    assert copied is not None
    assert copied.state == results.state("another/1").state
    for lost in (lambda: integrity.copy(removed, "x", 2), lambda: integrity.link(removed, "x", MEDIA, 60)):
        with pytest.raises(Lost):
            lost()
    database.close()


def test_an_answer_that_nobody_reads_is_closed(results: S3ResultStore) -> None:
    opened = results.open(store(results, content(3 * MIB)))
    body = opened.chunks._opened.body  # type: ignore[attr-defined]
    opened.close()
    assert body._raw_stream.closed
