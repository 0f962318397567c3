"""The card of a job as plain HTML and text: live without our JavaScript, and static without a kernel.

Styles are inline and there is no script, so that GitHub, nbconvert and a reopened notebook show it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from syndb_lab.display.progress import run_seconds
from syndb_lab.http.job_events import FINAL
from syndb_lab.notebook.card.view_model import CardSnapshot, card_view, failure_text, title
from syndb_lab.text.html_text import html_text
from syndb_lab.text.terminal_text import escape_control_characters

LINE: Final = "var(--jp-border-color2,#d0d7de)"
QUIET: Final = "var(--jp-ui-font-color2,#57606a)"
PAPER: Final = "var(--jp-layout-color2,#f6f8fa)"
COLORS: Final = {
    "good": "var(--jp-success-color1,#2e7d32)",
    "bad": "var(--jp-error-color1,#c62828)",
    "warn": "var(--jp-warn-color1,#b35900)",
    "working": "var(--jp-brand-color1,#1565c0)",
    "idle": QUIET,
}
CODE: Final = "font-family:var(--jp-code-font-family,monospace);font-size:12px"
BLOCK: Final = (
    f"margin:6px 0;padding:8px 10px;background:{PAPER};color:inherit;border-radius:4px;"
    f"white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere;line-height:1.4;{CODE}"
)
WARNING: Final = "margin:6px 0;padding-left:8px;border-left:3px solid #f57c00;white-space:pre-wrap"


@dataclass(frozen=True, slots=True)
class FinishedCard:
    """Content of a static card that is not in the record: first rows, datasets, sources, note, findings."""

    table: dict[str, Any] | None = None
    datasets: Sequence[dict[str, Any]] = ()
    sources: Sequence[str] = ()
    note: str = ""
    findings: Sequence[tuple[str, str]] = field(default=())


NO_EXTRAS: Final = FinishedCard()


def static_html(record: dict[str, Any], known: FinishedCard = NO_EXTRAS) -> str:
    """Render the card as HTML; every text from the service is escaped.

    Parameters
    ----------
    record : dict
        The job's record, as on the wire.
    known : FinishedCard
        Content that is not in the record.
    """
    shown = card_view(record, CardSnapshot(note=known.note))
    color = COLORS[shown["tone"]]
    seconds = shown["elapsed_s"]
    facts = [*shown["facts"], *([f"{seconds:.1f} s"] if shown["ended"] and seconds is not None else [])]
    head = (
        f'<div><b style="color:{color}">{html_text(shown["word"])}</b> &nbsp; '
        f"<b>{html_text(shown['title'])}</b>"
        f'<br><span style="color:{QUIET}">{html_text(" · ".join(facts))}</span></div>'
    )
    if not shown["ended"]:
        head += f'<div style="color:{QUIET}">{timestamp_note(record)}</div>'
    parts = [
        '<div class="syndb-slot" style="float:right"></div>',
        head,
        f'<pre style="{BLOCK};white-space:pre;overflow-x:auto">{html_text(shown["error"])}</pre>'
        if shown["error"]
        else "",
        f'<div style="{WARNING}">{html_text(shown["warning"])}</div>' if shown["warning"] else "",
        html_rows(known.table) if known.table else "",
        html_findings(known.findings),
        f'<p style="margin:4px 0;color:{QUIET}">{html_text(known.note)}</p>' if known.note else "",
        *(
            f'<div style="color:{QUIET};font-size:11px">{html_text(dataset.get("name") or "dataset")} · '
            f"{html_text(dataset_line(dataset))}</div>"
            for dataset in known.datasets
        ),
        f'<details><summary style="cursor:pointer;color:{QUIET}">{summary(record)}</summary>'
        f"{details(record, known)}</details>",
    ]
    classes = ["syndb-host", f"syndb-job-{html_text(record['job_id'])}", "mathjax_ignore tex2jax_ignore"]
    classes += ["syndb-ended"] if shown["ended"] else []
    style = (
        f"border:1px solid {LINE};border-left:4px solid {color};border-radius:6px;margin:4px 0;"
        "padding:10px 14px;font-size:13px;line-height:1.5"
    )
    static = f'<div class="syndb-still" style="{style}">{"".join(parts)}</div>'
    return f'<div class="{" ".join(classes)}">{static}</div>'


def timestamp_note(record: dict[str, Any]) -> str:
    """Render the time of the last update of a running job, and the command that shows it live."""
    verb = f"<code>%syndb attach {html_text(record['job_id'])}</code>"
    return f"as of {datetime.now():%Y-%m-%d %H:%M:%S}; {verb} shows how it is now"


def summary(record: dict[str, Any]) -> str:
    """Return the heading of the details."""
    return "SQL, parameters, checksum" if record.get("query") else "Options and checksum"


def details(record: dict[str, Any], known: FinishedCard) -> str:
    """Render the SQL and the provenance, which make a result citable and repeatable."""
    sql = record.get("query")
    rows = "".join(
        f'<tr style="background:none"><td style="text-align:left;vertical-align:top;padding:2px 12px 2px 0;'
        f'color:{QUIET};white-space:nowrap">{html_text(name)}</td>'
        f'<td style="text-align:left;padding:2px 0;word-break:break-word">{html_text(value)}</td></tr>'
        for name, value in provenance(record, known)
    )
    return (f'<pre style="{BLOCK}">{html_text(sql)}</pre>' if sql else "") + (
        f'<table style="border:none;margin:0;font-size:12px"><tbody>{rows}</tbody></table>'
    )


def provenance(record: dict[str, Any], known: FinishedCard) -> list[tuple[str, str]]:
    """List the provenance of a result, as pairs of name and text."""
    result = record.get("result") or {}
    values = record.get("parameters") or record.get("options") or {}
    pairs: list[tuple[str, Any]] = [
        (
            "parameters",
            ", ".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()),
        ),
        *((f"dataset {item.get('name') or ''}".strip(), item.get("id")) for item in known.datasets),
        ("reads job", ", ".join(known.sources)),
        ("job", record["job_id"]),
        ("rerun of", record.get("rerun_of")),
        ("rows", None if result.get("rows") is None else f"{result['rows']:,}"),
        ("bytes", f"{result['bytes']:,} ({result['format']})" if result.get("bytes") is not None else None),
        ("seconds", run_seconds(record)),
        ("SHA-256", result.get("sha256")),
        ("submitted", format_time(record.get("created_at"))),
        ("kept until", format_time(record.get("expires_at")) if result else None),
    ]
    return [(name, escape_control_characters(str(value))) for name, value in pairs if value not in (None, "")]


def dataset_line(dataset: dict[str, Any]) -> str:
    """Format a dataset's version and citation."""
    version, cite, doi = dataset.get("version"), dataset.get("citation") or "", dataset.get("doi") or ""
    parts = [f"version {version}" if version else "", cite, "" if doi in cite else f"doi:{doi}"]
    return " · ".join(part for part in parts if part) or str(dataset.get("id") or "")


def format_time(text: str | None) -> str | None:
    """Format a timestamp of the wire for a reader."""
    return text and f"{text[:19].replace('T', ' ')} UTC"


def html_findings(findings: Sequence[tuple[str, str]]) -> str:
    """Render the measures of a graph analysis, one per line."""
    if not findings:
        return ""
    rows = "".join(
        f'<tr style="background:none"><td style="text-align:left;padding:1px 16px 1px 0;color:{QUIET}">'
        f'{html_text(name)}</td><td style="text-align:right;padding:1px 0">{html_text(value)}</td></tr>'
        for name, value in findings
    )
    return f'<table style="border:none;margin:6px 0;font-size:12px"><tbody>{rows}</tbody></table>'


def html_rows(table: dict[str, Any]) -> str:
    """Render the first rows as an HTML table."""
    sides = ["right" if column["numeric"] else "left" for column in table["columns"]]
    head = "".join(
        f'<th title="{html_text(column["type"])}" style="text-align:{side};padding:2px 12px 2px 6px">'
        f"{html_text(column['name'])}</th>"
        for column, side in zip(table["columns"], sides, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(html_cell(value, side) for value, side in zip(row, sides, strict=True)) + "</tr>"
        for row in table["rows"]
    )
    note = (
        f'<div style="color:{QUIET};font-size:11px">{html_text(table["note"])}</div>' if table["note"] else ""
    )
    return (
        f'<div style="overflow-x:auto;margin:6px 0"><table style="margin:0;font-size:12px">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}"
    )


def html_cell(value: str | None, side: str) -> str:
    """Render a cell; NULL looks different from the text NULL."""
    style = f"text-align:{side};padding:2px 12px 2px 6px"
    if value is None:
        return f'<td style="{style};color:{QUIET}"><i>NULL</i></td>'
    return f'<td style="{style}">{html_text(value)}</td>'


def static_text(record: dict[str, Any], known: FinishedCard = NO_EXTRAS) -> str:
    """Render the card as plain text: a line of facts, the error, and the provenance."""
    shown = card_view(record, CardSnapshot(note=known.note))
    seconds = run_seconds(record) if record["status"] in FINAL else None
    first = [shown["word"], *shown["facts"], *([] if seconds is None else [f"{seconds:.1f} s"])]
    lines = [" · ".join([*first, f"job {record['job_id']}"])]
    if record.get("label"):
        lines.append(title(record))
    lines += [line for line in (failure_text(record), shown["warning"], known.note) if line]
    lines += [f"{name}: {value}" for name, value in known.findings]
    lines += [f"{dataset.get('name') or 'dataset'}: {dataset_line(dataset)}" for dataset in known.datasets]
    return escape_control_characters("\n".join(lines))


def live_html(card: dict[str, Any]) -> str:
    """Render the text of a card; every text from the service is escaped.

    Examples
    --------
    >>> "<b>" in live_html({"tone": "good", "word": "<i>", "title": "", "facts": [], "foot": ""})
    True
    """
    elapsed = card.get("elapsed_s")
    facts = [*card["facts"], *([] if elapsed is None else [f"{elapsed:.1f} s"])]
    quiet = [card.get("away"), card.get("note"), card["foot"]]
    return "".join(
        [
            f'<div style="line-height:1.5"><b style="color:{COLORS[card["tone"]]}">'
            f"{html_text(card['word'])}</b>"
            f" &nbsp; <b>{html_text(card['title'])}</b><br>{html_text(' · '.join(facts))}",
            *(f'<br><span style="color:{QUIET}">{html_text(line)}</span>' for line in quiet if line),
            f'<pre style="{BLOCK}">{html_text(card["error"])}</pre>' if card.get("error") else "",
            html_rows(card["table"]) if card.get("table") else "",
            "</div>",
        ]
    )


def escaped_block(text: str) -> str:
    """Render text literally, with its line breaks.

    Examples
    --------
    >>> "<b>" in escaped_block("<b>")
    False
    """
    return f'<pre style="{BLOCK}">{html_text(text)}</pre>' if text else ""
