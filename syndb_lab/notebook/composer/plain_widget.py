"""A composer of core ipywidgets, for front ends that do not load our JavaScript (VS Code, Colab).

It has checks, parameters and Run. Completion, the schema tree and graph forms are in the other composer only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import ipywidgets
import traitlets

from syndb_lab.display.cell_output import close_widget
from syndb_lab.fork_safety import ProcessLock
from syndb_lab.notebook.card.html import escaped_block
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
LIMITATION: Final = "In this front end: SQL only. For a graph job: lab.graph(dataset, analysis)."


class PlainComposer(ipywidgets.VBox):  # type: ignore[misc]
    """A text area, the parameters, Run, and the check result of the SQL."""

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
        self._result_text = ipywidgets.HTML()
        self._on_page_message: Callable[[dict[str, Any]], None] | None = None
        bar = ipywidgets.HBox([self._run, self._label, self._format])
        super().__init__([self._sql, self._parameters, bar, self._result_text, ipywidgets.Label(LIMITATION)])
        self.draft, self.schema, self.history = draft, schema, history
        for part in (self._sql, self._label, self._format):
            part.observe(self._write, "value")
        self._run.on_click(
            lambda _: (
                self._on_page_message
                and self._on_page_message({"do": "run", "run": "button", "draft": self.draft})
            )
        )
        self.observe(lambda change: self._show_check(change["new"]), ["checked", "ran"])
        self.observe(lambda change: self._show_draft(Draft.read(change["new"])), "draft")

    def on_message(
        self, on_draft: Callable[[dict[str, Any]], None], on_message: Callable[[dict[str, Any]], None]
    ) -> None:
        """Call ``on_draft`` with each draft, and ``on_message`` with each click."""
        self._on_page_message = on_message
        self.observe(lambda change: on_draft(change["new"]), "draft")

    def remove_handlers(self) -> None:
        """Remove all callbacks."""
        self._on_page_message = None
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
        """Show a draft that the kernel has set."""
        if draft.by == "kernel" and draft.sql != self._sql.value:
            self._sql.value = draft.sql

    def _show_check(self, result: dict[str, Any]) -> None:
        if result.get("serial") != self.draft.get("serial"):
            return
        if "parameters" in result:
            self._show_parameters(result["parameters"])
        position = f"line {result['line']}, column {result['column']}: " if result.get("line") else ""
        columns = ", ".join(f"{column['name']} {column['type']}" for column in result.get("columns", ()))
        lines = [
            f"{result.get('state', '')} {position}{result.get('message', '')}".strip(),
            result.get("hint", ""),
            " · ".join(result.get("facts", ())),
            f"columns: {columns}" if columns else "",
            *result.get("advice", ()),
        ]
        self._result_text.value = escaped_block("\n".join(line for line in lines if line))

    def _show_parameters(self, parameters: list[dict[str, str]]) -> None:
        """Show a field for each parameter; replace the fields only if the names have changed."""
        names = [parameter["name"] for parameter in parameters]
        if names == self._names:
            return
        boxes = []
        for parameter in parameters:
            kind = ipywidgets.Dropdown(
                options=[(text, name) for name, text in KINDS.items()], value=parameter["kind"]
            )
            text = ipywidgets.Text(parameter["text"], placeholder="value")
            kind.observe(self._write, "value")
            text.observe(self._write, "value")
            boxes.append(ipywidgets.HBox([ipywidgets.Label(f":{parameter['name']}"), kind, text]))
        with self._lock:
            before, self._parameters.children, self._names = self._parameters.children, boxes, names
        for box in before:
            close_widget(box)
