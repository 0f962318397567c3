"""The progress line of a job: updated in place in a terminal or notebook, line by line in a log."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Protocol, TextIO

from syndb_lab.text.terminal_text import cut_to_columns, escape_control_characters, shorten

BAR_CELLS = 20
TERMINAL_COLUMNS = 80
LONGEST_MESSAGE = 200
SHORT_ID = 8
SHORT_S = 1.0
REDRAW_S = 0.2


class ProgressLine(Protocol):
    """An output for a line of progress."""

    def show(self, line: str) -> None:
        """Replace the line."""

    def end(self, line: str) -> None:
        """Write the final line."""


class SilentLine:
    """An output that shows nothing."""

    def show(self, line: str) -> None:
        """Discard the line."""

    def end(self, line: str) -> None:
        """Discard the final line."""


class TerminalLine:
    """A line of a terminal that is overwritten.

    Parameters
    ----------
    stream : TextIO
        The terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    @property
    def columns(self) -> int:
        """The width of a line; a longer line would wrap and could not be overwritten."""
        with suppress(OSError, ValueError, AttributeError):
            if found := os.get_terminal_size(self.stream.fileno()).columns:
                return found - 1
        return shutil.get_terminal_size((TERMINAL_COLUMNS, 24)).columns - 1

    def show(self, line: str) -> None:
        """Overwrite the line, cut to the terminal's width."""
        self._write(cut_to_columns(escape_control_characters(" ".join(line.split())), self.columns))

    def end(self, line: str) -> None:
        """Overwrite the line a last time and move to the next one."""
        self._write(f"{escape_control_characters(line)}\n")

    def _write(self, line: str) -> None:
        self.stream.write(f"\r\x1b[2K{line}")
        self.stream.flush()


class LogLine:
    """A file or a pipe, to which a line is written for each new status, and the final line.

    Parameters
    ----------
    stream : TextIO
        The file.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._status = ""

    def show(self, line: str) -> None:
        """Write the line if its first word, the status, has changed."""
        status = line.partition(" ")[0]
        if status != self._status:
            self._status = status
            self.end(line)

    def end(self, line: str) -> None:
        """Write the line."""
        print(escape_control_characters(line), file=self.stream, flush=True)


class NotebookLine:
    """One output of a cell, updated in place; the last line stays in the saved notebook."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._line = ""

    def show(self, line: str) -> None:
        """Replace the output if the line has changed."""
        line = escape_control_characters(line)
        if line == self._line:
            return
        self._line = line
        bundle = {"text/plain": line}
        if self._handle is None:
            from IPython import display

            self._handle = display.display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True)

    def end(self, line: str) -> None:
        """Show the final line."""
        self.show(line)


def progress_line(wanted: bool | None = None, stream: TextIO | None = None) -> ProgressLine:
    """Choose the output for the environment in which the code runs.

    Parameters
    ----------
    wanted : bool, optional
        False: no line. True: a line everywhere. By default a line in a notebook or a terminal.
    stream : TextIO, optional
        The output outside a notebook; standard error by default.
    """
    if wanted is False:
        return SilentLine()
    if in_notebook():
        return NotebookLine()
    stream = stream or sys.stderr
    if stream.isatty():
        return TerminalLine(stream)
    return LogLine(stream) if wanted else SilentLine()


@contextmanager
def show_download(size: int, line: ProgressLine | None = None) -> Iterator[Callable[[int], None]]:
    """Show the progress of a download that takes longer than ``SHORT_S`` seconds.

    Parameters
    ----------
    size : int
        Total bytes.
    line : ProgressLine, optional
        The output; the same as for waiting by default.

    Yields
    ------
    callable
        Takes the number of bytes that have arrived.
    """
    line = line or progress_line()
    started = shown_at = time.monotonic()
    is_shown = False

    def on_progress(done: int) -> None:
        nonlocal shown_at, is_shown
        now = time.monotonic()
        if now - started >= SHORT_S and now - shown_at >= REDRAW_S:
            shown_at, is_shown = now, True
            line.show(f"downloading · {readable_bytes(done)} of {readable_bytes(size)}")

    yield on_progress
    if is_shown:
        line.end(f"downloaded {readable_bytes(size)} in {time.monotonic() - started:.1f} s")


def in_notebook() -> bool:
    """Whether this code runs in a Jupyter kernel; does not import IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def describe(
    record: dict[str, Any],
    elapsed_s: float,
    *,
    unavailable: str = "",
    columns: int | None = TERMINAL_COLUMNS,
) -> str:
    """Describe the state of a job in one line; without a bar where the fraction is unknown.

    A record may lack ``progress``: the phases ``queued``, ``completed``, ``failed`` and ``cancelled`` only
    repeat the status.

    Parameters
    ----------
    record : dict
        The job's record.
    elapsed_s : float
        Seconds since waiting for it began.
    unavailable : str
        What is wrong with the service now; empty if it responds.
    columns : int, optional
        Maximum width of the line of an unfinished job: the least important parts are left out, and the id
        is cut. None: no limit, as for an ended job.

    Examples
    --------
    >>> describe({"job_id": "6f1d", "status": "running", "progress": {"phase": "sorting", "rows": 9}}, 1.84)
    'running · sorting · 9 rows · 1.8 s · job 6f1d'
    """
    progress = record.get("progress") or {}
    final = record.get("finished_at") is not None
    amount = (record.get("result") or {}) if final else progress
    rows, size, fraction, job_id = amount.get("rows"), amount.get("bytes"), None, record["job_id"]
    parts = {"status": record["status"]}
    if final:
        message = str((record.get("error") or {}).get("message") or "").split("\n")[0]
        parts["message"] = shorten(escape_control_characters(" ".join(message.split())), LONGEST_MESSAGE)
    else:
        fraction, phase = progress.get("fraction"), progress.get("phase")
        position = record.get("queue_position")
        parts["position"] = f"{position} in the queue" if position else ""
        parts["phase"] = (
            escape_control_characters(phase) if phase not in {None, "queued", record["status"]} else ""
        )
        parts["bar"] = "" if fraction is None else bar(fraction)
    parts["rows"] = f"{rows:,} row{'' if rows == 1 else 's'}" if rows else ""
    parts["bytes"] = readable_bytes(size) if size else ""
    parts["outage"] = f"{unavailable}, still trying" if unavailable else ""
    parts["time"] = f"{run_seconds(record) or elapsed_s:.1f} s"
    parts["job"] = f"job {job_id}"
    if final or columns is None:
        return join_parts(parts)
    share = "" if fraction is None else percent(fraction)
    beginning = f"job {shorten(job_id, SHORT_ID + 1)}"
    shorter = {"bar": share, "bytes": "", "phase": "", "job": beginning, "rows": "", "position": ""}
    if parts.get("phase", "").startswith("waiting"):
        shorter = {"position": "", "job": beginning, "phase": shorten(parts["phase"], max(columns - 40, 20))}
    for name, text in [*shorter.items(), ("bar", "")]:
        if len(join_parts(parts)) > columns:
            parts[name] = text if parts.get(name) else ""
    return shorten(join_parts(parts), columns)


def join_parts(parts: dict[str, str]) -> str:
    """Join the parts of a line that are not empty."""
    return " · ".join(filter(None, parts.values()))


def run_seconds(record: dict[str, Any]) -> float | None:
    """Return how many seconds an ended job ran; None if it has not ended or never started."""
    if not record.get("started_at") or not record.get("finished_at"):
        return None
    started, finished = (datetime.fromisoformat(record[name]) for name in ("started_at", "finished_at"))
    return (finished - started).total_seconds()


def bar(fraction: float) -> str:
    """Draw a fraction as a bar with its percentage.

    Examples
    --------
    >>> bar(0.42)
    '████████░░░░░░░░░░░░ 42 %'
    """
    full = int(fraction * BAR_CELLS)
    return f"{'█' * full}{'░' * (BAR_CELLS - full)} {percent(fraction)}"


def percent(fraction: float) -> str:
    """Format a fraction as a percentage, rounded down.

    Examples
    --------
    >>> percent(0.999)
    '99 %'
    """
    return f"{int(fraction * 100 + 1e-9)} %"


def readable_bytes(size: int) -> str:
    """Format a number of bytes with a decimal unit.

    Examples
    --------
    >>> readable_bytes(930), readable_bytes(9_100_000)
    ('930 B', '9.1 MB')
    """
    if size < 1000:
        return f"{size} B"
    power = min(3, (len(str(size)) - 1) // 3)
    return f"{size / 1000**power:.1f} {('kB', 'MB', 'GB')[power - 1]}"
