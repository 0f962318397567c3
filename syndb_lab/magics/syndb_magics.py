"""The magics ``%%syndb`` and ``%syndb``: jobs from a cell.

``%%syndb q`` assigns the job handle to ``q`` at once, and with ``--wait`` the data frame at the end. After a
failure ``q`` stays the handle: it is never a partial result or None.
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
from syndb_lab.magics.completion import Completion, SchemaCache
from syndb_lab.magics.line_commands import ALONE, VERBS, LineCommands
from syndb_lab.results.data_frames import FrameKind
from syndb_lab.sql.caller_namespace import find_scope
from syndb_lab.sql.parameter_scanner import tokens
from syndb_lab.sql.parameters import select_values

SQL_STARTS: Final = frozenset(
    {"select", "with", "from", "values", "explain", "describe", "summarize", "table", "pivot", "unpivot", "("}
)


class CellError(Exception):
    """An error that a cell shows as one block, without a traceback; ``__cause__`` is the original error."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


@magics_class
class SyndbMagics(Magics):
    """The magics of one notebook, the connection they share, and their defaults for ``%config``.

    Parameters
    ----------
    shell : InteractiveShell
        The notebook's shell.

    Examples
    --------
    In a notebook::

        %config SyndbMagics.frame = "pandas"
    """

    frame = Enum(FRAMES, "polars", help="The kind of data frame for --wait and Load.").tag(config=True)
    format = Enum(FORMATS, "arrow", help="The format of result files.").tag(config=True)
    limit = Integer(None, allow_none=True, min=0, help="Maximum number of rows.").tag(config=True)
    time_limit_s = Float(None, allow_none=True, help="Maximum run time in seconds.").tag(config=True)
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
        """Submit the cell's SQL, or run the line command; ``%syndb help`` lists the commands.

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
        verb, argument = [text.strip() for text in [*line.split(None, 1), "", ""][:2]]
        is_sql = verb == "describe" and argument and not argument.isidentifier()
        if verb in self._verbs and not is_sql:
            if verb in ALONE and argument:
                raise MagicUsageError(
                    f"%syndb {verb} takes nothing after it, and {argument[:80]!r} was given",
                    hint="%syndb help lists what there is.",
                )
            return self._verbs[verb](argument)
        first = next((token.word for token in tokens(line) if not token.is_blank), "")
        if first in SQL_STARTS:
            return self._cell(*read_sql_line(line))
        near = difflib.get_close_matches(verb, self._verbs, n=1)
        hint = f"Did you mean %syndb {near[0]}?" if near else "%syndb help lists what there is."
        raise MagicUsageError(
            f"%syndb has no verb {verb!r}" if verb else "%syndb needs a verb or SQL", hint=hint
        )

    def _cell(self, cell_line: CellLine, query: str) -> Any:
        if cell_line.help:
            return self.help()
        if cell_line.dry_run:
            values = self._values(cell_line, query)
            limit = self._limit(cell_line)
            return self.lab().validate(
                query, parameters=values, jobs=find_scope(self._namespace), limit=limit
            )
        job = self._submit(cell_line, query)
        if cell_line.variable:
            self._namespace[cell_line.variable] = job
        quiet, wait = cell_line.quiet or self.quiet, cell_line.wait or self.wait
        if not wait:
            return self._submit_without_waiting(cell_line, job, quiet)
        card = self.show(job, cell_line) if in_notebook() and not quiet else None
        job.wait(progress=False if quiet or card else None)
        if card is not None:
            card.wait_static()
        frame = getattr(job, f"to_{cell_line.frame or self.frame}")()
        if cell_line.variable is None:
            return frame
        self._namespace[cell_line.variable] = frame
        if card is None and not quiet:
            display(frame)  # type: ignore[no-untyped-call]
        return None

    def _submit_without_waiting(self, cell_line: CellLine, job: Job, quiet: bool) -> Any:
        """Show the job, and return it to the cell if no variable holds it."""
        if quiet:
            return None if cell_line.variable else job
        if in_notebook():
            self.show(job, cell_line)
            return None if cell_line.variable else job.shown_by_its_card()
        if cell_line.frame:
            print(f"--as {cell_line.frame} takes --wait; until then this is the job: .to_{cell_line.frame}()")
        if cell_line.variable:
            display(job)  # type: ignore[no-untyped-call]
        return None if cell_line.variable else job

    def show(self, job: Job, cell_line: CellLine | None = None) -> Any:
        """Show the live card of a job; outside a notebook, the job itself."""
        if not in_notebook():
            return job
        from syndb_lab.notebook.card.job_card import show_card

        cell_line = cell_line or CellLine()
        kind = cast("FrameKind", cell_line.frame or self.frame)
        return show_card(job, self._namespace, cell_line.variable, kind)

    def _submit(self, cell_line: CellLine, query: str) -> Job:
        format_ = cast("Format", cell_line.format or self.format)
        return self.lab().sql(
            query,
            parameters=self._values(cell_line, query),
            jobs=find_scope(self._namespace),
            format=format_,
            label=cell_line.label,
            time_limit_s=self.time_limit_s if cell_line.time_limit_s is None else cell_line.time_limit_s,
            limit=self._limit(cell_line),
            reproducible=cell_line.reproducible,
        )

    def _limit(self, cell_line: CellLine) -> int | None:
        limit: int | None = self.limit if cell_line.limit is None else cell_line.limit
        return limit

    def _values(self, cell_line: CellLine, query: str) -> dict[str, Any]:
        if not query.strip():
            raise MagicUsageError("the cell holds no SQL", hint="Write it below the %%syndb line.")
        return select_values(query, find_scope(self._namespace), cell_line.values)

    def lab(self) -> Lab:
        """Return ``lab`` of the calling function, or the last connection, the notebook's, or a new one."""
        named = find_scope(self._namespace).get("lab")
        if isinstance(named, Lab) and named is not self._namespace.get("lab"):
            return named
        if self._lab is None:
            self._lab = named if isinstance(named, Lab) else connect()
        self._schema.warm(self._lab)
        return self._lab

    def connect(self, url: str) -> Lab:
        """Connect to another service, for this and all later cells."""
        self._lab = connect(url or None)
        return self.lab()

    def job(self, name: str) -> Job:
        """Find a job by the variable that holds it, by its id or by the beginning of an id in the journal."""
        value = find_scope(self._namespace).get(name)
        return value if isinstance(value, Job) else self.lab().job(name)

    def help(self) -> None:
        """Print the help text."""
        print(f"{USAGE}\n{VERBS}")


def load(shell: InteractiveShell) -> None:
    """Register the magics and their completion in a shell, in place of those of an earlier load."""
    shell.configurables[:] = [other for other in shell.configurables if not isinstance(other, SyndbMagics)]
    matchers = shell.Completer.custom_matchers
    matchers[:] = [other for other in matchers if getattr(other, "matcher_identifier", "") != "syndb"]
    magics = SyndbMagics(shell)
    matchers.append(magics.matcher)
    shell.register_magics(magics)
