"""The composer of a notebook: what is typed is checked, what is run has its card below."""

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
from syndb_lab.display.cell_output import close_widget
from syndb_lab.display.progress import in_notebook
from syndb_lab.errors import ParameterError, ServiceUnavailable, SyndbError
from syndb_lab.fork_safety import ProcessLock
from syndb_lab.notebook.card.job_card import JobCard
from syndb_lab.notebook.card.widget import VIEW
from syndb_lab.notebook.cell_identity import execution_count, notebook_cell, replace_cell_output
from syndb_lab.notebook.composer import check_result
from syndb_lab.notebook.composer.backend import NOTHING, ComposerBackend, LabProtocol
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
    """An editor for jobs: SQL with completion and live checks, or a graph analysis by its form.

    Parameters
    ----------
    lab : Lab
        The service.
    document : callable
        Fetches the service's OpenAPI document.
    namespace : dict
        The notebook's variables, for ``:name``, ``{{job}}`` and what Load reads.
    sql : str, optional
        What stands in it at first, unless the cell's last composer was made with the same: then what was
        written there.
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
        self._service = ComposerBackend(lab, document, namespace)
        self._desk = NamespaceWriter(namespace, None, "polars")
        self._key = uuid.uuid4().hex
        self._lock = ProcessLock()
        self._job: NotebookJob | None = None
        self._numbers = itertools.count(1)
        self._card: JobCard | None = None
        self._kept: Draft | None = None
        self._outputs: list[Any] = []
        self._shown_in: int | None = None
        self._closed = False
        self._checker = DraftChecker(self._check, self._show_unavailable)
        self._given, self._cell = sql, notebook_cell()
        before = replace_cell_output(self)
        draft = first_draft(
            sql, load_draft(self._cell) if before is None else (before.initial_sql, before.draft)
        )
        if before is not None:
            before.close()
        self._is_kept = save_draft(self._cell, sql, draft)
        element = ComposerWidget if supports_javascript() else PlainComposer
        self._element: ComposerWidget | PlainComposer = element(
            key=self._key,
            url=lab.url,
            draft=draft.as_dict(),
            schema={**NOTHING, "state": "loading", "message": ""},
            history=load_history(),
        )
        self._element.on_message(self._on_draft, self._on_message)

    def __repr__(self) -> str:
        return f"<composer at {self._service.url}: {self._job or 'nothing run yet'}>"

    @property
    def job(self) -> NotebookJob | None:
        """The job that was run last; None before the first."""
        return self._job

    @property
    def initial_sql(self) -> str | None:
        """The SQL that it was made with."""
        return self._given

    @property
    def sql(self) -> str:
        """What stands in the editor; assign a text to replace it."""
        return self.draft.sql

    @sql.setter
    def sql(self, text: str) -> None:
        draft = self.draft
        changed = replace(draft, kind="query", sql=sql_text(text), serial=draft.serial + 1, by="kernel")
        self._element.draft = changed.as_dict()

    @property
    def draft(self) -> Draft:
        """All that is written in it."""
        return Draft.read(self._element.draft)

    def show(self) -> Self:
        """Show it below the cell that runs now: the editor, the draft as it is saved, the last job's card."""
        self._shown_in = execution_count()
        card = {"text/html": '<div class="syndb-host"></div>', "text/plain": ""}
        if self._card is not None:
            card = self._card.bundle()
        self._kept = self.draft
        self._outputs = [
            ipython_display.display(bundle, raw=True, display_id=f"syndb-{name}-{self._key}")  # type: ignore[no-untyped-call]
            for name, bundle in (
                ("editor", self._live()),
                ("draft", self._static_html(self._kept)),
                ("card", card),
            )
        ]
        self._checker.submit(self._kept)
        return self

    def _ipython_display_(self) -> None:
        """Show it in another cell too; the cell that made it shows it already."""
        if self._closed:
            print(repr(self))
        elif self._shown_in != execution_count():
            self.show()

    def close(self) -> None:
        """End it: the draft and the last job's card stay as plain HTML, and a running job goes on."""
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
        """Write where the page puts the editor, which is not saved."""
        if isinstance(self._element, PlainComposer):
            return {VIEW: {"version_major": 2, "version_minor": 0, "model_id": self._element.model_id}}
        return {"text/html": f'<div class="syndb-host syndb-composer-{self._key}"></div>', "text/plain": ""}

    def _static_html(self, draft: Draft) -> dict[str, Any]:
        return {
            "text/html": draft_html(draft, self._key, self._service.url, is_kept=self._is_kept),
            "text/plain": draft_text(draft, self._service.url, is_kept=self._is_kept),
        }

    def _on_draft(self, sent: dict[str, Any]) -> None:
        draft = Draft.read(sent)
        self._is_kept = save_draft(self._cell, self._given, draft)
        self._checker.submit(draft)

    def _on_message(self, message: dict[str, Any]) -> None:
        """Take a message of the page; a run has a thread of its own, so that no slow check holds it up."""
        self._checker.keep_alive()
        if message.get("do") == "here" and self._element.checked.get("state") == "away":
            self._checker.submit(self.draft)  # nothing is asked any more where no page was there for long
        if message.get("do") == "run":
            draft = Draft.read(message.get("draft") or {})
            args = (draft, str(message.get("run")), next(self._numbers))
            threading.Thread(target=self._run, args=args, name="syndb-composer", daemon=True).start()

    def _check(self, draft: Draft) -> None:
        """Find out what is known of a draft, and show it."""
        try:
            if not self._service.has_schema:
                self._update_widget(schema=self._service.load_schema())
            checked = self._service.check(draft)
        except ServiceUnavailable:
            raise
        except Exception as error:
            checked = check_result.check_result(draft, "invalid", **check_result.error_result(error))
            if not self._service.has_schema:
                self._update_widget(schema={**NOTHING, "state": "none", "message": checked["message"]})
        self._update_widget(jobs=self._service.jobs(), checked=checked)
        self._keep(draft)

    def _show_unavailable(self, draft: Draft) -> None:
        last = self._element.checked
        since = str(last["since"] if last.get("state") == "away" else f"{datetime.now():%H:%M:%S}")
        message = f"no answer from {self._service.url} since {since}; asking again"
        hint = "What you type is not checked meanwhile."
        self._update_widget(
            checked=check_result.check_result(draft, "away", message=message, hint=hint, since=since)
        )
        if not self._service.has_schema:
            self._update_widget(schema={**NOTHING, "state": "away", "message": message})
        self._keep(draft)

    def _run(self, draft: Draft, run: str, number: int = 0) -> None:
        """Submit a draft, and show its card, or why there is none; ``number`` counts the runs."""
        told = {"run": run, "serial": draft.serial, "by": draft.by, "at": f"{datetime.now():%H:%M:%S}"}
        try:
            if draft.kind == "graph" and not self._service.has_schema:
                self._update_widget(schema=self._service.load_schema())
            job = self._service.submit(draft)
            with self._lock:
                if number >= self._run_shown:  # otherwise a later run has its card here already
                    self._run_shown = number
                    self._show_job(job)
        except Exception as error:
            self._update_widget(ran={**told, "job_id": "", **check_result.error_result(error)})
            return
        self._update_widget(ran={**told, "job_id": job.id, "message": ""})
        self._keep(draft)
        with suppress(Exception):  # the job runs, whatever becomes of the list of what was run
            self._update_widget(
                history=add_to_history({**draft.memory(), "at": f"{datetime.now():%Y-%m-%d %H:%M}"})
            )

    def _show_job(self, job: NotebookJob) -> None:
        """Show a job's card instead of the last one's."""
        with self._lock:
            if self._card is not None:
                self._card.close()  # before the job is noted: a rerun on the old card never takes its place
            self._job = job
            if self._closed:
                return
            self._card = JobCard(job, self._desk.load, self._rerun)
            self._card.show(self._outputs[2])

    def _rerun(self, old: NotebookJob, new: NotebookJob) -> str:
        self._job = new
        return f"a rerun of job {old.id[:8]}"

    def _update_widget(self, **news: Any) -> None:
        if not self._closed:
            for name, value in news.items():
                setattr(self._element, name, value)

    def _keep(self, draft: Draft) -> None:
        """Leave the draft in the notebook as it is saved, where it has changed."""
        with self._lock:
            kept = self._kept
            if self._closed or not self._outputs or (kept and draft.serial < kept.serial):
                return  # what was typed since is kept already
            self._kept = draft
            if not kept or draft.memory() != kept.memory():
                self._outputs[1].update(self._static_html(draft), raw=True)


def sql_text(text: Any) -> str:
    """Refuse what is no text for the editor."""
    if not isinstance(text, str):
        raise ParameterError(
            f"sql is {article(text)}, no text", hint='For example: lab.composer("SELECT 1").'
        )
    return require_valid_text("sql", str(text))


def in_this_notebook() -> dict[str, Any]:
    """Find the notebook's variables.

    Raises
    ------
    SyndbError
        There is no notebook to show a composer in.
    """
    if not in_notebook():
        raise SyndbError(
            "the composer needs a notebook",
            hint="Elsewhere: lab.sql(query), lab.graph(dataset), or the command `syndb-lab query`.",
        )
    return notebook_namespace()
