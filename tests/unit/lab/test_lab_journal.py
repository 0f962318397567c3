"""The journal of job ids."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from syndb_lab.user_data import job_journal, query_history
from tests.support.lab_fakes import JOB_ID, job_record


def test_what_was_submitted_is_found_again() -> None:
    job_journal.record_job(job_record(label="motor\nneurons"), "http://service")
    (entry,) = job_journal.entries()
    assert (entry.job_id, entry.url, entry.title) == (JOB_ID, "http://service", "motor neurons")
    assert job_journal.written_out(JOB_ID[:6]) == [entry]
    assert job_journal.written_out("0a") == []
    assert job_journal.journal_file().stat().st_mode & 0o077 == 0


def test_a_line_that_a_crash_cut_off_is_left_out() -> None:
    job_journal.record_job(job_record(), "http://service")
    with job_journal.journal_file().open("a") as file:
        file.write('{"job_id": "1"}\n[]\n{"job_id": "0a6e')
    assert [entry.job_id for entry in job_journal.entries()] == [JOB_ID]


def test_it_stays_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_journal, "MAX_ENTRIES", 3)
    for number in range(30):
        job_journal.record_job(job_record(label=f"{number:03} {'x' * 100}"), "http://service")
    assert job_journal.entries()[0].title.startswith("029")
    assert job_journal.journal_file().stat().st_size < 4000


def test_a_place_that_takes_no_file_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(job_journal, "journal_file", lambda: tmp_path / "file" / "journal.jsonl")
    job_journal.record_job(job_record(), "http://service")
    assert job_journal.entries() == []


@pytest.mark.slow
def test_no_locale_and_no_character_costs_a_line() -> None:
    odd = "🧠 é \u2028 \u0085 \x0b \ud800 end"
    code = (
        "from syndb_lab.user_data import query_history as history, job_journal as journal\n"
        f"odd = {odd!a}\n"
        "journal.record_job({'job_id': 'a', 'label': odd}, 'http://service')\n"
        "history.add_to_history({'sql': odd})\n"
        "print(ascii([journal.entries()[0].title, history.load_history()]))"
    )
    command = [sys.executable, "-X", "utf8=0", "-W", "ignore", "-c", code]
    with_latin = {**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    told = subprocess.run(command, env=with_latin, capture_output=True, check=True, text=True, timeout=120)
    assert ascii(odd) in told.stdout
    assert [one["sql"] for one in query_history.load_history()] == [odd]
    assert job_journal.entries()[0].title == " ".join(odd.split())
    for file in (job_journal.journal_file(), query_history.history_file()):
        assert json.loads(file.read_bytes().decode("ascii"))
