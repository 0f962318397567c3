"""The static draft of a composer, as plain HTML and plain text, for readers without a kernel."""

from __future__ import annotations

from typing import Final

from syndb_lab.notebook.card.html import BLOCK, LINE, QUIET
from syndb_lab.notebook.composer.draft import Draft
from syndb_lab.text.html_text import html_text
from syndb_lab.text.terminal_text import escape_control_characters

SAVED: Final = "To edit it on this computer, run this cell; on another one copy it: it opens empty there."
NOT_SAVED: Final = "To edit it, copy it first: where you run this cell again, the editor opens without it."


def draft_html(draft: Draft, key: str, url: str, *, is_saved: bool) -> str:
    """Render a draft as HTML; all entries are escaped.

    ``is_saved`` is true if a new kernel on this computer can restore the draft.
    """
    facts = "".join(
        f'<div style="color:{QUIET};font-size:12px">{html_text(name)}: {html_text(value)}</div>'
        for name, value in facts_of(draft)
    )
    body = f'<pre style="{BLOCK}">{html_text(draft.sql)}</pre>' if draft.kind == "query" and draft.sql else ""
    return (
        f'<div class="syndb-host syndb-draft-{key} mathjax_ignore tex2jax_ignore">'
        f'<div style="border:1px solid {LINE};border-radius:6px;margin:4px 0;padding:10px 14px;'
        f'font-size:13px;line-height:1.5"><b>{title(draft)}</b> '
        f'<span style="color:{QUIET}">{html_text(url)}</span>{body}{facts}'
        f'<div style="color:{QUIET};font-size:11px">{SAVED if is_saved else NOT_SAVED}</div></div></div>'
    )


def draft_text(draft: Draft, url: str, *, is_saved: bool) -> str:
    """Render a draft as plain text."""
    lines = [f"{title(draft)} {url}", draft.sql if draft.kind == "query" else ""]
    lines += [f"{name}: {value}" for name, value in facts_of(draft)]
    return escape_control_characters(
        "\n".join(line for line in [*lines, SAVED if is_saved else NOT_SAVED] if line)
    )


def title(draft: Draft) -> str:
    """Return the title for the kind of the draft."""
    return "SQL composer" if draft.kind == "query" else "Graph composer"


def facts_of(draft: Draft) -> list[tuple[str, str]]:
    """List the entries other than the SQL."""
    label = [("label", draft.label)] if draft.label else []
    if draft.kind == "query":
        entered = [(f":{name}", str(entry.get("text") or "")) for name, entry in draft.values.items()]
        return [*label, *((name, value) for name, value in entered if value), ("format", draft.format)]
    options = [(name, value) for name, value in draft.options.items() if str(value).strip()]
    return [*label, ("dataset", draft.dataset_id), ("analysis", draft.analysis), *options]
