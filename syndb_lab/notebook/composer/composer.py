"""The composer of a notebook: it checks the draft while the user types, and shows the card of its job."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Self

from IPython import display as ipython_display

from syndb_lab.conversion.error_conversion import convert_errors
from syndb_lab.conversion.plain_values import article, require_valid_text
from syndb_lab.display.cell_output import (
    close_widget,
    execution_count,
    notebook_cell,
    replace_cell_output,
)
from syndb_lab.display.progress import in_notebook
from syndb_lab.errors import ParameterError, ServiceUnavailable, SyndbError
from syndb_lab.fork_safety import ProcessLock
from syndb_lab.notebook.card.job_card import JobCard
from syndb_lab.notebook.card.widget import VIEW
from syndb_lab.notebook.composer import check_result
from syndb_lab.notebook.composer.backend import NO_SCHEMA, ComposerBackend, LabProtocol
from syndb_lab.notebook.composer.draft import Draft
from syndb_lab.notebook.composer.draft_checker import DraftChecker
from syndb_lab.notebook.composer.draft_store import first_draft, load_draft, save_draft
from syndb_lab.notebook.composer.html import draft_html, draft_text
from syndb_lab.notebook.composer.plain_widget import PlainComposer
from syndb_lab.notebook.composer.widget import ComposerWidget
from syndb_lab.notebook.front_end import supports_javascript
from syndb_lab.notebook.monitor import notebook_namespace
from syndb_lab.notebook.namespace_writer import NamespaceWriter
from syndb_lab.notebook.notebook_job import NotebookJob
from syndb_lab.user_data.query_history import add_to_history, load_history


@convert_errors
class Composer:
    """An editor for jobs: SQL with completion and live checks, or a form for a graph analysis.

    Parameters
    ----------
    lab : Lab
        The service.
    document : callable
        Fetches the service's OpenAPI document.
    namespace : dict
        The notebook's variables, for ``:name``, ``{{job}}`` and Load.
    sql : str, optional
        Initial text. If the last composer of the cell was opened with the same text, its draft is restored.
    """

    _run_shown: int = 0

    def __init__(
        self,
        lab: LabProtocol,
        document: Callable[[], dict[str, Any]],
        namespace: dict[str, Any],
        sql: str | None = None,
    ) -> None:
        sql = None if sql is None else sql_text(sql)
        self._backend = ComposerBackend(lab, document, namespace)
        self._namespace_writer = NamespaceWriter(namespace, None, "polars")
        self._key = uuid.uuid4().hex
        self._lock = ProcessLock()
        self._job: NotebookJob | None = None
        self._numbers = itertools.count(1)
        self._card: JobCard | None = None
        self._saved_draft: Draft | None = None
        self._outputs: list[Any] = []
        self._shown_in: int | None = None
        self._closed = False
        self._checker = DraftChecker(self._check, self._show_unavailable)
        self._initial_sql, self._cell = sql, notebook_cell()
        before = replace_cell_output(self)
        draft = first_draft(
            sql, load_draft(self._cell) if before is None else (before.initial_sql, before.draft)
        )
        if before is not None:
            before.close()
        self._is_saved = save_draft(self._cell, sql, draft)
        element = ComposerWidget if supports_javascript() else PlainComposer
        self._element: ComposerWidget | PlainComposer = element(
            key=self._key,
            url=lab.url,
            draft=draft.as_dict(),
            schema={**NO_SCHEMA, "state": "loading", "message": ""},
            history=load_history(),
        )
        self._element.on_message(self._on_draft, self._on_message)

    def __repr__(self) -> str:
        return f"<composer at {self._backend.url}: {self._job or 'nothing run yet'}>"

    @property
    def job(self) -> NotebookJob | None:
        """The last job that was run; None before the first."""
        return self._job

    @property
    def initial_sql(self) -> str | None:
        """The SQL that the composer was opened with."""
        return self._initial_sql

    @property
    def sql(self) -> str:
        """The text in the editor; assign a text to replace it."""
        return self.draft.sql

    @sql.setter
    def sql(self, text: str) -> None:
        draft = self.draft
        changed = replace(draft, kind="query", sql=sql_text(text), serial=draft.serial + 1, by="kernel")
        self._element.draft = changed.as_dict()

    @property
    def draft(self) -> Draft:
        """The current draft."""
        return Draft.read(self._element.draft)

    def show(self) -> Self:
        """Show the editor, the static draft and the last job's card below the running cell."""
        self._shown_in = execution_count()
        card = {"text/html": '<div class="syndb-host"></div>', "text/plain": ""}
        if self._card is not None:
            card = self._card.bundle()
        self._saved_draft = self.draft
        self._outputs = [
            ipython_display.display(bundle, raw=True, display_id=f"syndb-{name}-{self._key}")  # type: ignore[no-untyped-call]
            for name, bundle in (
                ("editor", self._live()),
                ("draft", self._static_html(self._saved_draft)),
                ("card", card),
            )
        ]
        self._checker.submit(self._saved_draft)
        return self

    def _ipython_display_(self) -> None:
        """Show the composer in another cell, too; the cell that opened it shows it already."""
        if self._closed:
            print(repr(self))
        elif self._shown_in != execution_count():
            self.show()

    def close(self) -> None:
        """Close the composer; draft and card stay as static HTML, and a running job continues."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._checker.close()
        self._element.remove_handlers()
        if self._outputs:
            self._outputs[0].update({"text/html": "", "text/plain": ""}, raw=True)
            self._outputs[1].update(self._static_html(self.draft), raw=True)
        if self._card is not None:
            self._card.close()
        close_widget(self._element)

    def _live(self) -> dict[str, Any]:
        """Build the output data of the editor, which is not saved."""
        if isinstance(self._element, PlainComposer):
            return {VIEW: {"version_major": 2, "version_minor": 0, "model_id": self._element.model_id}}
        return {"text/html": f'<div class="syndb-host syndb-composer-{self._key}"></div>', "text/plain": ""}

    def _static_html(self, draft: Draft) -> dict[str, Any]:
        return {
            "text/html": draft_html(draft, self._key, self._backend.url, is_saved=self._is_saved),
            "text/plain": draft_text(draft, self._backend.url, is_saved=self._is_saved),
        }

    def _on_draft(self, sent: dict[str, Any]) -> None:
        draft = Draft.read(sent)
        self._is_saved = save_draft(self._cell, self._initial_sql, draft)
        self._checker.submit(draft)

    def _on_message(self, message: dict[str, Any]) -> None:
        """Handle a message of the page; a run has its own thread, so that it does not wait for a check."""
        self._checker.keep_alive()
        if message.get("do") == "here" and self._element.checked.get("state") == "away":
            self._checker.submit(self.draft)  # checks stop when no page has shown the composer for long
        if message.get("do") == "run":
            draft = Draft.read(message.get("draft") or {})
            args = (draft, str(message.get("run")), next(self._numbers))
            threading.Thread(target=self._run, args=args, name="syndb-composer", daemon=True).start()

    def _check(self, draft: Draft) -> None:
        """Check a draft, and show the result."""
        try:
            if not self._backend.has_schema:
                self._update_widget(schema=self._backend.load_schema())
            checked = self._backend.check(draft)
        except ServiceUnavailable:
            raise
        except Exception as error:
            checked = check_result.check_result(draft, "invalid", **check_result.error_result(error))
            if not self._backend.has_schema:
                self._update_widget(schema={**NO_SCHEMA, "state": "none", "message": checked["message"]})
        self._update_widget(jobs=self._backend.jobs(), checked=checked)
        self._save_output(draft)

    def _show_unavailable(self, draft: Draft) -> None:
        last = self._element.checked
        since = str(last["since"] if last.get("state") == "away" else f"{datetime.now():%H:%M:%S}")
        message = f"no answer from {self._backend.url} since {since}; asking again"
        hint = "What you type is not checked meanwhile."
        self._update_widget(
            checked=check_result.check_result(draft, "away", message=message, hint=hint, since=since)
        )
        if not self._backend.has_schema:
            self._update_widget(schema={**NO_SCHEMA, "state": "away", "message": message})
        self._save_output(draft)

    def _run(self, draft: Draft, run: str, number: int = 0) -> None:
        """Submit a draft, and show its card or the error; ``number`` counts the runs."""
        report = {"run": run, "serial": draft.serial, "by": draft.by, "at": f"{datetime.now():%H:%M:%S}"}
        try:
            if draft.kind == "graph" and not self._backend.has_schema:
                self._update_widget(schema=self._backend.load_schema())
            job = self._backend.submit(draft)
            with self._lock:
                if number >= self._run_shown:  # otherwise the card of a later run is shown
                    self._run_shown = number
                    self._show_job(job)
        except Exception as error:
            self._update_widget(ran={**report, "job_id": "", **check_result.error_result(error)})
            return
        self._update_widget(ran={**report, "job_id": job.id, "message": ""})
        self._save_output(draft)
        with suppress(Exception):  # the job runs, even if the history can't be written
            self._update_widget(
                history=add_to_history({**draft.memory(), "at": f"{datetime.now():%Y-%m-%d %H:%M}"})
            )

    def _show_job(self, job: NotebookJob) -> None:
        """Replace the last card by the card of a job."""
        with self._lock:
            if self._card is not None:
                self._card.close()  # before the job is set, so that a rerun on the old card can't replace it
            self._job = job
            if self._closed:
                return
            self._card = JobCard(job, self._namespace_writer.load, self._rerun)
            self._card.show(self._outputs[2])

    def _rerun(self, old: NotebookJob, new: NotebookJob) -> str:
        self._job = new
        return f"a rerun of job {old.id[:8]}"

    def _update_widget(self, **changes: Any) -> None:
        if not self._closed:
            for name, value in changes.items():
                setattr(self._element, name, value)

    def _save_output(self, draft: Draft) -> None:
        """Update the static draft in the notebook if it has changed."""
        with self._lock:
            saved = self._saved_draft
            if self._closed or not self._outputs or (saved and draft.serial < saved.serial):
                return  # a newer draft is saved
            self._saved_draft = draft
            if not saved or draft.memory() != saved.memory():
                self._outputs[1].update(self._static_html(draft), raw=True)


def sql_text(text: Any) -> str:
    """Return a valid text for the editor, or raise ``ParameterError``."""
    if not isinstance(text, str):
        raise ParameterError(
            f"sql is {article(text)}, no text", hint='For example: lab.composer("SELECT 1").'
        )
    return require_valid_text("sql", str(text))


def in_this_notebook() -> dict[str, Any]:
    """Return the notebook's variables.

    Raises
    ------
    SyndbError
        The code does not run in a notebook.
    """
    if not in_notebook():
        raise SyndbError(
            "the composer needs a notebook",
            hint="Elsewhere: lab.sql(query), lab.graph(dataset), or the command `syndb-lab query`.",
        )
    return notebook_namespace()
