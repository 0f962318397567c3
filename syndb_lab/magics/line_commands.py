"""The line commands ``%syndb VERB …``, and the help text of the magics."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final, Protocol

from syndb_lab.datasets import column_listing, list_tables
from syndb_lab.display.listing import Listing
from syndb_lab.errors import JobNotFound
from syndb_lab.job import Job
from syndb_lab.lab import Lab
from syndb_lab.magics.cell_line import HELP_WORDS, MagicUsageError
from syndb_lab.user_data.job_journal import JournalEntry, entries, written_out

VERBS: Final = """\
SELECT …                       the SQL, below the line; :name takes its value from -p or from the notebook,
                               {{name}} is the stored result of the job in that variable

VAR                            the variable for the job's handle; with --wait, for the result
--as KIND                      the kind of data frame for --wait and Load (polars)
-p name=value                  a value for :name
--label L                      a name for the job
--limit N                      maximum number of rows: the first ones
--format F                     the format of the result file (arrow)
--time-limit S                 maximum run time of the job in seconds
--reproducible                 the same file at each run, on one thread: it may take several times as long
--wait                         wait for the result; Stop ends the wait, and the job goes on
--dry-run                      only check it: columns, tables, estimated rows
--quiet                        show nothing

%syndb SELECT … [FLAGS]        submit one line; r = %syndb … keeps its job, with --wait its result
%syndb connect [URL]           use this service
%syndb datasets                the datasets you may query
%syndb tables                  the tables
%syndb describe TABLE          a table's columns, types and units
%syndb jobs                    your jobs, newest first
%syndb composer                an editor for SQL and graph jobs, checked while you type
%syndb monitor                 your jobs, live, in one table
%syndb status ID               the status of a job
%syndb attach ID               its live card, also in a new kernel; without an ID, jobs submitted from here
%syndb cancel ID               cancel it
%syndb rerun ID                submit it again
%syndb help                    this text
%config SyndbMagics            defaults for the flags
ID is a job's id, its beginning if it was submitted from here, or the variable that holds its handle."""
ALONE: Final = frozenset({"datasets", "tables", "jobs", "composer", "monitor"})
NO_ID: Final = "Give its id, or the variable that holds its handle."


class Notebook(Protocol):
    """The methods of the notebook's magics that the verbs use."""

    def lab(self) -> Lab:
        """Return the notebook's connection."""

    def connect(self, url: str) -> Lab:
        """Connect to another service."""

    def job(self, name: str) -> Job:
        """Find a job by its variable or id."""

    def show(self, job: Job) -> Any:
        """Show a job's card; return the job itself outside a notebook."""

    def help(self) -> None:
        """Print the help text."""


class LineCommands:
    """The actions of ``%syndb VERB …``.

    Parameters
    ----------
    magics : Notebook
        The notebook's magics.
    """

    def __init__(self, magics: Notebook) -> None:
        self._magics = magics

    def by_name(self) -> dict[str, Callable[[str], Any]]:
        """Map each verb to the function that runs it."""
        return {
            "connect": self._magics.connect,
            "datasets": lambda _: self._magics.lab().datasets(),
            "tables": lambda _: list_tables(self._magics.lab().datasets()),
            "describe": self._describe,
            "jobs": lambda _: self._magics.lab().jobs(),
            "status": lambda name: self._job(name).refresh(),
            "cancel": lambda name: self._job(name).cancel(),
            "rerun": lambda name: self._show_job(self._job(name).rerun()),
            "composer": lambda _: self._magics.lab().composer(),
            "monitor": self._monitor,
            "attach": self._attach,
            **dict.fromkeys(HELP_WORDS, lambda _: self._magics.help()),
        }

    def _describe(self, name: str) -> Any:
        if not name:
            raise MagicUsageError("which table?", hint="%syndb tables lists them.")
        return column_listing(self._magics.lab().datasets(), name)

    def _monitor(self, _: str) -> None:
        self._magics.lab().monitor()

    def _attach(self, name: str) -> Any:
        if not name:
            return journal_listing(entries()[:20])
        return self._show_job(self._job(name).refresh())

    def _show_job(self, job: Job) -> Job:
        return job if self._magics.show(job) is job else job.shown_by_its_card()

    def _job(self, name: str) -> Job:
        if not name:
            raise MagicUsageError("which job?", hint=NO_ID)
        found = written_out(name)
        if len(found) > 1:
            ids = ", ".join(entry.job_id for entry in found[:3])
            raise MagicUsageError(f"{name} is the beginning of {len(found)} job ids: {ids}", hint=NO_ID)
        try:
            return self._magics.job(found[0].job_id if found else name)
        except JobNotFound as error:
            if found and found[0].url != self._magics.lab().url:
                error.hint = f"It was submitted to {found[0].url}: %syndb connect {found[0].url}"
            raise


def journal_listing(submitted: list[JournalEntry]) -> Listing[JournalEntry]:
    """Build the listing of jobs submitted from this computer."""
    return Listing(
        submitted,
        {
            "submitted": format_submission_time,
            "job": attrgetter("job_id"),
            "title": attrgetter("title"),
            "service": attrgetter("url"),
        },
        empty="nothing was submitted from this computer yet",
    )


def format_submission_time(entry: JournalEntry) -> str:
    """Format the time when a job was submitted."""
    return entry.created_at[:19].replace("T", " ")
