"""A sub-network as the page is told of it: every value a text, every colour and size decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from syndb_lab.drawing.paint import Paint, is_scale, paint, plain, sizes, written
from syndb_lab.first_rows import cell, visible
from syndb_lab.remarks import advice, caption
from syndb_lab.subnetwork import PAGERANK, Subnetwork

TITLES: Final = {
    "in_degree": "in-degree",
    "out_degree": "out-degree",
    "in_strength": "in-strength",
    "out_strength": "out-strength",
    PAGERANK: "PageRank of those shown",
    "majority_neurotransmitter": "neurotransmitter",
}
TOLD: Final = (
    "cell_class",
    "cell_type",
    "majority_neurotransmitter",
    "brain_structure",
    "degree",
    "description",
)


def graph_part(part: Subnetwork, places: Sequence[tuple[float, float]], key: str) -> dict[str, Any]:
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
    columns = {name: column(name, values) for name, values in part.columns.items()}
    return {
        "key": key,
        "title": title(part),
        "caption": visible(caption(part)),
        "advice": [*map(visible, advice(part)), *map(visible, part.notes)],
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
        "colours": [[name, told["title"]] for name, told in columns.items()],
        "sizes": [[name, told["title"]] for name, told in columns.items() if told["radius"] is not None],
        "told": [[name, columns[name]["title"]] for name in TOLD if name in columns],
        "plain": painted(plain(len(part.ids))),
        "strongest": strongest(part),
    }


def column(name: str, values: list[Any]) -> dict[str, Any]:
    """Write a column: its texts, colours and, of numbers, sizes."""
    texts = [None if value is None or value == "" else cell(written(value)) for value in values]
    return {
        "title": heading(name),
        "texts": texts,
        "paint": painted(paint(values)),
        "radius": sizes(values) if is_scale(values) else None,
    }


def painted(colours: Paint) -> dict[str, Any]:
    """Write colours for the page."""
    return {
        "colours": list(colours.colours),
        "of": colours.of,
        "labels": [[cell(label), number, count] for label, number, count in colours.labels],
        "ends": colours.ends,
    }


def heading(name: str) -> str:
    """Name a column in words.

    Examples
    --------
    >>> heading("cell_class"), heading("in_degree")
    ('cell class', 'in-degree')
    """
    return TITLES.get(name) or visible(name.replace("_", " "))


def title(part: Subnetwork) -> str:
    """Name the dataset that the graph is of."""
    return cell(str(part.dataset.get("title") or part.dataset.get("name") or "Connections"))


def strongest(part: Subnetwork) -> str:
    """Say what the width of an arrow means."""
    most = max((line.count for line in part.lines if not line.junction), default=None)
    if most is None:
        return ""
    return f"width: up to {written(most)} synapse{'' if most == 1 else 's'}"
