"""The static HTML of an explorer, with a picture, for readers without a kernel."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

from syndb_lab.notebook.card.html import LINE, QUIET
from syndb_lab.notebook.explorer.view_model import column_heading, title
from syndb_lab.subnetwork.caption import advice, caption
from syndb_lab.subnetwork.model import Subnetwork
from syndb_lab.text.html_text import html_text
from syndb_lab.text.terminal_text import escape_control_characters

MAX_NAMES: Final = 12
MAX_SELECTED: Final = 50
ELSEWHERE: Final = (
    "This front end does not run the lab's JavaScript, so the picture is still; change it with view.color, "
    "view.size and view.selected. JupyterLab and Notebook 7 show it live."
)


def explorer_html(
    part: Subnetwork, state: Mapping[str, Any], key: str, picture: bytes, *, live: bool = True
) -> str:
    """Render the picture, its caption and the selection; styles are inline and there is no script.

    Parameters
    ----------
    part : Subnetwork
        The shown sub-network.
    state : mapping
        ``color``, ``size`` and ``selected``.
    key : str
        The page finds the element for the live view by this key.
    picture : bytes
        A PNG.
    live : bool
        Whether this front end can show the live view.
    """
    quiet = f'style="color:{QUIET};font-size:12px"'
    notes = [*advice(part), *part.notes, *([] if live else [ELSEWHERE])]
    source = (
        f'<img alt="{html_text(alt(part, state))}" src="data:image/png;base64,{b64encode(picture).decode()}"'
    )
    parts = [
        f"<div><b>{html_text(title(part))}</b> {html_text(caption(part))}</div>",
        f'{source} style="max-width:100%;background:#fff;border-radius:4px;margin:6px 0">',
        f"<div {quiet}>{html_text(list_selection(part, state))}</div>" if state["selected"] else "",
        f"<div {quiet}>{html_text(' · '.join(notes))}</div>" if notes else "",
        f"<div {quiet}>{html_text(citation(part))}</div>" if citation(part) else "",
    ]
    box = "border-radius:6px;margin:4px 0;padding:10px 14px;font-size:13px;line-height:1.5"
    style = f"border:1px solid {LINE};{box}"
    classes = f"syndb-host syndb-explore-{key} mathjax_ignore tex2jax_ignore"
    return f'<div class="{classes}"><div class="syndb-still" style="{style}">{"".join(parts)}</div></div>'


def explorer_text(part: Subnetwork, state: Mapping[str, Any]) -> str:
    """Render the caption and the selection as plain text."""
    lines = [f"{title(part)}: {caption(part)}", alt(part, state)]
    lines += [list_selection(part, state)] if state["selected"] else []
    return escape_control_characters("\n".join([*lines, *advice(part), *part.notes]))


def alt(part: Subnetwork, state: Mapping[str, Any]) -> str:
    """Return the alternative text of the picture."""
    names = part.names()
    shown = ", ".join(names[:MAX_NAMES]) + (
        f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else ""
    )
    by = [
        f"{word} by {column_heading(part, state[name])}"
        for word, name in (("coloured", "color"), ("sized", "size"))
        if state[name]
    ]
    drawn = f"Graph of {len(names):,} neurons and {len(part.lines):,} connections"
    return escape_control_characters(f"{', '.join([drawn, *by])}: {shown}")


def list_selection(part: Subnetwork, state: Mapping[str, Any]) -> str:
    """List the selected neurons with their exact ids."""
    names = dict(zip(part.ids, part.names(), strict=True))
    listed = [
        str(neuron) if names[neuron] == str(neuron) else f"{names[neuron]} ({neuron})"
        for neuron in state["selected"][:MAX_SELECTED]
    ]
    more = len(state["selected"]) - len(listed)
    return escape_control_characters(
        f"selected: {', '.join(listed)}" + (f" and {more:,} more" if more else "")
    )


def citation(part: Subnetwork) -> str:
    """Return the name and the citation of the dataset."""
    words = [str(part.dataset.get(name) or "") for name in ("name", "citation")]
    return " · ".join(word for word in words if word)
