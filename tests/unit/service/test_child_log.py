"""What a child writes to its standard error becomes a record of the service's own log."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from syndb_service.isolation.child_log import relay
from syndb_service.logs import JsonLines
from tests.support.waiting import WAIT_S, wait_until

CHILD = """
import logging, os
from syndb_service.isolation.child_log import log_to_parent
log_to_parent("6e1f")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("syndb_service.child.main").exception("a %s task failed", "query")
os.write(2, b"terminate called: no JSON \\xff\\n")
os.write(2, b'{"no": "record of ours"}\\n')
"""


def test_records_cross_with_their_job_and_anything_else_as_it_is(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD], stderr=subprocess.PIPE, cwd=tmp_path)
    assert child.stderr is not None
    relay(child.stderr)
    child.wait(WAIT_S)
    wait_until(lambda: len(caplog.records) >= 3)
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    failed, foreign, other = lines
    assert (failed["logger"], failed["level"], failed["job_id"]) == (
        "syndb_service.child.main",
        "ERROR",
        "6e1f",
    )
    assert failed["message"].startswith("a query task failed\nTraceback")
    assert "ZeroDivisionError" in failed["message"]
    assert foreign["message"] == "terminate called: no JSON \ufffd"
    assert other["message"] == '{"no": "record of ours"}'


def test_refusals_and_failed_threads_are_records_too() -> None:
    script = """
import sys, threading, warnings
from syndb_service.logs import report_fatal_error, start_logging
start_logging("INFO", sys.argv[1])
report_fatal_error("there is no broker", "Start one.")
warnings.warn("old")
threading.Thread(target=lambda: 1 / 0, name="pulse").start()
raise ValueError("at the end")
"""
    told = subprocess.run([sys.executable, "-c", script, "json"], capture_output=True, text=True).stderr
    refusal, warned, thread, end = (json.loads(line) for line in told.splitlines())
    assert (refusal["message"], refusal["hint"]) == ("there is no broker", "Start one.")
    assert "old" in warned["message"]
    assert (thread["message"], "ZeroDivisionError" in thread["error"]) == ("the thread pulse failed", True)
    assert "at the end" in end["error"]
    plain = subprocess.run([sys.executable, "-c", script, "text"], capture_output=True, text=True).stderr
    assert plain.startswith("syndb-lab: there is no broker\nStart one.\n")
