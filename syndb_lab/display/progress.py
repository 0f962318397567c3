"""One line that follows a job: in place in a terminal and in a notebook, line by line in a log."""

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
    """Where the line goes."""

    def show(self, line: str) -> None:
        """Replace what is shown."""

    def end(self, line: str) -> None:
        """Leave this line for good."""


class SilentLine:
    """Nowhere."""

    def show(self, line: str) -> None:
        """Show nothing."""

    def end(self, line: str) -> None:
        """Leave nothing."""


class TerminalLine:
    """A line of a terminal that is written over.

    Parameters
    ----------
    stream : TextIO
        The terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    @property
    def columns(self) -> int:
        """How wide a line may be; one that wraps could not be written over."""
        with suppress(OSError, ValueError, AttributeError):
            if found := os.get_terminal_size(self.stream.fileno()).columns:
                return found - 1
        return shutil.get_terminal_size((TERMINAL_COLUMNS, 24)).columns - 1

    def show(self, line: str) -> None:
        """Write over the line, with as much as one line of the terminal takes."""
        self._write(cut_to_columns(escape_control_characters(" ".join(line.split())), self.columns))

    def end(self, line: str) -> None:
        """Write over it for the last time and go to the next one."""
        self._write(f"{escape_control_characters(line)}\n")

    def _write(self, line: str) -> None:
        self.stream.write(f"\r\x1b[2K{line}")
        self.stream.flush()


class LogLine:
    """A file or a pipe: a line for each change of the first word, and the last one.

    Parameters
    ----------
    stream : TextIO
        The file.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._status = ""

    def show(self, line: str) -> None:
        """Write the line where the status is another."""
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
        """Replace the output, where it changes."""
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
        """Leave this output."""
        self.show(line)


def progress_line(wanted: bool | None = None, stream: TextIO | None = None) -> ProgressLine:
    """Choose by where the code runs.

    Parameters
    ----------
    wanted : bool, optional
        False: none. True: one in any case. By default one in a notebook and in a terminal.
    stream : TextIO, optional
        Where it goes outside a notebook; standard error by default.
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
    """Show how far a download is, once it has taken a second.

    Parameters
    ----------
    size : int
        Bytes in all.
    line : ProgressLine, optional
        Where to show it; as for waiting by default.
    """
    line = line or progress_line()
    started = shown = time.monotonic()
    told = 0

    def on_progress(here: int) -> None:
        nonlocal shown, told
        now = time.monotonic()
        if now - started >= SHORT_S and now - shown >= REDRAW_S:
            shown, told = now, here
            line.show(f"downloading · {readable_bytes(here)} of {readable_bytes(size)}")

    yield on_progress
    if told:
        line.end(f"downloaded {readable_bytes(size)} in {time.monotonic() - started:.1f} s")


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this, found out without loading IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def describe(
    record: dict[str, Any], elapsed_s: float, *, away: str = "", columns: int | None = TERMINAL_COLUMNS
) -> str:
    """Say in a line where a job is; no bar where the service does not know the fraction.

    A record without ``progress`` is as good as one with: the status says what the phases ``queued``,
    ``completed``, ``failed`` and ``cancelled`` would say again.

    Parameters
    ----------
    record : dict
        The job's record.
    elapsed_s : float
        Seconds since waiting for it began.
    away : str
        What is wrong with the service for now.
    columns : int, optional
        How long the line of an unfinished job may be: what matters least is left out, and the id cut to its
        beginning. None: as long as it takes, as is that of an ended job.

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
        fraction, place, phase = progress.get("fraction"), record.get("queue_position"), progress.get("phase")
        parts["place"] = f"{place} in the queue" if place else ""
        parts["phase"] = (
            escape_control_characters(phase) if phase not in {None, "queued", record["status"]} else ""
        )
        parts["bar"] = "" if fraction is None else bar(fraction)
    parts["rows"] = f"{rows:,} row{'' if rows == 1 else 's'}" if rows else ""
    parts["bytes"] = readable_bytes(size) if size else ""
    parts["away"] = f"{away}, still trying" if away else ""
    parts["time"] = f"{run_seconds(record) or elapsed_s:.1f} s"
    parts["job"] = f"job {job_id}"
    if final or columns is None:
        return join_parts(parts)
    share = "" if fraction is None else percent(fraction)
    beginning = f"job {shorten(job_id, SHORT_ID + 1)}"
    less = {"bar": share, "bytes": "", "phase": "", "job": beginning, "rows": "", "place": ""}
    if parts.get("phase", "").startswith("waiting"):
        less = {"place": "", "job": beginning, "phase": shorten(parts["phase"], max(columns - 40, 20))}
    for name, text in [*less.items(), ("bar", "")]:
        if len(join_parts(parts)) > columns:
            parts[name] = text if parts.get(name) else ""
    return shorten(join_parts(parts), columns)


def join_parts(parts: dict[str, str]) -> str:
    """Write the parts of a line that say anything."""
    return " · ".join(filter(None, parts.values()))


def run_seconds(record: dict[str, Any]) -> float | None:
    """Say how long an ended job ran; None while it runs, or where it never did."""
    if not record.get("started_at") or not record.get("finished_at"):
        return None
    started, finished = (datetime.fromisoformat(record[name]) for name in ("started_at", "finished_at"))
    return (finished - started).total_seconds()


def bar(fraction: float) -> str:
    """Draw a fraction.

    Examples
    --------
    >>> bar(0.42)
    '████████░░░░░░░░░░░░ 42 %'
    """
    full = int(fraction * BAR_CELLS)
    return f"{'█' * full}{'░' * (BAR_CELLS - full)} {percent(fraction)}"


def percent(fraction: float) -> str:
    """Write a share of a hundred, rounded down.

    Examples
    --------
    >>> percent(0.999)
    '99 %'
    """
    return f"{int(fraction * 100 + 1e-9)} %"


def readable_bytes(size: int) -> str:
    """Write a size as people do.

    Examples
    --------
    >>> readable_bytes(930), readable_bytes(9_100_000)
    ('930 B', '9.1 MB')
    """
    if size < 1000:
        return f"{size} B"
    power = min(3, (len(str(size)) - 1) // 3)
    return f"{size / 1000**power:.1f} {('kB', 'MB', 'GB')[power - 1]}"
