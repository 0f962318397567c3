"""A composer of core ipywidgets, for front ends that load no JavaScript of ours (VS Code, Colab).

It checks, asks for parameters and runs; completion, the schema's tree and graph forms need our own editor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import ipywidgets
import traitlets

from syndb_lab.display.cell_output import close_widget
from syndb_lab.fork_safety import ProcessLock
from syndb_lab.notebook.card.live_html import escaped_block
from syndb_lab.notebook.composer.draft import FORMATS, Draft

KINDS: Final = {
    "text": "text",
    "whole": "whole number",
    "number": "number",
    "flag": "true or false",
    "date": "date",
    "moment": "date and time",
    "list": "list",
    "dataset": "dataset id",
    "variable": "variable",
    "null": "NULL",
}
LEAST: Final = "In this front end: SQL only. For a graph job: lab.graph(dataset, analysis)."


class PlainComposer(ipywidgets.VBox):  # type: ignore[misc]
    """A text area, the parameters, Run, and what the service says of the SQL."""

    draft = traitlets.Dict()
    schema = traitlets.Dict()
    checked = traitlets.Dict()
    ran = traitlets.Dict()
    jobs: traitlets.List[dict[str, Any]] = traitlets.List()
    history: traitlets.List[dict[str, Any]] = traitlets.List()

    def __init__(
        self,
        key: str,
        url: str,
        draft: dict[str, Any],
        schema: dict[str, Any],
        history: list[dict[str, Any]],
    ) -> None:
        wide = ipywidgets.Layout(width="100%")
        self._sql = ipywidgets.Textarea(
            draft["sql"], placeholder="SELECT …", rows=8, layout=wide, tooltip="SQL"
        )
        self._label = ipywidgets.Text(draft["label"], placeholder="label")
        self._format = ipywidgets.Dropdown(options=FORMATS, value=draft["format"])
        self._run = ipywidgets.Button(description="Run", button_style="primary")
        self._parameters = ipywidgets.VBox()
        self._names: list[str] = []
        self._lock = ProcessLock()  # fields come from the checker's thread, values from the page's
        self._told = ipywidgets.HTML()
        self._said: Callable[[dict[str, Any]], None] | None = None
        bar = ipywidgets.HBox([self._run, self._label, self._format])
        super().__init__([self._sql, self._parameters, bar, self._told, ipywidgets.Label(LEAST)])
        self.draft, self.schema, self.history = draft, schema, history
        for part in (self._sql, self._label, self._format):
            part.observe(self._write, "value")
        self._run.on_click(
            lambda _: self._said and self._said({"do": "run", "run": "button", "draft": self.draft})
        )
        self.observe(lambda change: self._show_check(change["new"]), ["checked", "ran"])
        self.observe(lambda change: self._show_draft(Draft.read(change["new"])), "draft")

    def on_message(
        self, typed: Callable[[dict[str, Any]], None], said: Callable[[dict[str, Any]], None]
    ) -> None:
        """Call ``typed`` with each draft, and ``said`` with each click."""
        self._said = said
        self.observe(lambda change: typed(change["new"]), "draft")

    def remove_handlers(self) -> None:
        """Forget who listens."""
        self._said = None
        self.unobserve_all()

    def _write(self, _: object) -> None:
        with self._lock:
            before = Draft.read(self.draft)
            values = dict(before.values)
            for name, box in zip(self._names, self._parameters.children, strict=True):
                _, kind, text = box.children
                values[name] = {"kind": kind.value, "text": text.value}
            written = Draft(
                "query",
                self._sql.value,
                values,
                self._format.value,
                self._label.value,
                serial=before.serial + 1,
                by="page",
            )
            self.draft = written.as_dict()

    def _show_draft(self, draft: Draft) -> None:
        """Show what the kernel has written."""
        if draft.by == "kernel" and draft.sql != self._sql.value:
            self._sql.value = draft.sql

    def _show_check(self, said: dict[str, Any]) -> None:
        if said.get("serial") != self.draft.get("serial"):
            return
        if "parameters" in said:
            self._show_parameters(said["parameters"])
        place = f"line {said['line']}, column {said['column']}: " if said.get("line") else ""
        columns = ", ".join(f"{one['name']} {one['type']}" for one in said.get("columns", ()))
        lines = [
            f"{said.get('state', '')} {place}{said.get('message', '')}".strip(),
            said.get("hint", ""),
            " · ".join(said.get("facts", ())),
            f"columns: {columns}" if columns else "",
            *said.get("advice", ()),
        ]
        self._told.value = escaped_block("\n".join(line for line in lines if line))

    def _show_parameters(self, parameters: list[dict[str, str]]) -> None:
        """Offer a field for each parameter, anew only where there are others."""
        names = [one["name"] for one in parameters]
        if names == self._names:
            return
        boxes = []
        for one in parameters:
            kind = ipywidgets.Dropdown(
                options=[(text, name) for name, text in KINDS.items()], value=one["kind"]
            )
            text = ipywidgets.Text(one["text"], placeholder="value")
            kind.observe(self._write, "value")
            text.observe(self._write, "value")
            boxes.append(ipywidgets.HBox([ipywidgets.Label(f":{one['name']}"), kind, text]))
        with self._lock:
            before, self._parameters.children, self._names = self._parameters.children, boxes, names
        for box in before:
            close_widget(box)
