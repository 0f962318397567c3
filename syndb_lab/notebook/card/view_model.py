"""What is to be said of a job on its card, in words: made from its record alone."""

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
    "worker_lost": "its worker was lost; it starts again",
    "store_unavailable": "the store was away; it starts again",
    "cancelled_by_user": "",
}


@dataclass(frozen=True, slots=True)
class CardSnapshot:
    """What is known besides the record.

    ``away`` says that the service is away, ``lost`` that nobody asks it any more, ``cancelling`` that a
    cancel was sent and not confirmed, ``note`` and ``error`` what the last action came to, ``table`` the
    first rows, ``busy`` the action that runs.
    """

    away: str = ""
    lost: bool = False
    cancelling: bool = False
    note: str = ""
    error: str = ""
    table: dict[str, Any] | None = None
    busy: str = ""


NOW: Final = CardSnapshot()


def card_view(record: dict[str, Any], moment: CardSnapshot = NOW) -> dict[str, Any]:
    """Say what a card shows.

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
        "tone": "warn" if moment.cancelling and not ended else TONES.get(status, "idle"),
        "word": "cancelling" if moment.cancelling and not ended else status,
        "title": title(record),
        "sql": escape_control_characters(record.get("query") or ""),
        "facts": progress_facts(record),
        "working": not ended and not moment.lost,
        "fraction": None if ended else progress.get("fraction"),
        "elapsed_s": run_seconds(record) if ended else progress.get("elapsed_s"),
        "ticking": status == "running" and not moment.away,
        "away": moment.away,
        "warning": escape_control_characters("\n".join(record.get("advice") or ())),
        "note": moment.note,
        "trouble": moment.error,
        "error": moment.error or failure_text(record),
        "table": moment.table,
        "buttons": buttons(record, moment),
        "foot": f"job {record['job_id']}",
        "ended": ended,
    }


def title(record: dict[str, Any]) -> str:
    """Name a job: its label, or else the beginning of its SQL, or its analysis."""
    if label := record.get("label"):
        return escape_control_characters(" ".join(label.split()))
    if record.get("kind") == "graph":
        return f"graph analysis {record.get('analysis')!r} of dataset {record.get('dataset_id')}"
    words = escape_control_characters(" ".join((record.get("query") or "").split()))
    return shorten(words, TITLE)


def progress_facts(record: dict[str, Any]) -> list[str]:
    """List what is known of a job's progress or end; nothing that nobody measured."""
    status, progress = record["status"], record.get("progress") or {}
    ended = status in FINAL
    parts = []
    reason = str(record.get("reason") or "")
    if said := REASONS.get(reason, reason.replace("_", " ")):
        parts.append(said)
    if place := record.get("queue_position"):
        parts.append(f"{place:,} in the queue")
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


def format_size(of: dict[str, Any]) -> list[str]:
    """Write rows and bytes, where they are known."""
    rows, size = of.get("rows"), of.get("bytes")
    parts = [] if rows is None else [f"{rows:,} row{'' if rows == 1 else 's'}"]
    return parts + ([readable_bytes(size)] if size else [])


def failure_text(record: dict[str, Any]) -> str:
    """Write why a job failed: the message, the line of SQL with a caret, the hint."""
    error = record.get("error") or {}
    message = error.get("message") or record.get("error_message") or ""
    if record["status"] != "failed":
        return ""
    place = excerpt(record.get("query"), error.get("line"), error.get("column"))
    hint = hint_of(error, path=f"/v1/jobs/{record['job_id']}")
    told = render(hint, Audience.PYTHON) if isinstance(hint, NextStep) else hint
    return escape_control_characters("\n".join(filter(None, (message, place, told))))


def buttons(record: dict[str, Any], moment: CardSnapshot) -> list[dict[str, Any]]:
    """List what may be done with a job now."""
    if record["status"] not in FINAL:
        word = "Cancelling…" if moment.cancelling else "Cancel"
        return [{"do": "cancel", "text": word, "disabled": moment.cancelling}]
    offered = []
    if has_result(record):
        sizes = " · ".join(format_size(record["result"]))
        loading, _, so_far = moment.busy.partition(", ")
        word = f"Loading {so_far or sizes} …" if loading == "load" else f"Load {sizes}"
        offered.append({"do": "load", "text": word, "disabled": bool(moment.busy)})
    offered.append({"do": "rerun", "text": "Rerun", "disabled": bool(moment.busy)})
    return offered


def has_result(record: dict[str, Any]) -> bool:
    """Whether there is a result to load: there is one, and its time is not over."""
    expires = record.get("expires_at")
    return bool(record.get("result")) and (not expires or parse_timestamp(expires) > datetime.now(UTC))


def parse_timestamp(text: str) -> datetime:
    """Read a moment of the wire."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
