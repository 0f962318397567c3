"""A sub-network as the page is told of it: every value a text, every colour and size decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from syndb_lab.display.table_preview import cell
from syndb_lab.plots.visual_encoding import (
    ColorEncoding,
    encode_color,
    format_value,
    is_scale,
    known_value,
    plain,
    sizes,
)
from syndb_lab.subnetwork.caption import advice, caption
from syndb_lab.subnetwork.model import PAGERANK, Subnetwork
from syndb_lab.subnetwork.neuron_scores import APART
from syndb_lab.text.terminal_text import escape_control_characters

TITLES: Final = {
    "in_degree": "in-degree",
    "out_degree": "out-degree",
    "in_strength": "in-strength",
    "out_strength": "out-strength",
    PAGERANK: "PageRank",
    "majority_neurotransmitter": "neurotransmitter",
}
DATASET: Final = "of the dataset"
TOLD: Final = (
    "cell_class",
    "cell_type",
    "majority_neurotransmitter",
    "brain_structure",
    "degree",
    "description",
)


def explorer_view(part: Subnetwork, places: Sequence[tuple[float, float]], key: str) -> dict[str, Any]:
    """Write a sub-network for the page.

    Parameters
    ----------
    part : Subnetwork
        The sub-network.
    places : sequence of (float, float)
        Where its neurons are.
    key : str
        By which the page finds its place.
    """
    columns = {name: column(part, name) for name in part.columns}
    offered = [[name, choice(part, name), part.origins.get(name, DATASET)] for name in columns]
    return {
        "key": key,
        "title": title(part),
        "caption": escape_control_characters(caption(part)),
        "advice": [
            *map(escape_control_characters, advice(part)),
            *map(escape_control_characters, part.notes),
        ],
        "ids": [str(neuron) for neuron in part.ids],
        "names": [cell(name) for name in part.names()],
        "x": [round(x, 4) for x, _ in places],
        "y": [round(y, 4) for _, y in places],
        "lines": {
            "pre": [line.pre for line in part.lines],
            "post": [line.post for line in part.lines],
            "count": [line.count for line in part.lines],
            "junction": [line.junction for line in part.lines],
        },
        "columns": columns,
        "colours": offered,
        "sizes": [one for one in offered if columns[one[0]]["radius"] is not None],
        "more": escape_control_characters(part.more),
        "told": [[name, columns[name]["title"]] for name in TOLD if name in columns],
        "plain": encode_colors(plain(len(part.ids))),
        "strongest": strongest(part),
    }


def column(part: Subnetwork, name: str) -> dict[str, Any]:
    """Write a column: its texts (None where it is unknown), colours and, of numbers, sizes."""
    values = part.columns[name]
    texts = [known_value(value) for value in values]
    return {
        "title": column_heading(part, name),
        "texts": [None if text is None else cell(text) for text in texts],
        "paint": encode_colors(encode_color(part.color_columns(name))),
        "radius": sizes(values) if is_scale(values) else None,
    }


def encode_colors(colours: ColorEncoding) -> dict[str, Any]:
    """Write colours for the page."""
    return {
        "colours": list(colours.colours),
        "of": colours.of,
        "labels": [[cell(label), number, count] for label, number, count in colours.labels],
        "ends": colours.ends,
    }


def column_heading(part: Subnetwork, name: str) -> str:
    """Name a column in words, a score with what it was counted in: ``in-degree in the whole graph``."""
    return f"{plainly(part, name)} {part.origins.get(name, '')}".rstrip()


def choice(part: Subnetwork, name: str) -> str:
    """Name it in few words, for a list: ``in-degree, whole graph``."""
    origin = part.origins.get(name, "").removeprefix("in ").removeprefix("the ")
    return ", ".join(filter(None, (plainly(part, name), origin)))


def plainly(part: Subnetwork, name: str) -> str:
    """Name a column in words, without what it was counted in."""
    word = name.removesuffix(APART) if name in part.origins else name
    return TITLES.get(word) or escape_control_characters(word.replace("_", " "))


def title(part: Subnetwork) -> str:
    """Name the dataset that the graph is of."""
    return cell(str(part.dataset.get("title") or part.dataset.get("name") or "Connections"))


def strongest(part: Subnetwork) -> str:
    """Say what the width of an arrow means."""
    most = max((line.count for line in part.lines if not line.junction), default=None)
    if most is None:
        return ""
    return f"width: up to {format_value(most)} synapse{'' if most == 1 else 's'}"
