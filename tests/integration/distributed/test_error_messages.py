"""Faults of disks, rights, clocks and credentials, on real servers and disks: each is told by its name.

A part that is away is waited for (`SYNDB_WAIT_S`); what somebody has to mend is not, or the tests here would
wait for an hour.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import botocore.auth
import httpx
import pytest
from botocore.exceptions import ClientError
from sqlalchemy import text

from syndb_service.errors import BadSetting, TransientError
from syndb_service.s3 import Bucket
from syndb_service.s3.errors import at_start
from syndb_service.storage_url import parse_storage_url
from syndb_service.store import Database
from tests.support.distributed import starting
from tests.support.live_service import Jobs, Live, isolated_environment, running_service
from tests.support.servers.postgres import Postgres, running_postgres
from tests.support.servers.redis import Redis
from tests.support.servers.seaweed import Seaweed, running_seaweed
from tests.support.servers.server import PASSWORD, USER
from tests.support.servers.small_disk import SmallDisk, small_disk
from tests.support.waiting import WAIT_S, wait_until

HOUR = {"SYNDB_WAIT_S": "3600"}
SECRET = "wrong-not-for-logs"
LARGE = "SELECT range * 7919 % 1000003 AS n, hash(range) AS h FROM range(4000000)"


def ended(folder: Path, *words: str, **settings: str) -> str:
    """Start a command that can't run; return what it says."""
    with starting(folder, isolated_environment(folder, **HOUR, **settings), *words) as command:
        assert command.process.wait(WAIT_S) == 1, command.logged()
        log = command.logged()
    assert log.count("syndb-lab: ") == 1, log
    assert "Traceback" not in log, log
    assert SECRET not in log, log
    return log


@pytest.mark.parametrize(
    ("user", "password", "database", "told"),
    [
        (USER, SECRET, "postgres", "the job database refuses the service's user or password"),
        ("nobody_here", SECRET, "postgres", "the job database refuses the service's user or password"),
        (USER, PASSWORD, "none_such", "the job database has no database of that name"),
        ("may_nothing", SECRET, "postgres", "the job database does not let the service's user do that"),
    ],
)
def test_a_database_that_refuses_is_told_at_once(
    tmp_path: Path, postgres: Postgres, user: str, password: str, database: str, told: str
) -> None:
    if user == "may_nothing":
        with postgres.connect() as connection:
            connection.execute("DROP ROLE IF EXISTS may_nothing")
            connection.execute(f"CREATE ROLE may_nothing LOGIN PASSWORD '{SECRET}'")  # type: ignore[call-overload]
    url = f"postgresql+psycopg://{user}:{password}@127.0.0.1:{postgres.port}/{database}"
    assert told in ended(tmp_path, "up", "--port", "0", SYNDB_DATABASE_URL=url)


@pytest.mark.parametrize("words", [["api", "--port", "0"], ["worker"]])
def test_the_processes_of_a_fleet_tell_it_too(
    tmp_path: Path, postgres: Postgres, redis_server: Redis, words: list[str]
) -> None:
    database = f"postgresql+psycopg://{USER}:{SECRET}@127.0.0.1:{postgres.port}/postgres"
    broker = redis_server.url
    assert "refuses the service's user or password" in ended(
        tmp_path, *words, SYNDB_DATABASE_URL=database, SYNDB_BROKER_URL=broker
    )
    for password in (f":{SECRET}@", ""):
        broker = f"redis://{password}127.0.0.1:{redis_server.port}/0"
        assert "refuses the user or password in SYNDB_BROKER_URL" in ended(
            tmp_path, *words, SYNDB_BROKER_URL=broker
        )


def test_a_password_that_changes_while_it_runs(postgres: Postgres) -> None:
    with postgres.connect() as connection:
        connection.execute("DROP ROLE IF EXISTS changing")
        connection.execute("CREATE ROLE changing LOGIN PASSWORD 'first'")
    url = f"postgresql+psycopg://changing:first@127.0.0.1:{postgres.port}/postgres"
    database = Database(url)
    try:
        database.ready()
        with postgres.connect() as connection:
            connection.execute("ALTER ROLE changing PASSWORD 'second'")
        database.close()
        with pytest.raises(TransientError, match="refuses the service's user or password") as refused:
            database.ready()
        assert refused.value.error_code == "database_refused"
        assert refused.value.public_message == "the job database refuses the service's user or password"
    finally:
        database.close()


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    with running_seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


def test_a_store_that_refuses_is_told_at_once(
    tmp_path: Path, seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = {"SYNDB_RESULTS_URL": "s3://lab/results", "SYNDB_S3_ENDPOINT_URL": seaweed.endpoint}
    wrong = {**seaweed.keys.environment(), "AWS_SECRET_ACCESS_KEY": SECRET}
    log = ended(tmp_path, "up", "--port", "0", **place, **wrong)
    assert "the result store answers 403 (SignatureDoesNotMatch): the credentials are wrong" in log
    log = ended(
        tmp_path,
        "up",
        "--port",
        "0",
        **place | {"SYNDB_RESULTS_URL": "s3://none/x"},
        **wrong | seaweed.keys.environment(),
    )
    assert "the result store has no bucket 'none'" in log


@pytest.mark.parametrize("days", [2, -2])
def test_a_clock_that_s3_does_not_take_is_told_as_the_clock(
    seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """It answers 403 then, as it does where rights are missing."""
    real = botocore.auth.get_current_datetime
    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda **given: real(**given) + timedelta(days=days)
    )
    for name, value in seaweed.keys.environment().items():
        monkeypatch.setenv(name, value)
    bucket = Bucket(
        parse_storage_url("s3://lab/clock", "SYNDB_RESULTS_URL"), "result store", seaweed.endpoint
    )
    with pytest.raises(BadSetting, match="the clock of this machine") as told:
        bucket.check()
    assert told.value.error_code == "clock_off"
    for call in (bucket.ready, lambda: bucket.put("a", b"1")):
        with pytest.raises(TransientError, match="the clock of this machine") as refused:
            call()
        assert refused.value.error_code == "clock_off"


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'eu-west-1'"),
        (301, "PermanentRedirect", "The bucket must be addressed using the specified endpoint."),
        (400, "IllegalLocationConstraintException", "incompatible for the region specific endpoint"),
    ],
)
def test_another_region_is_told(status: int, code: str, message: str) -> None:
    """The answers of Amazon's S3; the one of the tests knows no regions."""
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    told = at_start("result store", "lab", ClientError(answer, "ListObjectsV2"))
    assert "is in another region" in told.message
    assert told.hint == "Set AWS_REGION."


def test_the_distance_of_clocks_is_told() -> None:
    headers = {"date": "Mon, 01 Jan 2024 00:00:00 GMT"}
    answer: Any = {
        "Error": {"Code": "RequestTimeTooSkewed"},
        "ResponseMetadata": {"HTTPStatusCode": 403, "HTTPHeaders": headers},
    }
    told = at_start("result store", "lab", ClientError(answer, "ListObjectsV2"))
    assert "days ahead of that of the result store" in told.message


def test_a_clock_days_off_the_databases_is_told(tmp_path: Path, postgres: Postgres) -> None:
    """A database that believes to be two days ahead: its own clock, moved for one database."""
    name = f"clock_{time.monotonic_ns()}"
    url = postgres.make_database(name)
    moved = "SELECT pg_catalog.clock_timestamp() + interval '2 days'"
    with postgres.connect(name) as connection:
        connection.execute(
            f"CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $${moved}$$"  # type: ignore[call-overload]
        )
        connection.execute(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")  # type: ignore[call-overload]
    try:
        with running_service(tmp_path, "--no-demo-data", SYNDB_DATABASE_URL=url) as live:
            told = "the clock of this machine is 2.0 days behind that of the job database"
            assert told in (tmp_path / "up.log").read_text()
            assert away(live) == {"clock": f"{told} (clock_off)"}
    finally:
        postgres.drop_database(name)


def away(live: Live) -> dict[str, str]:
    """Name the parts that are not ready, and why."""
    parts = httpx.get(f"{live.url}/health/ready", timeout=120).json()["parts"]
    return {name: part["why"] for name, part in parts.items() if not part["ok"]}


@contextmanager
def disks(data_dir: Path) -> Iterator[dict[str, SmallDisk]]:
    """Mount a disk for each of the folders of an embedded service."""
    with (
        small_disk(data_dir, 24) as data,
        small_disk(data_dir / "results", 12) as results,
        small_disk(data_dir / "tmp", 8) as temporary,
    ):
        yield {"data": data, "results": results, "temporary": temporary}


def test_disks_that_are_full_small_or_read_only_are_told(tmp_path: Path) -> None:
    """On the card of who waits, by the service's readiness, and at the next start."""
    with disks(tmp_path / "data") as of:
        with running_service(tmp_path, "--no-demo-data", SYNDB_SWEEP_S="0.2") as live, live.http() as http:
            jobs = Jobs(http)
            assert away(live) == {}

            large = jobs.submit(LARGE)
            full = "the disk of the result store is full"

            def waits(job: dict[str, Any], why: str) -> bool:
                record = jobs.get(job["job_id"])
                return record["status"] == "pending" and record["progress"]["phase"] == f"waiting: {why}"

            wait_until(lambda: waits(large, full))
            assert "the disk of the result store is too full" in wait_until(lambda: away(live).get("results"))
            assert "store_full" in away(live)["results"]
            http.delete(f"/v1/jobs/{large['job_id']}").raise_for_status()

            with of["results"].full():
                wait_until(lambda: away(live).get("results") == f"{full} (store_full)")
            with of["temporary"].read_only():
                job = jobs.submit("SELECT 1 AS n")
                why = "temporary files can't be written (read-only file system)"
                wait_until(lambda: waits(job, why))
                wait_until(lambda: away(live).get("temporary_files") == f"{why} (temp_unavailable)")
            assert jobs.until(job, "completed")["progress"]["phase"] == "completed"
            with of["data"].full():
                told = "the disk of the job database is full (database_full)"
                wait_until(lambda: away(live).get("database") == told)
            token = live.token
        log = (tmp_path / "up.log").read_text()
        assert token not in log

        with of["temporary"].full():
            assert "the disk of the temporary files is full" in ended(tmp_path, "up", "--port", "0")
        with of["results"].full():
            assert "No space left on device" in ended(tmp_path, "up", "--port", "0")
        with of["results"].read_only():
            assert "the result store" in (log := ended(tmp_path, "up", "--port", "0"))
            assert "Read-only file system" in log
        with of["data"].full():
            assert "free space on its disk" in ended(tmp_path, "up", "--port", "0")


def test_a_full_disk_of_postgresql_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its server has room for small rows for a while: it is full from the first row on that it refuses."""
    above = [folder for folder in tmp_path.parents if Path(tempfile.gettempdir()) in folder.parents]
    for folder in (tmp_path, *above):
        folder.chmod(0o755)
    with small_disk(tmp_path / "disk", 160) as disk:
        disk.path.chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", str(disk.path))
        with running_postgres() as server:
            database = Database(server.url)
            with database.write() as connection:
                connection.execute(text("CREATE TABLE rows (content TEXT)"))
            some = "INSERT INTO rows SELECT repeat(md5(random()::text), 200) FROM generate_series(1, 50)"

            def write_on() -> None:
                for _ in range(10_000):
                    with database.write() as connection:
                        connection.execute(text(some))

            with disk.full(), pytest.raises(TransientError, match="the disk of the job database is full"):
                write_on()
            with pytest.raises(TransientError, match="the disk of the job database is full") as refused:
                database.ready()
            assert refused.value.error_code == "database_full"
            database.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a service as another user")
def test_folders_of_another_owner_are_told() -> None:
    """Root may write everywhere; so the service runs as nobody."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is missing: apt-get install util-linux")
    folder = Path(os.path.realpath("/var/tmp")) / f"syndb-owner-{time.monotonic_ns()}"
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    looks = [*as_nobody, sys.executable, "-c", "import syndb_service"]
    if subprocess.run(looks, check=False, capture_output=True).returncode:
        pytest.skip("nobody can't read this checkout or its Python")
    data = folder / "data"
    environment = isolated_environment(folder, **HOUR, HOME=str(folder))
    up = [*as_nobody, sys.executable, "-m", "syndb_service", "up", "--port", "0", "--data-dir", str(data)]
    try:
        (data / "results").mkdir(parents=True)
        for owner, told in ((0, "the data folder"), (65534, "the result store")):
            os.chown(data, owner, owner)
            done = subprocess.run(
                up, env=environment, capture_output=True, text=True, timeout=WAIT_S, check=False
            )
            assert done.returncode == 1
            assert told in done.stderr
            assert "Permission denied" in done.stderr
            assert "Traceback" not in done.stderr
    finally:
        shutil.rmtree(folder, ignore_errors=True)
