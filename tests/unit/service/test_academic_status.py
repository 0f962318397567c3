"""Standings end by themselves, and groups are whose word they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from syndb_service.store import Database, GroupStore, TokenStore
from syndb_service.store.upgrade import upgrade

ISSUER = "https://login.example.edu"
ADA = f"{ISSUER}#ada"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    upgrade(found)
    yield found
    found.close()


def test_a_standing_holds_for_so_many_days(database: Database) -> None:
    people = GroupStore(database)
    people.record(ADA, ISSUER, affiliation="staff@example.edu", groups=None)
    held, over = TokenStore(database, academic_days=365), TokenStore(database, academic_days=1e-9)
    token = held.create(ADA, academic=False)
    principal = held.verify(token)
    assert principal.academic
    assert principal.standing is not None
    assert (principal.standing.issuer, principal.standing.affiliation) == (ISSUER, "staff@example.edu")
    assert not over.verify(token).academic
    assert [each.academic for each in (*held.list(), *over.list())] == [True, False]
    assert over.verify(token).standing is None
    people.record(ADA, ISSUER, affiliation=None, groups=None)
    assert not held.verify(token).academic


def test_an_operator_s_word_needs_no_issuer(database: Database) -> None:
    tokens = TokenStore(database, academic_days=365)
    assert tokens.verify(tokens.create("ada", academic=True)).academic
    assert not tokens.verify(tokens.create("ada", academic=False)).academic


def test_a_login_replaces_the_issuer_s_groups_alone(database: Database) -> None:
    people = GroupStore(database)
    people.add("by-hand", ADA)
    people.record(ADA, ISSUER, affiliation=None, groups=["a", "b"])
    assert people.groups_of(ADA) == {"by-hand", "a", "b"}
    people.record(ADA, ISSUER, affiliation=None, groups=["b", "c"])
    assert people.groups_of(ADA) == {"by-hand", "b", "c"}
    people.record(ADA, ISSUER, affiliation=None, groups=None)
    assert people.groups_of(ADA) == {"by-hand", "b", "c"}
    assert people.groups_of("somebody else") == frozenset()
