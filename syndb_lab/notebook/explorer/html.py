"""A sub-network for those who read without a kernel: a picture with its text in plain HTML."""

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

NAMED: Final = 12
SELECTED: Final = 50
ELSEWHERE: Final = (
    "This front end does not run the lab's JavaScript, so the picture is still; change it with view.color, "
    "view.size and view.selected. JupyterLab and Notebook 7 show it live."
)


def explorer_html(
    part: Subnetwork, look: Mapping[str, Any], key: str, picture: bytes, *, live: bool = True
) -> str:
    """Write the picture, what it shows, and what is selected; styles are inline and there is no script.

    Parameters
    ----------
    part : Subnetwork
        What is shown.
    look : mapping
        ``color``, ``size`` and ``selected``.
    key : str
        By which the page finds the place for the live view.
    picture : bytes
        A PNG.
    live : bool
        Whether this front end may put the live view here.
    """
    quiet = f'style="color:{QUIET};font-size:12px"'
    remarks = [*advice(part), *part.notes, *([] if live else [ELSEWHERE])]
    source = (
        f'<img alt="{html_text(alt(part, look))}" src="data:image/png;base64,{b64encode(picture).decode()}"'
    )
    parts = [
        f"<div><b>{html_text(title(part))}</b> {html_text(caption(part))}</div>",
        f'{source} style="max-width:100%;background:#fff;border-radius:4px;margin:6px 0">',
        f"<div {quiet}>{html_text(list_selection(part, look))}</div>" if look["selected"] else "",
        f"<div {quiet}>{html_text(' · '.join(remarks))}</div>" if remarks else "",
        f"<div {quiet}>{html_text(citation(part))}</div>" if citation(part) else "",
    ]
    box = "border-radius:6px;margin:4px 0;padding:10px 14px;font-size:13px;line-height:1.5"
    style = f"border:1px solid {LINE};{box}"
    classes = f"syndb-host syndb-explore-{key} mathjax_ignore tex2jax_ignore"
    return f'<div class="{classes}"><div class="syndb-still" style="{style}">{"".join(parts)}</div></div>'


def explorer_text(part: Subnetwork, look: Mapping[str, Any]) -> str:
    """Write the same as plain text."""
    lines = [f"{title(part)}: {caption(part)}", alt(part, look)]
    lines += [list_selection(part, look)] if look["selected"] else []
    return escape_control_characters("\n".join([*lines, *advice(part), *part.notes]))


def alt(part: Subnetwork, look: Mapping[str, Any]) -> str:
    """Describe the picture for those who don't see it."""
    names = part.names()
    shown = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")
    by = [
        f"{word} by {column_heading(part, look[name])}"
        for word, name in (("coloured", "color"), ("sized", "size"))
        if look[name]
    ]
    drawn = f"Graph of {len(names):,} neurons and {len(part.lines):,} connections"
    return escape_control_characters(f"{', '.join([drawn, *by])}: {shown}")


def list_selection(part: Subnetwork, look: Mapping[str, Any]) -> str:
    """List the selected neurons with their exact ids."""
    names = dict(zip(part.ids, part.names(), strict=True))
    listed = [
        str(neuron) if names[neuron] == str(neuron) else f"{names[neuron]} ({neuron})"
        for neuron in look["selected"][:SELECTED]
    ]
    more = len(look["selected"]) - len(listed)
    return escape_control_characters(
        f"selected: {', '.join(listed)}" + (f" and {more:,} more" if more else "")
    )


def citation(part: Subnetwork) -> str:
    """Cite the dataset."""
    words = [str(part.dataset.get(name) or "") for name in ("name", "citation")]
    return " · ".join(word for word in words if word)
