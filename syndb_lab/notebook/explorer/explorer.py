"""The explorer of a sub-network: interactive in JupyterLab, a picture in the saved notebook."""

from __future__ import annotations

import difflib
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import anywidget
import traitlets
from IPython import display as ipython_display
from IPython.core.getipython import get_ipython

from syndb_lab.conversion.error_conversion import convert_errors
from syndb_lab.conversion.plain_values import article, plain_value
from syndb_lab.conversion.sql_values import format_value as shown_value
from syndb_lab.conversion.sql_values import to_plain_integer
from syndb_lab.display.cell_output import close_earlier_output, close_widget, running_cell_and_run
from syndb_lab.errors import ParameterError
from syndb_lab.fork_safety import ProcessLock
from syndb_lab.notebook.explorer.html import explorer_html, explorer_text
from syndb_lab.notebook.explorer.view_model import column_heading, explorer_view
from syndb_lab.notebook.front_end import read_asset, supports_javascript
from syndb_lab.plots.force_layout import edge_arrays, layout_neurons
from syndb_lab.plots.subnetwork_image import draw_picture, png
from syndb_lab.plots.visual_encoding import encode_color, is_scale, plain, sizes
from syndb_lab.subnetwork.fetch import parse_neurons
from syndb_lab.subnetwork.model import ROLE, Subnetwork

if TYPE_CHECKING:
    import matplotlib.figure
    import networkx

SETTLE_S: Final = 0.8
DEFAULT_COLORS: Final = ("cell_class", "majority_neurotransmitter", "cell_type", "brain_structure", ROLE)
DEFAULT_SIZE: Final = "degree"
DEFAULT: Final = "default"
MAX_READ: Final = 1000


class ExplorerState(traitlets.HasTraits):
    """State of an explorer, for front ends that do not load our JavaScript."""

    part = traitlets.Dict()
    color = traitlets.Unicode()
    size = traitlets.Unicode()
    selected = traitlets.List(traitlets.Unicode())


class ExplorerWidget(anywidget.AnyWidget):
    """State of an explorer, drawn by our JavaScript."""

    _esm = read_asset("explore.js")
    _css = read_asset("explore.css")
    part = traitlets.Dict().tag(sync=True)
    color = traitlets.Unicode().tag(sync=True)
    size = traitlets.Unicode().tag(sync=True)
    selected = traitlets.List(traitlets.Unicode()).tag(sync=True)
    closed = traitlets.Bool().tag(sync=True)


class ExplorerOutput:
    """One output of an explorer."""

    def __init__(self, view: Explorer, output: Any) -> None:
        self._view, self._output = view, output

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        """Replace the content of the output."""
        self._output.update(bundle, raw=raw)

    def close(self) -> None:
        """Release the output, because its cell has run again; close the explorer with the last output."""
        with self._view._lock:
            if self not in self._view._outputs:
                return
            self._view._outputs.remove(self)
        if not self._view._outputs:
            self._view.close()


@convert_errors
class Explorer:
    """An interactive picture of some neurons and their connections; the last line of a cell shows it.

    Parameters
    ----------
    part : Subnetwork
        The sub-network to show.
    color : str or None
        The column for the colours; None for one colour.
    size : str or None
        The column of numbers for the sizes; None for one size.
    seed : int
        Seed of the layout; the same seed gives the same picture.

    Examples
    --------
    >>> view = lab.graph("celegans_varshney_2011", "hubs").explore(neurons="AVAL", limit=20)
    >>> view.color, view.size = "majority_neurotransmitter", "pagerank"
    >>> view.selected = view.search("AVD")
    >>> len(view.selected), len(view.neurons)
    (2, 20)
    >>> view.close()
    """

    def __init__(
        self, part: Subnetwork, color: str | None = DEFAULT, size: str | None = DEFAULT, seed: int = 1
    ) -> None:
        self._part = part
        self._key = uuid.uuid4().hex
        self._positions = layout_neurons(len(part.ids), edge_arrays(part), seed)
        self._lock = ProcessLock()
        self._drawing = ProcessLock()
        self._outputs: list[Any] = []
        self._due: float | None = None
        self._shown_in: str | None = None
        self._closed = False
        appearance: dict[str, Any] = {
            "color": self._require_column("color", self._first() if is_default(color) else color),
            "size": self._require_column("size", DEFAULT_SIZE if is_default(size) else size),
        }
        view = explorer_view(part, self._positions, self._key)
        self._look: ExplorerWidget | ExplorerState = (
            ExplorerWidget(part=view, **appearance)
            if supports_javascript()
            else ExplorerState(part=view, **appearance)
        )
        self._look.observe(lambda _: self._draw_soon(), ["color", "size", "selected"])

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{len(self.selected)} selected"
        neurons, connections = len(self._part.ids), len(self._part.lines)
        words = (
            f"{neurons:,} neuron{'s' * (neurons != 1)}, {connections:,} connection{'s' * (connections != 1)}"
        )
        return f"<Explorer of {words}, {state}>"

    @property
    def selected(self) -> list[int]:
        """The exact ids of the selected neurons, in the order of selection; can be set."""
        return [int(neuron) for neuron in self._look.selected]

    @selected.setter
    def selected(self, neurons: Iterable[int]) -> None:
        wanted = plain_value("selected", neurons)
        selected = [] if wanted == [] else parse_neurons(wanted)
        shown = {str(neuron) for neuron in self._part.ids}
        if unknown := [neuron for neuron in selected if str(neuron) not in shown]:
            raise ParameterError(
                f"neuron {shown_value(unknown[0])} is not among the {len(shown):,} shown",
                hint="Give ids of view.neurons, or show it: explore(neurons=[…]).",
            )
        self._look.selected = list(dict.fromkeys(map(str, selected)))

    @property
    def color(self) -> str | None:
        """The column for the colours, None for one colour; can be set."""
        return self._look.color or None

    @color.setter
    def color(self, column: str | None) -> None:
        self._look.color = self._require_column("color", column)

    @property
    def size(self) -> str | None:
        """The column of numbers for the sizes, None for one size; can be set."""
        return self._look.size or None

    @size.setter
    def size(self, column: str | None) -> None:
        self._look.size = self._require_column("size", column)

    @property
    def neurons(self) -> list[int]:
        """The exact ids of all shown neurons, the centers first."""
        return list(self._part.ids)

    @property
    def columns(self) -> list[str]:
        """The columns that can be used for colours."""
        return list(self._part.columns)

    @property
    def scores(self) -> list[str]:
        """The columns of numbers, which can be used for sizes."""
        return [name for name, column in self._look.part["columns"].items() if column["radius"] is not None]

    def search(self, text: str | int) -> list[int]:
        """Find shown neurons by a part of the name, or by the exact id.

        Examples
        --------
        >>> view = lab.graph("celegans_varshney_2011", "hubs").explore(limit=10)
        >>> sorted(view.search("avb"))
        [56, 57]
        """
        number = to_plain_integer(text)
        if not isinstance(text, str) and (number is None or abs(number) >= 2**64):
            raise ParameterError(
                f"text is {article(text)} that is no name and no id", hint='For example: view.search("AVA").'
            )
        wanted = str(text if number is None else number).strip().casefold()
        return [
            neuron
            for neuron, name in zip(self._part.ids, self._part.names(), strict=True)
            if wanted and (wanted in name.casefold() or wanted == str(neuron))
        ]

    def plot(self) -> matplotlib.figure.Figure:
        """Draw a figure with the current colours, sizes and selection, for a paper or a slide."""
        columns, ids = self._part.columns, self._part.ids
        chosen = set(self._look.selected)
        return draw_picture(
            self._part.names(),
            self._positions,
            self._part.lines,
            encode_color(self._part.color_columns(self._look.color)) if self._look.color else plain(len(ids)),
            sizes(columns[self._look.size]) if self._look.size else [0.6] * len(ids),
            title=self._legend(),
            selected=[row for row, neuron in enumerate(ids) if str(neuron) in chosen],
        )

    def to_networkx(self) -> networkx.MultiDiGraph[Any]:
        """Build the shown graph, with all columns of its neurons."""
        return self._part.to_networkx()

    def show(self) -> None:
        """Show the explorer below the running cell."""
        if get_ipython() is None:
            return
        self._shown_in = running_cell_and_run()[1]
        output = ipython_display.display(self._bundle(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        showing = ExplorerOutput(self, output)
        with self._lock:
            self._outputs.append(showing)
        close_earlier_output(showing)

    def _ipython_display_(self) -> None:
        """Show the explorer, unless the running cell has shown it already."""
        if running_cell_and_run()[1] != self._shown_in:
            self.show()

    def close(self) -> None:
        """Close the explorer; the current picture stays, and the kernel and the page free its memory."""
        if self._closed:
            return
        self._closed = True
        with self._lock:
            drawn, self._due = self._due is None, None
        if isinstance(self._look, ExplorerWidget):
            self._look.closed = True  # for a page that has not loaded the widget yet
            close_widget(self._look)
        if not drawn:
            self._draw()

    def _draw_soon(self) -> None:
        """Draw the saved picture in a thread, when nothing has changed for ``SETTLE_S`` seconds."""
        with self._lock:
            if not self._outputs:
                return
            is_waiting = self._due is not None
            self._due = time.monotonic() + SETTLE_S
        if not is_waiting:
            threading.Thread(target=self._draw_when_idle, name="syndb-explore", daemon=True).start()

    def _draw_when_idle(self) -> None:
        while True:
            with self._lock:
                if self._due is None:
                    return
                pause = self._due - time.monotonic()
                if pause <= 0:
                    self._due = None
                    break
            time.sleep(pause)
        self._draw()

    def _draw(self) -> None:
        with self._drawing:  # one at a time, so that the picture saved last is the newest
            bundle = self._bundle()
            for output in list(self._outputs):
                output.update(bundle, raw=True)

    def _bundle(self) -> dict[str, str]:
        picture = png(self.plot())
        return {
            "text/html": explorer_html(
                self._part, self._current_state(), self._key, picture, live=supports_javascript()
            ),
            "text/plain": explorer_text(self._part, self._current_state()),
        }

    def _legend(self) -> str:
        """Format the meaning of the colours and sizes."""
        color, size = (
            column_heading(self._part, name) if name else "" for name in (self._look.color, self._look.size)
        )
        return " · ".join(filter(None, (color, size and f"size: {size}")))

    def _current_state(self) -> Mapping[str, Any]:
        return {"color": self._look.color, "size": self._look.size, "selected": self.selected}

    def _first(self) -> str | None:
        known = self._part.columns
        candidates = (name for name in DEFAULT_COLORS if name != ROLE or len(set(known.get(ROLE, ()))) > 1)
        return next((name for name in candidates if name in known), None)

    def _require_column(self, option: str, column: str | None) -> str:
        """Return a valid column name, "" for none; the error for an invalid one has similar names."""
        if column is None:
            return ""
        if not isinstance(column, str):
            raise ParameterError(
                f"{option} is {article(column)}, no name of a column",
                hint=f"For example: view.{option} = {DEFAULT_SIZE!r}, or None for one {option}.",
            )
        if column == "":
            return ""
        columns = self._part.columns
        usable = (
            list(columns)
            if option == "color"
            else [name for name, values in columns.items() if is_size_column(values)]
        )
        if column in usable:
            return column
        near = difflib.get_close_matches(column[:MAX_READ], usable, n=2)
        hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"There is {', '.join(usable)}."
        if column in columns:
            raise ParameterError(f"{shown_value(column)} holds no numbers, so it gives no size", hint=hint)
        if self._part.more:
            hint += f" {self._part.more[0].upper()}{self._part.more[1:]}."
        raise ParameterError(
            f"the neurons have no column {shown_value(column)} that holds anything", hint=hint
        )


def is_default(column: Any) -> bool:
    """Return whether the explorer chooses the column."""
    return isinstance(column, str) and column == DEFAULT


def is_size_column(values: list[Any]) -> bool:
    """Return whether a column can be used for sizes."""
    return is_scale(values)
