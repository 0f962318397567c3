"""Files with several writers."""

from __future__ import annotations

import multiprocessing
import os
import pwd
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syndb_lab.connection.local_service import default_data_dir
from syndb_lab.http.service_tokens import load_token, save_token, token_file
from syndb_lab.magics.line_commands import journal_listing
from syndb_lab.notebook.composer.draft_store import draft_file, load_draft
from syndb_lab.results.cache import ResultCache
from syndb_lab.user_data import job_journal, query_history
from tests.support.lab_fakes import JOB_ID, job_record

WRITERS, WRITTEN = 3, 15


def write_tokens(writer: int) -> None:
    for number in range(WRITTEN):
        save_token(f"https://s{writer}-{number}.example.edu", "token")


def write_history(writer: int) -> None:
    for number in range(WRITTEN):
        query_history.add_to_history({"sql": f"SELECT '{writer}-{number}'", "at": "now"})


def write_journal(writer: int) -> None:
    job_journal.MAX_ENTRIES = WRITERS * WRITTEN  # type: ignore[misc]
    for number in range(WRITTEN):
        job_journal.record_job(job_record(label=f"{writer}-{number} {'x' * 100}"), "http://service")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("write", "read"),
    [
        (write_tokens, lambda writer, number: load_token(f"https://s{writer}-{number}.example.edu")),
        (write_history, lambda writer, number: f"'{writer}-{number}'" in str(query_history.load_history())),
        (
            write_journal,
            lambda writer, number: any(
                entry.title.startswith(f"{writer}-{number} ") for entry in job_journal.entries()
            ),
        ),
    ],
)
def test_writers_that_coincide_lose_nothing(
    write: Callable[[int], None], read: Callable[[int, int], Any]
) -> None:
    processes = [
        multiprocessing.get_context("fork").Process(target=write, args=(writer,)) for writer in range(WRITERS)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    lost = [
        (writer, number) for writer in range(WRITERS) for number in range(WRITTEN) if not read(writer, number)
    ]
    assert lost == []


@pytest.mark.parametrize("before", ["none", "ours", "open to others", "a link"])
def test_a_user_without_a_home_has_folders_all_the_same(
    before: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container that runs as any number of a user."""
    for name in ("CACHE", "STATE", "DATA"):
        monkeypatch.delenv(f"XDG_{name}_HOME")
    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    usual = tmp_path / f"syndb-lab-{os.getuid()}"
    if before == "a link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        usual.symlink_to(tmp_path / "elsewhere")
    elif before != "none":
        usual.mkdir(mode=0o700 if before == "ours" else 0o777)
        usual.chmod(0o700 if before == "ours" else 0o777)
    save_token("https://s.example.edu", "token")
    job_journal.record_job(job_record(label="first"), "http://service")
    assert load_token("https://s.example.edu") == "token"
    assert [entry.title for entry in job_journal.entries()] == ["first"]
    found = {token_file(), query_history.history_file(), ResultCache().folder, default_data_dir()}
    assert all(one.is_relative_to(usual) for one in found) is (before in ("none", "ours"))
    assert all(one.is_relative_to(tmp_path) and one.parents[1].stat().st_mode & 0o077 == 0 for one in found)


STRANGE = [
    *(b"null", b"5", b'"x"', b"[1, 2]", b"NaN", b"[" * 100_000, b"1" * 5_000, b"\xff\xfe{}", b"\r", b"\x00"),
    b'{"job_id": 5, "url": null, "created_at": [], "title": {}, "sql": 5, "at": null}',
    b'{"job_id": "0a6e", "url": "u", "created_at": ["x"], "title": "t", "sql": "x", "kind": ["x"]}',
    b'{"job_id": "0a6e2f2e", "url": "u", "created_at": "x", "title": "\\ud800 \\u001b[31m", "sql": {}}',
    b'{"draft": {"sql": 5}, "given": 5}',
    b'{"job_id": "0a6e',
]


@pytest.mark.parametrize("strange", STRANGE, ids=lambda line: ascii(line[:20]))
def test_a_line_of_anything_costs_that_line_alone(strange: bytes) -> None:
    for label in ("first", "second"):
        query_history.add_to_history({"sql": label, "at": "now"})
        job_journal.record_job(job_record(label=label), "http://service")
        for file in (query_history.history_file(), job_journal.journal_file()):
            file.write_bytes(file.read_bytes() + strange + b"\n")
    found = [entry for entry in job_journal.written_out(JOB_ID[:8]) if entry.job_id == JOB_ID]
    assert [entry.title for entry in found] == ["second", "first"]
    drafts = [draft.get("sql") for draft in query_history.load_history()]
    assert all(isinstance(sql, str | None) for sql in drafts)
    assert [sql for sql in drafts if sql in ("first", "second")] == ["second", "first"]
    listed = journal_listing(job_journal.entries())
    assert "\x1b" not in repr(listed) + listed._repr_html_()
    file = draft_file("a cell")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(strange)
    load_draft("a cell")
    token_file().write_bytes(strange)
    assert load_token("https://s.example.edu") is None
    save_token("https://s.example.edu", "token")
    assert load_token("https://s.example.edu") == "token"


def test_a_line_that_was_cut_off_costs_that_line_alone() -> None:
    job_journal.record_job(job_record(label="first"), "http://service")
    file = job_journal.journal_file()
    file.write_text(file.read_text() + '{"job_id": "0a6e')
    job_journal.record_job(job_record(label="second"), "http://service")
    assert [entry.title for entry in job_journal.entries()] == ["second", "first"]
