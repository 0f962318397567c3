"""The composer's widget for a page that runs our JavaScript."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from syndb_lab.notebook.front_end import read_asset


class ComposerWidget(anywidget.AnyWidget):
    """The editor, the schema and the forms.

    A page fetches the editor's code once per version (``editor``), because the module of every widget stays
    in memory until the page is closed.

    The page writes ``draft``. The kernel writes the other traits: ``schema`` (datasets, examples, the graph
    form, and whether they are loaded), ``checked`` (the check result of the draft with that ``serial``),
    ``ran`` (the outcome of the last Run), ``jobs`` (jobs whose results SQL can read), ``history``.
    """

    _on_page_message: Callable[[dict[str, Any]], None] | None = None
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
        self, on_draft: Callable[[dict[str, Any]], None], on_message: Callable[[dict[str, Any]], None]
    ) -> None:
        """Call ``on_draft`` with each draft of the page, and ``on_message`` with each message of it."""
        self.observe(lambda change: on_draft(change["new"]), "draft")
        self._on_page_message = on_message
        self.on_msg(self._on_message)

    def _on_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if content.get("do") == "editor":
            self._send_editor()
        elif self._on_page_message is not None:
            self._on_page_message(content)

    def _send_editor(self) -> None:
        """Send the editor's code to a page that does not have this version."""
        self.send({"editor": self._editor})

    def remove_handlers(self) -> None:
        """Remove all callbacks."""
        self.unobserve_all()
        self.on_msg(self._on_message, remove=True)
        self._on_page_message = None
