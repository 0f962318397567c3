"""The text of a live card as plain HTML, for front ends that do not load our JavaScript."""

from __future__ import annotations

from typing import Any

from syndb_lab.notebook.card.html import BLOCK, COLORS, QUIET, html_rows
from syndb_lab.text.html_text import html_text


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
