"""The widgets of a card: drawn by our JavaScript in JupyterLab, with ipywidgets controls elsewhere.

Both receive the view model of a card as one dictionary and report clicks; they contain no logic of jobs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import anywidget
import ipywidgets
import traitlets

from syndb_lab.display.cell_output import close_widget
from syndb_lab.notebook.card.html import live_html
from syndb_lab.notebook.front_end import read_asset, supports_javascript

VIEW: Final = "application/vnd.jupyter.widget-view+json"
OnClick = Callable[[dict[str, Any]], None]


class CardWidget(anywidget.AnyWidget):
    """A card, drawn by our JavaScript."""

    _esm = read_asset("card.js")
    _css = read_asset("card.css")
    card = traitlets.Dict().tag(sync=True)

    def on_click(self, callback: OnClick) -> None:
        """Call ``callback`` with each click."""
        self.on_msg(lambda _, content, __: callback(content))


class FallbackCard(ipywidgets.VBox):  # type: ignore[misc]
    """A card of core ipywidgets, for front ends that do not load our JavaScript (VS Code, Colab)."""

    card = traitlets.Dict()

    def __init__(self, card: dict[str, Any]) -> None:
        self._on_click: OnClick | None = None
        self._text = ipywidgets.HTML()
        self._bar = ipywidgets.FloatProgress(min=0, max=1, layout=ipywidgets.Layout(width="100%"))
        self._buttons = ipywidgets.HBox()
        self._shown: list[dict[str, Any]] = []
        super().__init__([self._text, self._bar, self._buttons])
        self.observe(lambda change: self._draw(change["new"]), "card")
        self.card = card

    def on_click(self, callback: OnClick) -> None:
        """Call ``callback`` with each click."""
        self._on_click = callback

    def _draw(self, card: dict[str, Any]) -> None:
        self._text.value = live_html(card)
        self._bar.layout.display = "none" if card["fraction"] is None else ""
        self._bar.value = card["fraction"] or 0
        if card["buttons"] != self._shown:
            self._shown = card["buttons"]
            before = self._buttons.children
            self._buttons.children = [self._button(action) for action in card["buttons"]]
            for button in before:
                close_widget(button)

    def _button(self, action: dict[str, Any]) -> ipywidgets.Button:
        button = ipywidgets.Button(
            description=action["text"],
            disabled=bool(action.get("disabled")),
            layout=ipywidgets.Layout(width="auto"),
        )
        button.on_click(lambda _: self._on_click and self._on_click({"do": action["do"]}))
        return button


def card_widget(card: dict[str, Any]) -> CardWidget | FallbackCard:
    """Build the card that this front end can show.

    A drawn card finds its position in the page by itself, in the static HTML of the same job.
    """
    return CardWidget(card=card) if supports_javascript() else FallbackCard(card)


def view_bundle(widget: CardWidget | FallbackCard) -> dict[str, Any]:
    """Build the output data of a widget; empty for a drawn card, which is not saved."""
    if isinstance(widget, CardWidget):
        return {}
    return {VIEW: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}}
