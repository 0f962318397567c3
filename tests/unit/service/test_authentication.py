"""For how long an access token is taken for known, and how many are."""

from types import SimpleNamespace
from typing import Any

import pytest

from syndb_service.auth import authenticator
from syndb_service.auth.authenticator import Authenticator


class Tokens:
    """Stands for what verifies access tokens and what keeps users: it counts what it is asked."""

    def __init__(self, now: list[float], lasts_s: float) -> None:
        self.verified, self._now, self._lasts_s = 0, now, lasts_s

    def verify(self, token: str) -> Any:
        self.verified += 1
        expires_at = self._now[0] + self._lasts_s
        return SimpleNamespace(user=token, issuer="i", affiliation=None, groups=(), expires_at=expires_at)

    def record(self, *_: object, **__: object) -> None:
        """Take what a token says."""

    def principal(self, user: str) -> str:
        return user


def verifications(monkeypatch: pytest.MonkeyPatch, lasts_s: float, steps: list[tuple[str, float]]) -> int:
    now = [1000.0]
    monkeypatch.setattr(authenticator.time, "time", lambda: now[0])
    tokens: Any = Tokens(now, lasts_s)
    asked = Authenticator(tokens, tokens, tokens, 1)
    for token, after_s in steps:
        now[0] += after_s
        assert asked.principal(token) == token
    return int(tokens.verified)


def test_a_token_is_known_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    assert verifications(monkeypatch, 3600, [("a.b.c", 0), ("a.b.c", 59)]) == 1
    assert verifications(monkeypatch, 3600, [("a.b.c", 0), ("a.b.c", 60)]) == 2
    assert verifications(monkeypatch, 3600, [("a.b.c", 0), ("d.e.f", 1), ("a.b.c", 1)]) == 2


def test_and_no_longer_than_it_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    assert verifications(monkeypatch, 10, [("a.b.c", 0), ("a.b.c", 9)]) == 1
    assert verifications(monkeypatch, 10, [("a.b.c", 0), ("a.b.c", 10)]) == 2


def test_only_so_many_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authenticator, "MAX_CACHED", 2)
    steps = [("a.b.c", 0.0), ("d.e.f", 0.0), ("g.h.i", 0.0), ("a.b.c", 0.0)]
    assert verifications(monkeypatch, 3600, steps) == 4
