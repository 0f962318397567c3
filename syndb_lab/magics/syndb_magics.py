"""``%%syndb`` and ``%syndb``: jobs from a cell.

``%%syndb q`` puts the job handle into ``q`` at once; with ``--wait`` it is the frame. After a failure it
stays the handle: never half a result, and never None.
"""

from __future__ import annotations

import difflib
from typing import Any, Final, cast

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.display import display
from traitlets import Bool, Enum, Float, Integer

from syndb_lab.connection.connect import connect
from syndb_lab.display.progress import in_notebook
from syndb_lab.errors import SyndbError
from syndb_lab.job import Job
from syndb_lab.lab import Format, Lab
from syndb_lab.magics.cell_line import (
    FORMATS,
    FRAMES,
    USAGE,
    CellLine,
    MagicUsageError,
    read_cell_line,
    read_sql_line,
)
from syndb_lab.magics.completion import Completion
from syndb_lab.magics.line_commands import ALONE, VERBS, LineCommands
from syndb_lab.magics.schema_cache import SchemaCache
from syndb_lab.results.data_frames import FrameKind
from syndb_lab.sql.caller_namespace import find_scope
from syndb_lab.sql.parameter_scanner import tokens
from syndb_lab.sql.parameters import select_values

SQL_STARTS: Final = frozenset(
    {"select", "with", "from", "values", "explain", "describe", "summarize", "table", "pivot", "unpivot", "("}
)


class CellError(Exception):
    """An error shown in a cell as one block, without a traceback; ``__cause__`` is the error itself."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@magics_class
class SyndbMagics(Magics):
    """The magics of one notebook, the connection they share, and their defaults for ``%config``.

    Parameters
    ----------
    shell : InteractiveShell
        The notebook's.

    Examples
    --------
    In a notebook::

        %config SyndbMagics.frame = "pandas"
    """

    frame = Enum(FRAMES, "polars", help="The kind of frame that --wait and Load give.").tag(config=True)
    format = Enum(FORMATS, "arrow", help="The format of result files.").tag(config=True)
    limit = Integer(None, allow_none=True, min=0, help="Rows at most.").tag(config=True)
    time_limit_s = Float(None, allow_none=True, help="Seconds a job may run.").tag(config=True)
    wait = Bool(False, help="Wait for the result in each cell.").tag(config=True)
    quiet = Bool(False, help="Show nothing.").tag(config=True)

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._lab: Lab | None = None
        self._namespace: dict[str, Any] = shell.user_ns
        self._schema = SchemaCache()
        self._verbs = LineCommands(self).by_name()
        self.matcher = Completion(self._schema, self._verbs, self._namespace).matcher

    @no_var_expand
    @line_cell_magic
    def syndb(self, line: str, cell: str | None = None) -> Any:
        """Submit the cell's SQL, or do what the line says; ``%syndb help`` lists it.

        Examples
        --------
        In a notebook::

            %%syndb motor --wait
            SELECT name, cell_type FROM neurons WHERE dataset_id = :celegans AND cell_class = 'motor'
        """
        try:
            return self._verb(line) if cell is None else self._cell(read_cell_line(line), cell)
        except SyndbError as error:
            raise CellError(f"{type(error).__name__}: {error}") from error

    def _verb(self, line: str) -> Any:
        verb, rest = [*line.split(None, 1), "", ""][:2]
        if verb in self._verbs and not (
            verb == "describe" and rest.strip() and not rest.strip().isidentifier()
        ):
            if verb in ALONE and rest.strip():
                raise MagicUsageError(
                    f"%syndb {verb} takes nothing after it, and {rest.strip()[:80]!r} was given",
                    hint="%syndb help lists what there is.",
                )
            return self._verbs[verb](rest.strip())
        first = next((token.word for token in tokens(line) if not token.is_blank), "")
        if first in SQL_STARTS:
            return self._cell(*read_sql_line(line))
        near = difflib.get_close_matches(verb, self._verbs, n=1)
        hint = f"Did you mean %syndb {near[0]}?" if near else "%syndb help lists what there is."
        raise MagicUsageError(
            f"%syndb has no verb {verb!r}" if verb else "%syndb needs a verb or SQL", hint=hint
        )

    def _cell(self, asked: CellLine, query: str) -> Any:
        if asked.help:
            return self.help()
        if asked.dry_run:
            values = self._values(asked, query)
            limit = self._limit(asked)
            return self.lab().validate(
                query, parameters=values, jobs=find_scope(self._namespace), limit=limit
            )
        job = self._submit(asked, query)
        if asked.variable:
            self._namespace[asked.variable] = job
        quiet, wait = asked.quiet or self.quiet, asked.wait or self.wait
        if not wait:
            return self._submit_without_waiting(asked, job, quiet)
        card = self.show(job, asked) if in_notebook() and not quiet else None
        job.wait(progress=False if quiet or card else None)
        if card is not None:
            card.wait_static()
        frame = getattr(job, f"to_{asked.frame or self.frame}")()
        if asked.variable is None:
            return frame
        self._namespace[asked.variable] = frame
        if card is None and not quiet:
            display(frame)  # type: ignore[no-untyped-call]
        return None

    def _submit_without_waiting(self, asked: CellLine, job: Job, quiet: bool) -> Any:
        """Show the job, and give it to the cell where it has no name."""
        if quiet:
            return None if asked.variable else job
        if in_notebook():
            self.show(job, asked)
            return None if asked.variable else job.shown_by_its_card()
        if asked.frame:
            print(f"--as {asked.frame} takes --wait; until then this is the job: .to_{asked.frame}()")
        if asked.variable:
            display(job)  # type: ignore[no-untyped-call]
        return None if asked.variable else job

    def show(self, job: Job, asked: CellLine | None = None) -> Any:
        """Show the live card of a job; outside a notebook, the job itself."""
        if not in_notebook():
            return job
        from syndb_lab.notebook.card.job_card import show_card

        asked = asked or CellLine()
        kind = cast("FrameKind", asked.frame or self.frame)
        return show_card(job, self._namespace, asked.variable, kind)

    def _submit(self, asked: CellLine, query: str) -> Job:
        format_ = cast("Format", asked.format or self.format)
        return self.lab().sql(
            query,
            parameters=self._values(asked, query),
            jobs=find_scope(self._namespace),
            format=format_,
            label=asked.label,
            time_limit_s=self.time_limit_s if asked.time_limit_s is None else asked.time_limit_s,
            limit=self._limit(asked),
            reproducible=asked.reproducible,
        )

    def _limit(self, asked: CellLine) -> int | None:
        limit: int | None = self.limit if asked.limit is None else asked.limit
        return limit

    def _values(self, asked: CellLine, query: str) -> dict[str, Any]:
        if not query.strip():
            raise MagicUsageError("the cell holds no SQL", hint="Write it below the %%syndb line.")
        return select_values(query, find_scope(self._namespace), asked.values)

    def lab(self) -> Lab:
        """Take the ``lab`` of the running function, the connection from before, the notebook's, a new one."""
        named = find_scope(self._namespace).get("lab")
        if isinstance(named, Lab) and named is not self._namespace.get("lab"):
            return named
        if self._lab is None:
            self._lab = named if isinstance(named, Lab) else connect()
        self._schema.warm(self._lab)
        return self._lab

    def connect(self, url: str) -> Lab:
        """Use another service from now on."""
        self._lab = connect(url or None)
        return self.lab()

    def job(self, name: str) -> Job:
        """Find a job by the variable that holds it, by its id or by the beginning of an id in the journal."""
        held = find_scope(self._namespace).get(name)
        return held if isinstance(held, Job) else self.lab().job(name)

    def help(self) -> None:
        """Say what there is."""
        print(f"{USAGE}\n{VERBS}")


def load(shell: InteractiveShell) -> None:
    """Give a shell the magics and their completion, in place of those of an earlier load."""
    shell.configurables[:] = [one for one in shell.configurables if not isinstance(one, SyndbMagics)]
    matchers = shell.Completer.custom_matchers
    matchers[:] = [one for one in matchers if getattr(one, "matcher_identifier", "") != "syndb"]
    magics = SyndbMagics(shell)
    matchers.append(magics.matcher)
    shell.register_magics(magics)
