"""The listing of a user's jobs, and how a job is found by its id."""

from __future__ import annotations

import re
import textwrap
import uuid
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, Final

from syndb_lab.conversion.plain_values import plain_value
from syndb_lab.conversion.sql_values import format_value, to_plain_integer
from syndb_lab.display.listing import Listing
from syndb_lab.errors import JobNotFound, ParameterError
from syndb_lab.http.transport import Transport
from syndb_lab.job import Job
from syndb_lab.next_steps.next_step import Action, NextStep
from syndb_lab.notebook.card.view_model import title

PAGE: Final = 500
LETTERS: Final = 44
STATUSES: Final = ("pending", "running", "completed", "failed", "cancelled")
ID_HINT: Final = NextStep(Action.GIVE_JOB_ID)


def job_listing(
    transport: Transport, status: str | Sequence[str] | None, kind: str | None, limit: int
) -> Listing[Job]:
    """Build the listing that ``lab.jobs()`` returns."""
    max_jobs = to_plain_integer(limit)
    if max_jobs is None or max_jobs < 1:
        raise ParameterError(
            f"limit is {format_value(limit)}; it takes the number of jobs to list, from 1 on",
            hint="For example: lab.jobs(limit=10).",
        )
    records = job_records(transport, chosen_statuses(status), chosen_kind(kind), max_jobs)
    return Listing(
        (Job(transport, record) for record in records),
        {
            "status": attrgetter("status"),
            "kind": attrgetter("kind"),
            "rows": row_count,
            "created": format_creation_time,
            "job": job_title,
            "id": attrgetter("id"),
        },
        empty="no jobs",
    )


def chosen_statuses(status: Any) -> list[str]:
    """Read the requested statuses: one, or several."""
    plain = plain_value("status", status)
    texts = [plain] if isinstance(plain, str) else plain or []
    if not isinstance(texts, list) or not all(text in STATUSES for text in texts):
        raise ParameterError(
            f"status is {format_value(status)}; it takes one of {', '.join(STATUSES)}, or a list of these",
            hint='For example: lab.jobs(status="running").',
        )
    return texts


def chosen_kind(kind: Any) -> str | None:
    """Read the requested kind."""
    if kind is None or (isinstance(kind, str) and kind in ("query", "graph")):
        return kind
    raise ParameterError(
        f"kind is {format_value(kind)}; it takes query or graph", hint='For example: lab.jobs(kind="query").'
    )


def job_records(
    transport: Transport, statuses: Sequence[str], kind: str | None, limit: int
) -> Iterator[dict[str, Any]]:
    """Yield the records of the newest jobs, fetched in pages, newest first."""
    filters = {"status": list(statuses), "kind": kind}
    cursor = None
    while limit > 0:
        params = {**filters, "limit": min(limit, PAGE), "cursor": cursor}
        page = transport.get("/v1/jobs", {name: value for name, value in params.items() if value})
        yield from page["jobs"][:limit]
        limit -= len(page["jobs"])
        cursor = page.get("next_cursor")
        if not cursor:
            return


def format_creation_time(job: Job) -> str:
    """Format the time when a job was submitted."""
    return str(job.record.get("created_at") or "")[:19].replace("T", " ")


def job_title(job: Job) -> str:
    """Return the title of a job in a list: its label, or else the beginning of its SQL, or its analysis."""
    if job.label or job.kind == "query":
        words = title(job.record)
        cut = textwrap.shorten(words, LETTERS, placeholder=" …")
        return cut if cut.strip(" …") else f"{words[: LETTERS - 1]}…"  # one long word
    return f"{job.record.get('analysis')}, dataset {str(job.record.get('dataset_id'))[:8]}…"


def resolve_id(transport: Transport, start: str) -> str:
    """Complete the beginning of an id to the id of the user's only job that has it.

    A complete id, and any text that is not the beginning of an id, is returned as it is.

    Raises
    ------
    JobNotFound
        Several jobs have such an id, or ``start`` is no text.
    """
    if not isinstance(start, str | uuid.UUID):
        raise JobNotFound(f"{format_value(start)} is no job id", hint=ID_HINT)
    wanted = str(start).strip().lower()
    if not re.fullmatch(r"[0-9a-f-]{4,35}", wanted):
        return str(start)
    found = [
        record["job_id"]
        for record in job_records(transport, (), None, PAGE)
        if record["job_id"].startswith(wanted)
    ]
    if len(found) > 1:
        raise JobNotFound(
            f"{len(found)} of your jobs have an id that begins with {wanted}",
            hint=f"Write more of it: {', '.join(found[:3])} …",
        )
    return found[0] if found else str(start)


def row_count(job: Job) -> str:
    """Format the number of rows; empty where there is no table."""
    rows = (job.record.get("result") or {}).get("rows")
    return "" if rows is None else f"{rows:,}"


def job_path(job_id: str) -> str:
    """Return the path of a job on the service; raise for a text that is no id.

    Examples
    --------
    >>> job_path("../tokens")
    Traceback (most recent call last):
    syndb_lab.errors.JobNotFound: '../tokens' is no job id
    An id looks like 0a6e2f2e-0d1b-4a43-9d1c-3c1d0f3c9f10; lab.jobs() lists yours.
    """
    try:
        return f"/v1/jobs/{uuid.UUID(str(job_id))}"
    except ValueError:
        raise JobNotFound(
            f"{format_value(job_id)} is no job id",
            hint=ID_HINT,
        ) from None
