"""The view model of a card, built from the job's record and a snapshot of the card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from syndb_lab.display.progress import readable_bytes, run_seconds
from syndb_lab.errors import excerpt
from syndb_lab.http.job_events import FINAL
from syndb_lab.next_steps.next_step import Audience, NextStep, render
from syndb_lab.next_steps.problem_steps import hint_of
from syndb_lab.text.terminal_text import escape_control_characters, shorten

TITLE: Final = 80
TONES: Final = {
    "pending": "idle",
    "running": "working",
    "completed": "good",
    "failed": "bad",
    "cancelled": "warn",
}
REASONS: Final = {
    "queued": "",
    "worker_lost": "worker lost; the job restarts",
    "store_unavailable": "the store was unavailable; the job restarts",
    "cancelled_by_user": "",
}


@dataclass(frozen=True, slots=True)
class CardSnapshot:
    """State of a card that is not in the job's record.

    ``unavailable`` is a note while the service does not respond, ``lost`` is true if the card no longer
    follows the job, ``cancelling`` if a cancel request is not yet confirmed. ``note`` and ``error`` are the
    result of the last action, ``table`` the first rows, ``busy`` the running action.
    """

    unavailable: str = ""
    lost: bool = False
    cancelling: bool = False
    note: str = ""
    error: str = ""
    table: dict[str, Any] | None = None
    busy: str = ""


EMPTY: Final = CardSnapshot()


def card_view(record: dict[str, Any], snapshot: CardSnapshot = EMPTY) -> dict[str, Any]:
    """Build what a card shows.

    Examples
    --------
    >>> shown = card_view({"job_id": "6f1d", "kind": "query", "status": "running", "query": "SELECT 1"})
    >>> shown["word"], shown["title"], shown["fraction"]
    ('running', 'SELECT 1', None)
    """
    status, progress = record["status"], record.get("progress") or {}
    ended = status in FINAL
    return {
        "job_id": record["job_id"],
        "status": status,
        "tone": "warn" if snapshot.cancelling and not ended else TONES.get(status, "idle"),
        "word": "cancelling" if snapshot.cancelling and not ended else status,
        "title": title(record),
        "sql": escape_control_characters(record.get("query") or ""),
        "facts": progress_facts(record),
        "working": not ended and not snapshot.lost,
        "fraction": None if ended else progress.get("fraction"),
        "elapsed_s": run_seconds(record) if ended else progress.get("elapsed_s"),
        "ticking": status == "running" and not snapshot.unavailable,
        "away": snapshot.unavailable,
        "warning": escape_control_characters("\n".join(record.get("advice") or ())),
        "note": snapshot.note,
        "trouble": snapshot.error,
        "error": snapshot.error or failure_text(record),
        "table": snapshot.table,
        "buttons": buttons(record, snapshot),
        "foot": f"job {record['job_id']}",
        "ended": ended,
    }


def title(record: dict[str, Any]) -> str:
    """Return the title of a job: its label, or else the beginning of its SQL, or its analysis."""
    if label := record.get("label"):
        return escape_control_characters(" ".join(label.split()))
    if record.get("kind") == "graph":
        return f"graph analysis {record.get('analysis')!r} of dataset {record.get('dataset_id')}"
    words = escape_control_characters(" ".join((record.get("query") or "").split()))
    return shorten(words, TITLE)


def progress_facts(record: dict[str, Any]) -> list[str]:
    """List the known facts about a job's progress or result; values that were not measured are left out."""
    status, progress = record["status"], record.get("progress") or {}
    ended = status in FINAL
    parts = []
    reason = str(record.get("reason") or "")
    if text := REASONS.get(reason, reason.replace("_", " ")):
        parts.append(text)
    if position := record.get("queue_position"):
        parts.append(f"{position:,} in the queue")
    if not ended and progress.get("phase") not in {None, "queued", status}:
        parts.append(escape_control_characters(progress["phase"]))
    if not ended and progress.get("fraction") is not None:
        parts.append(f"{int(progress['fraction'] * 100 + 1e-9)} %")
    parts += format_size(
        (record.get("result") or {}) if ended else {**progress, "rows": progress.get("rows") or None}
    )
    if not ended and (record.get("attempt") or 1) > 1:
        parts.append(f"attempt {record['attempt']}")
    if (record.get("result") or {}).get("truncated"):
        parts.append("cut at the size limit")
    return parts


def format_size(counts: dict[str, Any]) -> list[str]:
    """Format the known numbers of rows and bytes."""
    rows, size = counts.get("rows"), counts.get("bytes")
    parts = [] if rows is None else [f"{rows:,} row{'' if rows == 1 else 's'}"]
    return parts + ([readable_bytes(size)] if size else [])


def failure_text(record: dict[str, Any]) -> str:
    """Format why a job failed: the message, the line of SQL with a caret, the hint."""
    error = record.get("error") or {}
    message = error.get("message") or record.get("error_message") or ""
    if record["status"] != "failed":
        return ""
    position = excerpt(record.get("query"), error.get("line"), error.get("column"))
    hint = hint_of(error, path=f"/v1/jobs/{record['job_id']}")
    hint_text = render(hint, Audience.PYTHON) if isinstance(hint, NextStep) else hint
    return escape_control_characters("\n".join(filter(None, (message, position, hint_text))))


def buttons(record: dict[str, Any], snapshot: CardSnapshot) -> list[dict[str, Any]]:
    """List the buttons for the actions that are possible now."""
    if record["status"] not in FINAL:
        word = "Cancelling…" if snapshot.cancelling else "Cancel"
        return [{"do": "cancel", "text": word, "disabled": snapshot.cancelling}]
    actions = []
    if has_result(record):
        sizes = " · ".join(format_size(record["result"]))
        loading, _, so_far = snapshot.busy.partition(", ")
        word = f"Loading {so_far or sizes} …" if loading == "load" else f"Load {sizes}"
        actions.append({"do": "load", "text": word, "disabled": bool(snapshot.busy)})
    actions.append({"do": "rerun", "text": "Rerun", "disabled": bool(snapshot.busy)})
    return actions


def has_result(record: dict[str, Any]) -> bool:
    """Return whether the job has a result that has not expired."""
    expires = record.get("expires_at")
    return bool(record.get("result")) and (not expires or parse_timestamp(expires) > datetime.now(UTC))


def parse_timestamp(text: str) -> datetime:
    """Parse a timestamp of the wire; without an offset it is UTC."""
    timestamp = datetime.fromisoformat(text)
    return timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)
