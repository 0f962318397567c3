"""Every text that a user, an engine or another service can make long is cut, and says how long it was."""

from __future__ import annotations

import json
import logging
import socket
from typing import Any

import duckdb
import pytest

from syndb_service import audit as audit_module
from syndb_service.api.problem_details import problem_body
from syndb_service.domain.jobs import Failure, Progress
from syndb_service.domain.result_parts import FilePart
from syndb_service.errors import InvalidQuery, InvalidRequest
from syndb_service.isolation.channel import ChildChannel, FrameType
from syndb_service.logs import JsonLines, TextLines
from syndb_service.sql.engine_errors import translate_engine_error
from syndb_service.text.truncation import shorten_columns

LONG = "é" * 4_000_000


def test_failures_and_progress() -> None:
    failed = Failure("invalid_query", LONG, LONG)
    assert len(failed.message) == 2_000
    assert failed.message.endswith("… [4,000,000 characters]")
    assert len(failed.hint or "") == 1_000
    assert len(Progress(LONG).phase) == 200


def test_errors_of_the_engine() -> None:
    said = f"Invalid Input Error: {LONG} /srv/data/secret/file"
    refused = translate_engine_error(duckdb.Error(said), "SELECT error('…')", None, ["/srv/data/secret"])
    assert len(refused.message) == 2_000
    assert "4,000,0" in refused.message
    assert "secret" not in refused.message
    assert len(Failure.from_error(InvalidQuery(LONG, hint=LONG)).message) == 2_000


def test_answers() -> None:
    body = problem_body(InvalidRequest(LONG, hint=LONG))
    assert len(body["detail"]) == 2_000
    assert len(body["hint"]) == 1_000


def test_columns_of_a_record() -> None:
    ((name, kind),) = shorten_columns([[LONG, LONG]])
    assert (len(name), len(kind)) == (256, 512)
    wide = shorten_columns([[LONG[:300], LONG[:600], LONG[:600]]] * 4_096)
    assert sum(map(len, (text for column in wide for text in column))) < 1024**2
    part = FilePart.from_dict(
        {
            "name": "a",
            "format": "arrow",
            "start": 0,
            "bytes": 1,
            "rows": 1,
            "sha256": "",
            "columns": [[LONG, "x"]],
        }
    )
    assert len(part.columns[0][0]) == 256


@pytest.mark.parametrize("formatter", [TextLines("%(message)s"), JsonLines()])
def test_log_lines(formatter: logging.Formatter) -> None:
    try:
        raise ValueError(LONG)
    except ValueError as error:
        failed: Any = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "", 1, LONG, (), failed)
    record.hint = LONG
    assert len(formatter.format(record)) < 60_000


def test_audit(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, audit_module.AUDIT):
        audit_module.audit("ann", "POST /v1/jobs", "refused", code=LONG)
    assert len(caplog.records[-1].getMessage()) < 400


def test_a_child_that_sends_a_longer_frame_than_any_counts_as_gone() -> None:
    ours, theirs = socket.socketpair()
    child, service = ChildChannel(theirs), ChildChannel(ours, longest=1_000)
    child.send(FrameType.PROGRESS, {"phase": "x"})
    assert service.receive() == [(FrameType.PROGRESS, json.dumps({"phase": "x"}).encode())]
    child.send(FrameType.FAILURE, {"message": "x" * 2_000})
    assert service.receive() == []
    assert service.ended
    child.close()
    service.close()
