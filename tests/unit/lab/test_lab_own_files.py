"""Files with several writers."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any

import pytest

from syndb_lab import history, journal
from syndb_lab.tokens import keep_token, kept_token
from tests.unit.lab.pretence import job_record

WRITERS, WRITTEN = 3, 15


def write_tokens(writer: int) -> None:
    for number in range(WRITTEN):
        keep_token(f"https://s{writer}-{number}.example.edu", "token")


def write_history(writer: int) -> None:
    for number in range(WRITTEN):
        history.remember({"sql": f"SELECT '{writer}-{number}'", "at": "now"})


def write_journal(writer: int) -> None:
    journal.KEPT = WRITERS * WRITTEN  # type: ignore[misc]
    for number in range(WRITTEN):
        journal.note(job_record(label=f"{writer}-{number} {'x' * 100}"), "http://service")


@pytest.mark.parametrize(
    ("write", "read"),
    [
        (write_tokens, lambda writer, number: kept_token(f"https://s{writer}-{number}.example.edu")),
        (write_history, lambda writer, number: f"'{writer}-{number}'" in str(history.remembered())),
        (
            write_journal,
            lambda writer, number: any(
                entry.title.startswith(f"{writer}-{number} ") for entry in journal.entries()
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


def test_a_line_that_was_cut_off_costs_that_line_alone() -> None:
    journal.note(job_record(label="first"), "http://service")
    file = journal.journal_file()
    file.write_text(file.read_text() + '{"job_id": "0a6e')
    journal.note(job_record(label="second"), "http://service")
    assert [entry.title for entry in journal.entries()] == ["second", "first"]
