"""The time of another machine, kept by this one's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from syndb_service.store import database_clock as module
from syndb_service.store.database_clock import MAX_AGE_S, DatabaseClock

START = datetime(2026, 1, 1, tzinfo=UTC)


class Machines:
    """Two machines whose clocks run alike; asking the other one takes the seconds of both ``ways``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here, self.ahead, self.ways, self.asked = 100.0, 0.0, (0.0, 0.0), 0
        monkeypatch.setattr(module, "since_boot", lambda: self.here)

    def ask(self) -> datetime:
        self.asked += 1
        self.here += self.ways[0]
        moment = START + timedelta(seconds=self.here + self.ahead)
        self.here += self.ways[1]
        return moment

    def off(self, told: datetime) -> float:
        return (told - START).total_seconds() - self.here - self.ahead


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> Machines:
    return Machines(monkeypatch)


def test_it_is_asked_once_in_a_while(machines: Machines) -> None:
    clock = DatabaseClock(machines.ask)
    for _ in range(10):
        assert machines.off(clock.now()) == pytest.approx(0, abs=1e-6)
        machines.here += MAX_AGE_S / 10.5
    assert machines.asked == 1
    machines.here += MAX_AGE_S
    assert machines.off(clock.now()) == pytest.approx(0, abs=1e-6)
    assert machines.asked == 2


def test_it_errs_by_half_the_way_at_most(machines: Machines) -> None:
    machines.ways = (0.4, 0.0)
    assert machines.off(DatabaseClock(machines.ask).now()) == pytest.approx(0.2, abs=1e-6)


def test_a_slow_answer_does_not_shift_it(machines: Machines) -> None:
    clock = DatabaseClock(machines.ask)
    clock.now()
    machines.here, machines.ways = machines.here + 2 * MAX_AGE_S, (0.0, 0.4)
    assert machines.off(clock.now()) == pytest.approx(0, abs=1e-6)


def test_a_clock_that_was_set_is_followed(machines: Machines) -> None:
    clock = DatabaseClock(machines.ask)
    clock.now()
    machines.ahead = 3600.0
    machines.here += 2 * MAX_AGE_S
    assert machines.off(clock.now()) == pytest.approx(0, abs=1e-6)
