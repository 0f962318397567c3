"""Hints by way of real brokers that are killed, paused, wiped and started again."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syndb_service.broker import JobDispatcher, open_broker
from syndb_service.errors import BadSetting, TransientError
from tests.support.servers.broker import BrokerServer
from tests.support.waiting import WAIT_S, wait_until

ROOT = Path(__file__).resolve().parents[3]
SECRET = "not-for-logs"


class Taker:
    """A process that takes hints and holds them until its gate opens."""

    def __init__(self, folder: Path, name: str, url: str) -> None:
        self._taken = folder / f"{name}.taken"
        self._gate = folder / f"{name}.gate"
        self.log = folder / f"{name}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.support.job_message_consumer"),
                    *(url, str(self._taken), str(self._gate)),
                ],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def open(self) -> None:
        self._gate.touch()

    def taken(self) -> set[str]:
        return set(self._taken.read_text().split()) if self._taken.exists() else set()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def take(tmp_path: Path, broker_server: BrokerServer) -> Iterator[Callable[[str], Taker]]:
    """Start takers by name; they are killed afterwards."""
    with contextlib.ExitStack() as stack:

        def started(name: str) -> Taker:
            taker = Taker(tmp_path, name, broker_server.url)
            stack.callback(taker.kill)
            return taker

        yield started


@pytest.fixture
def hints(broker_server: BrokerServer) -> Iterator[JobDispatcher]:
    broker = open_broker(broker_server.url, wait_s=WAIT_S)
    hints = JobDispatcher(broker)
    yield hints
    hints.close()
    broker.close()


def names(count: int, prefix: str = "job") -> set[str]:
    return {f"{prefix}-{number}" for number in range(count)}


def test_hints_arrive_from_many_threads(hints: JobDispatcher, take: Callable[[str], Taker]) -> None:
    taker = take("taker")
    taker.open()
    sent: list[bool] = []
    threads = [
        threading.Thread(target=lambda n=n: sent.extend(hints.dispatch(f"{n}-{i}") for i in range(10)))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sent == [True] * 80
    wait_until(lambda: taker.taken() == {f"{n}-{i}" for n in range(8) for i in range(10)})
    hints.check()


def test_a_killed_broker_keeps_the_hints_it_accepted(
    hints: JobDispatcher, broker_server: BrokerServer, take: Callable[[str], Taker]
) -> None:
    assert all(hints.dispatch(name) for name in sorted(names(200)))
    broker_server.server.kill()
    broker_server.server.start()
    taker = take("taker")
    taker.open()
    wait_until(lambda: taker.taken() == names(200))


def test_a_broker_that_is_away_is_told_once_and_found_again(
    hints: JobDispatcher, broker_server: BrokerServer, caplog: pytest.LogCaptureFixture
) -> None:
    assert hints.dispatch("before")
    broker_server.server.kill()
    with caplog.at_level(logging.INFO, logger="syndb_service"):
        assert not any(hints.dispatch(name) for name in names(50))
        with pytest.raises(TransientError) as refusal:
            hints.check()
        assert [record for record in caplog.messages if "broker unavailable" in record] == caplog.messages
        assert len(caplog.messages) == 1
        broker_server.server.start()
        wait_until(lambda: hints.dispatch("after"))
        assert "available again" in caplog.messages[-1]
    assert refusal.value.error_code == "broker_unavailable"
    assert f"127.0.0.1:{broker_server.server.port}" in refusal.value.message
    assert SECRET not in caplog.text + refusal.value.message
    hints.check()
    assert broker_server.waiting() >= 2


def test_a_silent_broker_holds_nobody_up(hints: JobDispatcher, broker_server: BrokerServer) -> None:
    assert hints.dispatch("before")
    broker_server.server.pause()
    try:
        results: list[bool] = []
        senders = [
            threading.Thread(target=lambda: results.append(hints.dispatch("during"))) for _ in range(20)
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(WAIT_S)
        assert results == [False] * 20
        with pytest.raises(TransientError):
            hints.check()
    finally:
        broker_server.server.resume()
    wait_until(lambda: hints.dispatch("after"))


def test_a_wiped_broker_takes_hints_again(
    hints: JobDispatcher, broker_server: BrokerServer, take: Callable[[str], Taker]
) -> None:
    taker = take("taker")
    taker.open()
    assert hints.dispatch("before")
    wait_until(lambda: taker.taken() == {"before"})
    broker_server.wipe()
    wait_until(lambda: hints.dispatch("after"))
    # The queue is made anew by whoever comes first; a hint of that moment may be lost, and is sent again.
    wait_until(lambda: hints.dispatch("again") and "again" in taker.taken())


@pytest.mark.parametrize("how", ["kill", "stop", "pause"])
def test_a_taker_goes_on_when_the_broker_is_back(
    hints: JobDispatcher, broker_server: BrokerServer, take: Callable[[str], Taker], how: str
) -> None:
    taker = take("taker")
    taker.open()
    assert hints.dispatch("before")
    wait_until(lambda: taker.taken() == {"before"})
    getattr(broker_server.server, how)()
    wait_until(lambda: "connection error" in taker.log.read_text())
    if how == "pause":
        broker_server.server.resume()
    else:
        broker_server.server.start()
    wait_until(lambda: hints.dispatch("after"))
    wait_until(lambda: "after" in taker.taken())
    assert taker.process.poll() is None
    assert SECRET not in taker.log.read_text()


def test_a_killed_takers_hints_go_to_another(hints: JobDispatcher, take: Callable[[str], Taker]) -> None:
    first = take("first")
    assert all(hints.dispatch(name) for name in names(2))
    wait_until(lambda: first.taken() == names(2))
    first.kill()
    second = take("second")
    second.open()
    wait_until(lambda: second.taken() == names(2))


def test_a_busy_taker_hoards_no_hints(hints: JobDispatcher, take: Callable[[str], Taker]) -> None:
    busy = take("busy")
    assert all(hints.dispatch(name) for name in names(2))
    wait_until(lambda: busy.taken() == names(2))
    idle = take("idle")
    idle.open()
    assert hints.dispatch("another")
    wait_until(lambda: "another" in idle.taken())
    assert busy.taken() == names(2)


def test_a_broker_that_is_not_there_at_start_is_named(broker_server: BrokerServer) -> None:
    broker_server.server.stop()
    with pytest.raises(TransientError) as refusal:
        open_broker(broker_server.url, wait_s=0.5)
    assert refusal.value.error_code == "broker_unavailable"
    assert f"127.0.0.1:{broker_server.server.port} (Connection refused)" in refusal.value.message
    assert SECRET not in refusal.value.message
    open_broker(broker_server.url, wait_s=None).close()
    starting = threading.Thread(target=broker_server.server.start)
    starting.start()
    open_broker(broker_server.url, wait_s=WAIT_S).close()
    starting.join()


def test_a_wrong_password_is_a_bad_setting(broker_server: BrokerServer) -> None:
    with pytest.raises(BadSetting, match="refuses the user") as refusal:
        open_broker(broker_server.url.replace(SECRET, "guessed-wrong"), wait_s=WAIT_S)
    assert "guessed-wrong" not in refusal.value.message
