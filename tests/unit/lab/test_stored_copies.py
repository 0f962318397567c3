"""The copy that a user gets of a file in the service's own folder: theirs, whole, and not hashed again."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from syndb_lab.results import download
from syndb_lab.results.cache import StoredFile, copy_stored

BYTES = os.urandom(100_003)


@pytest.fixture
def stored(tmp_path: Path) -> StoredFile:
    file = tmp_path / "stored"
    file.write_bytes(BYTES)
    os.utime(file, (1e9, 1e9))
    return StoredFile(file, file.stat())


def cannot(*_: object) -> int:
    raise OSError(errno.EXDEV, "these file systems can't")


@pytest.mark.parametrize("way", ["in the kernel", "by hand"])
def test_the_copy_is_whole_and_of_its_own(
    tmp_path: Path, stored: StoredFile, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "COPIED_BYTES", 30_000)
    monkeypatch.setattr(download, "CHUNK_BYTES", 30_000)
    monkeypatch.setattr(download, "shares_blocks", lambda *_: False)
    if way == "by hand":
        monkeypatch.setattr(os, "copy_file_range", cannot)
    target, told = tmp_path / "copy", list[int]()
    assert copy_stored(stored, target, told.append)
    assert target.read_bytes() == BYTES
    assert (told[-1], len(told)) == (len(BYTES), 4)
    with target.open("r+b") as file:
        file.write(b"mine")
    assert stored.file.read_bytes() == BYTES


def test_what_the_service_has_just_checked_is_not_hashed_again(
    tmp_path: Path, stored: StoredFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the file was hashed")

    monkeypatch.setattr(hashlib, "sha256", refuse)
    monkeypatch.setattr(hashlib, "file_digest", refuse)
    assert copy_stored(stored, tmp_path / "copy", None)


@pytest.mark.parametrize("change", ["written", "replaced", "cut", "gone"])
def test_a_file_that_changes_while_it_is_copied_is_not_taken(
    tmp_path: Path, stored: StoredFile, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strike(*arguments: object) -> bool:
        if change == "written":
            with stored.file.open("r+b") as file:
                file.write(b"x")
        if change == "cut":
            os.truncate(stored.file, 10)
        return False

    if change == "replaced":
        other = tmp_path / "other"
        other.write_bytes(BYTES[::-1])
        os.utime(other, (1e9, 1e9))
        other.replace(stored.file)
    if change == "gone":
        stored.file.unlink()
    monkeypatch.setattr(download, "shares_blocks", strike)
    assert not copy_stored(stored, tmp_path / "copy", None)
