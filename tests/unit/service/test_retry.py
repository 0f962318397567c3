"""Which calls are made again, how often, and what is raised at the end."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dramatiq.errors import BrokerConnectionError

from syndb_service.broker import factory as opening
from syndb_service.container import NOT_RETRIED, open_with_retry
from syndb_service.errors import BadSetting, TransientError
from syndb_service.retry import retry_until_available, retry_until_stopped, retry_with_pauses
from syndb_service.s3 import retry as patience
from syndb_service.s3.errors import S3Unavailable
from syndb_service.settings import Settings


class Calls:
    """Fails so many times with an error, and then returns how many calls were made."""

    def __init__(self, errors: int, error: Exception, then: Callable[[], None] = lambda: None) -> None:
        self.made, self._errors, self._error, self._then = 0, errors, error, then

    def __call__(self) -> int:
        self.made += 1
        self._then()
        if self.made <= self._errors:
            raise self._error
        return self.made


@pytest.mark.parametrize(("errors", "made"), [(0, 1), (2, 3), (3, 4)])
def test_a_short_outage_is_gone_through(errors: int, made: int) -> None:
    assert retry_with_pauses(Calls(errors, OSError("away")), OSError, (0, 0, 0.001), 60) == made


def test_a_longer_outage_raises_its_own_error_after_the_last_pause() -> None:
    calls = Calls(9, OSError("away"))
    with pytest.raises(OSError, match="away"):
        retry_with_pauses(calls, OSError, (0, 0, 0.001), 60)
    assert calls.made == 4


def test_what_refuses_is_asked_once() -> None:
    calls = Calls(9, ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        retry_with_pauses(calls, OSError, (0, 0), 60)
    assert calls.made == 1


def test_no_pause_goes_beyond_the_deadline() -> None:
    calls = Calls(9, OSError("away"))
    with pytest.raises(OSError, match="away"):
        retry_with_pauses(calls, OSError, (0, 3600, 3600), 60)
    assert calls.made == 2


def test_no_call_is_made_once_the_process_is_to_end() -> None:
    stopping = threading.Event()
    calls = Calls(9, TransientError("away"), stopping.set)
    with pytest.raises(TransientError, match="away"):
        retry_until_stopped(calls, stopping, 3600)
    assert calls.made == 1


def test_an_outage_is_waited_for_while_the_process_runs() -> None:
    assert retry_until_stopped(Calls(3, TransientError("away")), threading.Event(), 0.001) == 4


def test_each_error_is_reported_before_its_pause() -> None:
    reported: list[BaseException] = []
    error = OSError("away")
    calls = Calls(2, error)
    made = retry_until_available(calls, 60, 0.001, is_retried=lambda _: True, on_error=reported.append)
    assert (made, reported) == (3, [error, error])


def settings(tmp_path: Path, wait_s: float) -> Settings:
    return Settings(data_dir=tmp_path, wait_s=wait_s)


def test_what_never_comes_ends_the_start_with_what_to_do(tmp_path: Path) -> None:
    calls = Calls(9, TransientError("the database is away", code="unavailable"))
    with pytest.raises(BadSetting, match="the database is away") as caught:
        open_with_retry(settings(tmp_path, 0), calls)
    assert (calls.made, caught.value.error_code) == (1, "unavailable")
    assert "SYNDB_WAIT_S" in str(caught.value.hint)


def test_what_somebody_has_to_mend_is_not_waited_for(tmp_path: Path) -> None:
    calls = Calls(
        9, TransientError("the password is wrong", code=next(iter(NOT_RETRIED)), hint="Correct it.")
    )
    started = time.monotonic()
    with pytest.raises(BadSetting, match="the password is wrong") as caught:
        open_with_retry(settings(tmp_path, 3600), calls)
    assert (calls.made, caught.value.hint) == (1, "Correct it.")
    assert time.monotonic() - started < 3600


def test_a_store_that_is_away_is_tried_again_and_one_that_refuses_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "PAUSES_S", (0, 0.001))
    assert patience.retry_during_outage(Calls(2, S3Unavailable("away"))) == 3
    calls = Calls(9, TransientError("it refuses"))
    with pytest.raises(TransientError, match="refuses"):
        patience.retry_during_outage(calls)
    assert calls.made == 1


class Broker:
    """Stands for a broker that is away at first."""

    location = "at nowhere"

    def __init__(self, away: int) -> None:
        self.ping = Calls(away, BrokerConnectionError("no route"))


def test_a_broker_is_waited_for_at_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(opening, "RETRY_S", 0.001)
    broker: Any = Broker(3)
    opening._await(broker, 60)
    assert broker.ping.made == 4
    assert [record.levelname for record in caplog.records if "waiting up to" in record.message] == ["WARNING"]
    with pytest.raises(TransientError, match="the broker is unavailable: at nowhere") as caught:
        opening._await(Broker(9), 0)  # type: ignore[arg-type]
    assert caught.value.error_code == "broker_unavailable"
