import io
import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from syndb_lab.display.progress import (
    LogLine,
    NotebookLine,
    SilentLine,
    TerminalLine,
    bar,
    describe,
    progress_line,
    readable_bytes,
    show_download,
)
from tests.support.lab_fakes import job_record

NOTHING: dict[str, Any] = {"phase": None, "fraction": None, "rows": None, "bytes": None, "elapsed_s": 0.0}
ENDED: dict[str, Any] = {"fraction": 1.0, "rows": 9, "bytes": 99, "elapsed_s": 1.5}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (job_record(queue_position=3), "pending · 3 in the queue · 2.0 s"),
        (job_record("running"), "running · 2.0 s"),
        (
            job_record("running", progress={"phase": "executing", "fraction": None}),
            "running · executing · 2.0 s",
        ),
        (
            job_record(
                "running", progress={"phase": "executing", "fraction": 0.42, "rows": 120000, "bytes": 9100000}
            ),
            "running · executing · ████████░░░░░░░░░░░░ 42 % · 120,000 rows · 9.1 MB · 2.0 s",
        ),
        (job_record("completed", result={"rows": 1, "bytes": 930}), "completed · 1 row · 930 B · 2.0 s"),
        (
            job_record("completed", started_at="2026-01-01T00:00:00Z", finished_at="2026-01-01T00:00:07.25Z"),
            "completed · 7.2 s",
        ),
        (job_record("failed", error={"message": "no\nmore"}), "failed · no · 2.0 s"),
        (job_record("cancelled", progress={"phase": "executing", "fraction": 0.5}), "cancelled · 2.0 s"),
        (
            job_record(progress={**NOTHING, "phase": "queued"}, queue_position=2),
            "pending · 2 in the queue · 2.0 s",
        ),
        (job_record(progress={**NOTHING, "phase": "queued", "elapsed_s": None}), "pending · 2.0 s"),
        (
            job_record("completed", progress=ENDED | {"phase": "completed"}, result={"rows": 3, "bytes": 12}),
            "completed · 3 rows · 12 B · 2.0 s",
        ),
        (
            job_record("failed", progress=ENDED | {"phase": "failed"}, error={"message": "no"}),
            "failed · no · 2.0 s",
        ),
        (job_record("cancelled", progress=ENDED | {"phase": "cancelled"}), "cancelled · 2.0 s"),
    ],
)
def test_a_line_says_what_is_known_and_no_more(record: dict[str, Any], line: str) -> None:
    assert describe(record, 2.0, columns=None) == f"{line} · job {record['job_id']}"


def test_a_service_that_is_away_is_said() -> None:
    assert "does not answer, still trying" in describe(
        job_record("running"), 2.0, unavailable="the service does not answer"
    )


@pytest.mark.parametrize(("part", "shown"), [(0, " 0 %"), (0.29, " 29 %"), (1, " 100 %"), (0.999, " 99 %")])
def test_a_bar_is_full_only_at_the_end(part: float, shown: str) -> None:
    assert bar(part).endswith(shown)
    assert bar(part).count("█") == int(part * 20)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_999, "1000.0 kB"),
        (10**9, "1.0 GB"),
        (10**13, "10000.0 GB"),
    ],
)
def test_sizes_read_well(size: int, text: str) -> None:
    assert readable_bytes(size) == text


def test_a_terminal_line_is_written_over() -> None:
    terminal = Terminal()
    line = TerminalLine(terminal)
    line.show("running a long line")
    line.show("short")
    line.end("done")
    assert terminal.getvalue().count("\n") == 1
    assert re.split(r"\r\x1b\[2K", terminal.getvalue()) == ["", "running a long line", "short", "done\n"]


def test_a_log_has_a_line_for_each_status() -> None:
    log = io.StringIO()
    line = LogLine(log)
    for text in ("pending · 0.1 s", "pending · 0.3 s", "running · 0.5 s", "running · 0.7 s"):
        line.show(text)
    line.end("completed · 0.8 s")
    assert log.getvalue().splitlines() == ["pending · 0.1 s", "running · 0.5 s", "completed · 0.8 s"]


def test_the_place_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(progress_line(stream=Terminal()), TerminalLine)
    assert isinstance(progress_line(stream=io.StringIO()), SilentLine)
    assert isinstance(progress_line(True, stream=io.StringIO()), LogLine)
    assert isinstance(progress_line(False, stream=Terminal()), SilentLine)
    kernel = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    assert isinstance(progress_line(), NotebookLine)


def test_a_notebook_has_one_output_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    handle = SimpleNamespace(update=lambda bundle, raw: shown.append(bundle["text/plain"]))

    def display(bundle: dict[str, str], raw: bool, display_id: bool) -> Any:
        shown.append(f"new: {bundle['text/plain']}")
        return handle

    monkeypatch.setattr("IPython.display.display", display)
    line = NotebookLine()
    for text in ("a", "a", "b"):
        line.show(text)
    line.end("c")
    line.end("c")
    assert shown == ["new: a", "b", "c"]


def test_a_long_download_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.5, 1.5, 1.6, 2.5, 3.0])
    monkeypatch.setattr("syndb_lab.display.progress.time.monotonic", lambda: next(clock))
    stream = io.StringIO()
    with show_download(9_100_000, LogLine(stream)) as tell:
        for here in (1_000_000, 3_000_000, 3_100_000, 8_000_000):
            tell(here)
    assert stream.getvalue() == "downloading · 3.0 MB of 9.1 MB\ndownloaded 9.1 MB in 3.0 s\n"


def test_what_a_job_waits_for_stays_in_a_line_that_is_too_long() -> None:
    phase = "waiting: the disk of the result store is full"
    record = job_record(queue_position=1, progress=NOTHING | {"phase": phase})
    record["job_id"] = "c1bca02f-1e7d-4e58-9ac1-b2f1c3f1613f"
    assert describe(record, 8.0, columns=80) == f"pending · {phase} · 8.0 s · job c1bca02f…"
