"""The test servers themselves: what they accepted is there after a kill, and nothing of them stays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pika
import psycopg
import pytest
import redis

from tests.support.servers.postgres import Postgres, running_postgres
from tests.support.servers.rabbitmq import Rabbitmq
from tests.support.servers.redis import Redis, running_redis
from tests.support.servers.server import Server, state
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]


def test_postgres_keeps_a_commit_when_it_is_killed(postgres: Postgres) -> None:
    postgres.make_database("kept")
    with postgres.connect("kept") as connection:
        connection.execute("CREATE TABLE t (n int)")
        connection.execute("INSERT INTO t VALUES (1)")
    postgres.kill()
    with pytest.raises(psycopg.OperationalError):
        postgres.connect()
    postgres.start()
    with postgres.connect("kept") as connection:
        assert connection.execute("SELECT n FROM t").fetchall() == [(1,)]
    postgres.drop_database("kept")


def test_postgres_cuts_connections(postgres: Postgres) -> None:
    with postgres.connect() as victim:
        assert postgres.cut_connections() == 1
        with pytest.raises(psycopg.OperationalError):
            victim.execute("SELECT 1")


def test_redis_keeps_what_it_accepted_when_it_is_killed(redis_server: Redis) -> None:
    with redis_server.client() as client:
        client.set("kept", "1")
    redis_server.kill()
    with redis_server.client() as client, pytest.raises(redis.ConnectionError):
        client.ping()
    redis_server.start()
    with redis_server.client() as client:
        assert client.get("kept") == b"1"
    redis_server.wipe()


def test_rabbitmq_keeps_what_it_confirmed_when_it_is_killed(rabbitmq: Rabbitmq) -> None:
    with rabbitmq.connect() as connection:
        connection.channel().queue_declare("kept", durable=True)
    rabbitmq.stop()  # a queue is on disk some seconds after it was declared; its messages are when confirmed
    rabbitmq.start()
    channel = rabbitmq.connect().channel()
    channel.confirm_delivery()
    channel.basic_publish("", "kept", b"1", pika.BasicProperties(delivery_mode=2), mandatory=True)
    rabbitmq.kill()
    rabbitmq.start()
    with rabbitmq.connect() as connection:
        assert connection.channel().basic_get("kept", auto_ack=True)[2] == b"1"
    rabbitmq.wipe("kept")


@pytest.mark.parametrize("name", ["postgres", "redis_server", "rabbitmq"])
def test_a_server_that_is_stopped_starts_again(name: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(name)
    server.stop()
    assert not server.running
    assert not server.answers()
    server.start()
    assert server.answers()


def test_a_paused_server_is_there_and_silent(redis_server: Redis) -> None:
    redis_server.pause()
    try:
        with redis_server.client() as client:
            client.connection_pool.connection_kwargs["socket_timeout"] = 0.2
            with pytest.raises(redis.TimeoutError):
                client.ping()
    finally:
        redis_server.resume()
    assert redis_server.answers()


def test_all_of_postgres_is_paused(postgres: Postgres) -> None:
    pids = postgres.pids()
    assert len(pids) > 3
    postgres.pause()
    try:
        assert {state(pid) for pid in pids} == {"T"}
    finally:
        postgres.resume()
    assert postgres.answers()


def test_nothing_of_a_server_stays(tmp_path: Path) -> None:
    with running_postgres() as postgres, running_redis(tmp_path) as cache:
        pids = [pid for server in (postgres, cache) for pid in server.pids()]
        folder = postgres.folder
        assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not folder.exists()
    assert {state(pid) for pid in pids} <= {"", "Z"}


def test_servers_run_as_nobody_of_importance(postgres: Postgres) -> None:
    if os.geteuid() == 0:
        assert all(Path(f"/proc/{pid}").stat().st_uid != 0 for pid in postgres.pids())


@pytest.mark.usefixtures("redis_server")
def test_a_server_ends_with_the_tests_that_were_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from tests.support.servers.redis import running_redis\n"
        "with running_redis(Path(sys.argv[1])) as server: print(*server.pids(), flush=True); time.sleep(600)"
    )
    tests = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert tests.stdout is not None
    with tests.stdout:
        pids = [int(pid) for pid in tests.stdout.readline().split()]
        assert pids
        tests.kill()
        tests.wait()
    wait_until(lambda: not {state(pid) for pid in pids} - {"", "Z"})
