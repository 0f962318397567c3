"""The composer's widget in a page that runs our JavaScript."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from syndb_lab.notebook.front_end import read_asset


class ComposerWidget(anywidget.AnyWidget):
    """The editor, the schema and the forms.

    A page fetches the editor itself once, by its ``editor`` version: every widget's module stays in the page
    for as long as that is open.

    The page writes ``draft``; the kernel writes the rest: ``schema`` (datasets, examples, the graph form,
    and whether they are here), ``checked`` (what is known of the draft with that ``serial``), ``ran`` (what
    became of the last Run), ``jobs`` (whose results SQL may read), ``history``.
    """

    _said: Callable[[dict[str, Any]], None] | None = None
    _esm = read_asset("composer.js")
    _editor = read_asset("editor.js")
    _css = read_asset("card.css") + read_asset("composer.css")
    key = traitlets.Unicode().tag(sync=True)
    editor = traitlets.Unicode(hashlib.sha256(_editor.encode()).hexdigest()[:16]).tag(sync=True)
    url = traitlets.Unicode().tag(sync=True)
    draft = traitlets.Dict().tag(sync=True)
    schema = traitlets.Dict().tag(sync=True)
    checked = traitlets.Dict().tag(sync=True)
    ran = traitlets.Dict().tag(sync=True)
    jobs: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    history: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)

    def on_message(
        self, typed: Callable[[dict[str, Any]], None], said: Callable[[dict[str, Any]], None]
    ) -> None:
        """Call ``typed`` with each draft of the page, and ``said`` with each message."""
        self.observe(lambda change: typed(change["new"]), "draft")
        self._said = said
        self.on_msg(self._on_message)

    def _on_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if content.get("do") == "editor":
            self._give()
        elif self._said is not None:
            self._said(content)

    def _give(self) -> None:
        """Send the editor to a page that has none of this version."""
        self.send({"editor": self._editor})

    def remove_handlers(self) -> None:
        """Forget who listens."""
        self.unobserve_all()
        self.on_msg(self._on_message, remove=True)
        self._said = None
