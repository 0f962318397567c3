"""Hostile SQL by class, each statement through the real service, with canaries on every side."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.sandbox.rig import Rig, statements

HOSTILE = statements("hostile.txt")


@pytest.fixture(scope="module", autouse=True)
def _nothing_changed(rig: Rig) -> Iterator[None]:
    before = rig.snapshot()
    yield
    assert rig.snapshot() == before
    assert rig.is_untouched()
    log = (rig.folder / "up.log").read_text()
    assert not rig.canaries.in_text(log)
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("must", "statement"),
    [(must, statement) for _, must, statement in HOSTILE],
    ids=[f"{group}-{statement[:60]}" for group, _, statement in HOSTILE],
)
def test_it_is_refused_or_harmless_and_nothing_leaks(rig: Rig, must: str, statement: str) -> None:
    first, said = rig.answer(statement)
    assert not rig.leaks(statement, said)
    if must == "R":
        assert (first.status_code, first.json()["code"]) == (400, "invalid_query")
        assert first.json()["detail"]
    elif must == "A":
        assert "'completed'" in said
    else:
        assert first.status_code in (202, 400, 403)


def test_the_list_covers_every_class() -> None:
    groups = {group for group, _, _ in HOSTILE}
    assert groups == {
        "file", "path", "write", "config", "ext", "net", "info", "indirect", "shadow", "acl",
        "newest",
    }  # fmt: skip
    assert len(HOSTILE) == len({statement for _, _, statement in HOSTILE})
