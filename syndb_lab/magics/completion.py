"""Tab completion in a ``%%syndb`` cell: flags, verbs, tables, columns, parameters, job ids."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from syndb_lab.datasets import Dataset
from syndb_lab.job import Job
from syndb_lab.lab import Lab
from syndb_lab.magics.cell_line import FORMATS, FRAMES, line_parser
from syndb_lab.sql.parameter_scanner import tokens
from syndb_lab.user_data.job_journal import entries

WORD: Final = re.compile(r"[^\W\d]\w*$|:\w*$|\{\{\w*$")
SETTING: Final = re.compile(r"(\S+)\s+(\S*)$")
KEYWORDS: Final = (
    *("SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY", "LIMIT", "HAVING", "JOIN", "LEFT JOIN", "ON"),
    *("USING", "WITH", "AS", "AND", "OR", "NOT", "IN", "IS NULL", "BETWEEN", "LIKE", "CASE", "WHEN", "THEN"),
    *("ELSE", "END", "DISTINCT", "UNION ALL", "QUALIFY", "DESC", "count", "sum", "avg", "min", "max"),
)
JOB_VERBS: Final = frozenset({"status", "cancel", "rerun", "attach"})
STALE_S: Final = 300.0


class SchemaCache:
    """The last fetched tables, columns and datasets; they are refetched after ``STALE_S`` seconds."""

    def __init__(self) -> None:
        self.tables: dict[str, list[str]] = {}
        self.datasets: list[Dataset] = []
        self._fetched_at = float("-inf")
        self._url = ""

    def warm(self, lab: Lab) -> None:
        """Fetch the names in the background if they are stale or from another service."""
        if lab.url == self._url and time.monotonic() - self._fetched_at < STALE_S:
            return
        self._url, self._fetched_at = lab.url, time.monotonic()
        threading.Thread(target=self._fetch, args=(lab,), name="syndb-schema", daemon=True).start()

    def _fetch(self, lab: Lab) -> None:
        try:
            self.get(list(lab.datasets()))
        except Exception:  # completion is optional; the user sees the error when the cell runs
            self._fetched_at = float("-inf")

    def get(self, datasets: list[Dataset]) -> None:
        """Store the names of the datasets, their tables and columns."""
        tables: dict[str, list[str]] = {}
        for dataset in datasets:
            for name, table in dataset.tables.items():
                known = tables.setdefault(name, [])
                known += [column["name"] for column in table["columns"] if column["name"] not in known]
        self.tables, self.datasets = tables, datasets


class Completion:
    """Completes the word at the cursor from cached names, without requests while the user types.

    Parameters
    ----------
    schema : SchemaCache
        Tables and columns.
    verbs : iterable of str
        The verbs of ``%syndb``.
    namespace : mapping
        The notebook's variables, for ``:name`` and ``{{job}}``.
    """

    def __init__(self, schema: SchemaCache, verbs: Iterable[str], namespace: Mapping[str, Any]) -> None:
        self._schema = schema
        self._verbs = sorted(verbs)
        self._namespace = namespace

    def matches(self, text: str, cursor_line: int, cursor_position: int) -> tuple[str, list[tuple[str, str]]]:
        """Find the completions at the cursor.

        Parameters
        ----------
        text : str
            The text of the cell.
        cursor_line, cursor_position : int
            The cursor's line and column, counted from 0.

        Returns
        -------
        tuple
            The word typed so far, and its completions, each with its kind.
        """
        lines = text.split("\n")
        before = lines[cursor_line][:cursor_position]
        if text.lstrip().startswith("%%syndb"):
            first = next(index for index, line in enumerate(lines) if line.strip())
            if cursor_line == first:
                return self._flags(before)
            sql = "\n".join([*lines[first + 1 : cursor_line], before])
            return ("", []) if in_text(sql) else self._sql(before, text)
        if before.lstrip().startswith("%syndb "):
            return self._line(before.lstrip().removeprefix("%syndb ").lstrip())
        return "", []

    def _flags(self, before: str) -> tuple[str, list[tuple[str, str]]]:
        setting = SETTING.search(before)
        flag, typed = setting.groups() if setting else ("", "")
        values = {"--as": FRAMES, "--format": FORMATS}.get(flag)
        if values:
            return typed, [(value, "value") for value in values if value.startswith(typed)]
        flags = [flag for flag in line_parser()._option_string_actions if flag != "-h"]
        matches = [(flag, "flag") for flag in sorted(flags) if flag.startswith(typed)]
        return typed, matches if typed.startswith("-") or not typed else []

    def _line(self, line: str) -> tuple[str, list[tuple[str, str]]]:
        verb, space, argument = line.partition(" ")
        if not space:
            verbs = [(name, "verb") for name in self._verbs if name.startswith(verb)]
            return verb, verbs or self._sql(line, line)[1]
        if verb in JOB_VERBS:
            jobs = [entry for entry in entries()[:20] if entry.job_id.startswith(argument)]
            return argument, [(entry.job_id, entry.title) for entry in jobs]
        if verb == "describe":
            return argument, [(name, "table") for name in self._schema.tables if name.startswith(argument)]
        return self._sql(line, line)

    def _sql(self, before: str, text: str) -> tuple[str, list[tuple[str, str]]]:
        word = WORD.search(before)
        typed = word.group() if word else ""
        if typed.startswith(":"):
            names = sorted(f":{name}" for name in self._namespace if not name.startswith("_"))
            return typed, [(name, "parameter") for name in names if name.startswith(typed)]
        if typed.startswith("{{"):
            jobs = sorted(name for name, value in self._namespace.items() if isinstance(value, Job))
            return typed, [(f"{{{{{name}}}}}", "job") for name in jobs if name.startswith(typed[2:])]
        read = [name for name in self._schema.tables if re.search(rf"\b{re.escape(name)}\b", text)]
        columns = [column for table in read or self._schema.tables for column in self._schema.tables[table]]
        pool = [
            *((name, "column") for name in dict.fromkeys(columns)),
            *((name, "table") for name in self._schema.tables),
            *((name, "keyword") for name in KEYWORDS if typed),
        ]
        low = typed.lower()
        return typed, [(name, kind) for name, kind in pool if name.lower().startswith(low)]

    @property
    def matcher(self) -> Any:
        """The matcher function for IPython."""

        @context_matcher(identifier="syndb")  # type: ignore[untyped-decorator]
        def syndb_matcher(context: CompletionContext) -> SimpleMatcherResult:
            typed, matches = self.matches(context.full_text, context.cursor_line, context.cursor_position)
            return SimpleMatcherResult(
                completions=[SimpleCompletion(text=name, type=kind) for name, kind in matches],
                matched_fragment=typed,
                suppress=bool(matches),
            )

        return syndb_matcher


def in_text(sql: str) -> bool:
    """Whether SQL ends inside a text or a comment, where there is nothing to complete.

    Examples
    --------
    >>> in_text("SELECT 'AV"), in_text("SELECT 'AV' -- na"), in_text("SELECT 'AV', na")
    (True, True, False)
    """
    *_, last = tokens(f"{sql}\0")
    return last.kind in {"text", "dollar", "comment"} or last.text.startswith("--")
