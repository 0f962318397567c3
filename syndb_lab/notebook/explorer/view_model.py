"""The view model of a sub-network for the page, with formatted texts, colours and sizes."""

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
DETAILS: Final = (
    "cell_class",
    "cell_type",
    "majority_neurotransmitter",
    "brain_structure",
    "degree",
    "description",
)


def explorer_view(part: Subnetwork, positions: Sequence[tuple[float, float]], key: str) -> dict[str, Any]:
    """Build the view model of a sub-network.

    Parameters
    ----------
    part : Subnetwork
        The sub-network.
    positions : sequence of (float, float)
        Positions of its neurons.
    key : str
        The page finds its element by this key.
    """
    columns = {name: column(part, name) for name in part.columns}
    options = [[name, choice(part, name), part.origins.get(name, DATASET)] for name in columns]
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
        "x": [round(x, 4) for x, _ in positions],
        "y": [round(y, 4) for _, y in positions],
        "lines": {
            "pre": [line.pre for line in part.lines],
            "post": [line.post for line in part.lines],
            "count": [line.count for line in part.lines],
            "junction": [line.junction for line in part.lines],
        },
        "columns": columns,
        "colours": options,
        "sizes": [option for option in options if columns[option[0]]["radius"] is not None],
        "more": escape_control_characters(part.more),
        "told": [[name, columns[name]["title"]] for name in DETAILS if name in columns],
        "plain": encode_colors(plain(len(part.ids))),
        "strongest": strongest(part),
    }


def column(part: Subnetwork, name: str) -> dict[str, Any]:
    """Build the view model of a column: texts (None if unknown), colours and, for numbers, sizes."""
    values = part.columns[name]
    texts = [known_value(value) for value in values]
    return {
        "title": column_heading(part, name),
        "texts": [None if text is None else cell(text) for text in texts],
        "paint": encode_colors(encode_color(part.color_columns(name))),
        "radius": sizes(values) if is_scale(values) else None,
    }


def encode_colors(colours: ColorEncoding) -> dict[str, Any]:
    """Build the view model of colours."""
    return {
        "colours": list(colours.colours),
        "of": colours.of,
        "labels": [[cell(label), number, count] for label, number, count in colours.labels],
        "ends": colours.ends,
    }


def column_heading(part: Subnetwork, name: str) -> str:
    """Return the heading of a column; for a score with its graph: ``in-degree in the whole graph``."""
    return f"{plainly(part, name)} {part.origins.get(name, '')}".rstrip()


def choice(part: Subnetwork, name: str) -> str:
    """Return a short heading for a list: ``in-degree, whole graph``."""
    origin = part.origins.get(name, "").removeprefix("in ").removeprefix("the ")
    return ", ".join(filter(None, (plainly(part, name), origin)))


def plainly(part: Subnetwork, name: str) -> str:
    """Return the heading of a column without the graph that it was computed in."""
    word = name.removesuffix(APART) if name in part.origins else name
    return TITLES.get(word) or escape_control_characters(word.replace("_", " "))


def title(part: Subnetwork) -> str:
    """Return the title of the graph's dataset."""
    return cell(str(part.dataset.get("title") or part.dataset.get("name") or "Connections"))


def strongest(part: Subnetwork) -> str:
    """Format the meaning of an arrow's width."""
    largest = max((line.count for line in part.lines if not line.junction), default=None)
    if largest is None:
        return ""
    return f"width: up to {format_value(largest)} synapse{'' if largest == 1 else 's'}"
