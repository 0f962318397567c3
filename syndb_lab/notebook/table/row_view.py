"""A stored result as a table to look at: sorted, filtered, and read by the page."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from syndb_lab.conversion.column_types import is_number, ordered_type, shown_type, written_type
from syndb_lab.errors import ParameterError, SyndbError
from syndb_lab.fork_safety import ProcessLock
from syndb_lab.notebook.table.cell_text import Cell, CellFormatter
from syndb_lab.notebook.table.column_filter import parse_filter
from syndb_lab.notebook.table.result_reader import ResultReader
from syndb_lab.text.terminal_text import escape_control_characters

if TYPE_CHECKING:
    import numpy as np

Key = tuple[int, Literal["asc", "desc"]]
KEPT_ORDERS: Final = 2


class Interrupted(Exception):
    """Sorting was stopped, since nobody waits for it any more."""


class ViewSpec:
    """Which rows of a result are seen, and in which order.

    Parameters
    ----------
    sort : sequence of (int, {'asc', 'desc'})
        Columns by their number, the first one counts most.
    filters : mapping of int to str
        What is typed above the columns.
    """

    def __init__(self, sort: Sequence[Key] = (), filters: Mapping[int, str] | None = None) -> None:
        self.sort = tuple(sort)
        typed = {column: text.strip() for column, text in (filters or {}).items()}
        self.filters = {column: text for column, text in sorted(typed.items()) if text}

    @property
    def key(self) -> str:
        """What tells this view from others."""
        return repr((self.sort, self.filters))

    @property
    def is_stored(self) -> bool:
        """Whether this is the result as it is stored."""
        return not self.sort and not self.filters


class FilterError(ParameterError):
    """What is typed above a column can't be used; ``column`` says which one."""

    def __init__(self, error: SyndbError, column: int) -> None:
        super().__init__(error.message, hint=error.hint)
        self.column = column


class RowView:
    """The rows of a result file. The file is opened here, and read in ``page`` and ``texts``.

    Sorting and filtering leave the numbers of the rows in memory, at most 8 bytes a row; nothing else.

    Parameters
    ----------
    path : Path
        The result file, Arrow, Parquet or CSV.
    columns : sequence of dict
        ``name`` and ``type`` of each column, as in the job's record.
    folder : Path, optional
        Where rows are written that are sorted; that of the file, where none is named.
    """

    def __init__(
        self, path: Path, columns: Sequence[dict[str, str]] = (), folder: Path | None = None
    ) -> None:
        self._stored = ResultReader(path, columns, folder)
        self._cells = CellFormatter()
        self._folder = folder or path.parent
        self._orders: dict[str, np.ndarray[Any, Any]] = {}
        self._lock = ProcessLock()
        self._engine: Any = None

    @property
    def count(self) -> int:
        """How many rows the result has."""
        return self._stored.count

    @property
    def columns(self) -> list[dict[str, Any]]:
        """``name``, ``type`` and ``numeric`` of each column."""
        return [
            {
                "name": escape_control_characters(field.name),
                "type": shown_type(field),
                "numeric": is_number(field),
            }
            for field in self._stored.schema
        ]

    def total(self, view: ViewSpec) -> int:
        """Count the rows of a view; sorts and filters where that is not done yet.

        Raises
        ------
        FilterError
            A filter can't be read, or doesn't fit its column.
        Interrupted
            ``interrupt`` was called meanwhile.
        """
        order = self._order(view)
        return self.count if order is None else len(order)

    def is_sorted(self, view: ViewSpec) -> bool:
        """Whether a view can be read without sorting or filtering first."""
        return view.is_stored or view.key in self._orders

    def page(
        self, view: ViewSpec, first: int, count: int, columns: Sequence[int]
    ) -> tuple[list[int], list[list[Cell]]]:
        """Read some rows of a view for the screen: their numbers in the result (from 0), and their cells."""
        numbers = self._numbers(view, first, count)
        cells = (
            self._cells.short_texts(self._stored.rows(numbers, columns), self._kinds(columns))
            if len(numbers)
            else []
        )
        return numbers.tolist(), cells

    def texts(self, view: ViewSpec, first: int, count: int, columns: Sequence[int]) -> list[list[str | None]]:
        """Read some rows of a view with every character."""
        numbers = self._numbers(view, first, count)
        return (
            self._cells.full_texts(self._stored.rows(numbers, columns), self._kinds(columns))
            if len(numbers)
            else []
        )

    def interrupt(self) -> None:
        """Stop the sorting that goes on now, if any; for another thread than the one that waits for it."""
        with self._lock:
            if self._engine is not None:
                self._engine.interrupt()

    def close(self) -> None:
        """Let the file, the engine and the orders go."""
        self._orders.clear()
        self._cells.close()
        self._stored.close()

    def _numbers(self, view: ViewSpec, first: int, count: int) -> np.ndarray[Any, Any]:
        import numpy as np

        order = self._order(view)
        if order is not None:
            return order[first : first + count].astype(np.int64)
        return np.arange(first, max(first, min(first + count, self.count)), dtype=np.int64)

    def _order(self, view: ViewSpec) -> np.ndarray[Any, Any] | None:
        if view.is_stored:
            return None
        if view.key not in self._orders:
            found = self._sort_rows(view)
            while len(self._orders) >= KEPT_ORDERS:
                self._orders.pop(next(iter(self._orders)))
            self._orders[view.key] = found
        return self._orders[view.key]

    def _sort_rows(self, view: ViewSpec) -> np.ndarray[Any, Any]:
        import duckdb
        import numpy as np

        where, values = self._where(view.filters)
        keys = [
            f"{self._expression(column)} {'DESC' if way == 'desc' else 'ASC'} NULLS LAST"
            for column, way in view.sort
        ]
        sql = f"SELECT n FROM held{where}"  # noqa: S608 - columns by number, values bound
        if keys:
            sql += f" ORDER BY {', '.join([*keys, 'n'])}"
        used = sorted({column for column, _ in view.sort} | set(view.filters))
        held = self._stored.spread().select(["n", *(f"c{column}" for column in used)])
        with (
            temporary_folder(self._folder.parent) as folder,
            duckdb.connect(config={"temp_directory": folder}) as engine,
        ):
            engine.execute("SET TimeZone = 'UTC'")
            engine.register("held", held)
            with self._lock:
                self._engine = engine
            try:
                found = engine.sql(sql, params=values).to_arrow_table()
            except duckdb.InterruptException:
                raise Interrupted from None
            finally:
                with self._lock:
                    self._engine = None
        order = found.column("n").to_numpy()
        order = order.astype(np.uint32) if self.count < 2**32 else order
        return order if keys else np.sort(order)

    def _kinds(self, columns: Sequence[int]) -> list[str | None]:
        return [written_type(self._stored.schema.field(column)) for column in columns]

    def _expression(self, column: int) -> str:
        """Write a column in the type by which the engine sorted it when it made the result."""
        kind = ordered_type(self._stored.schema.field(column))
        return f"CAST(c{column} AS {kind})" if kind else f"c{column}"

    def _where(self, filters: Mapping[int, str]) -> tuple[str, list[Any]]:
        parts: list[str] = []
        values: list[Any] = []
        for column, text in filters.items():
            try:
                found = parse_filter(text, self._stored.schema.field(column))
            except SyndbError as error:
                raise FilterError(error, column) from error
            if found is not None:
                sql = found.sql.replace("{c}", f"c{column}").replace("{typed}", self._expression(column))
                parts.append(f"({sql})")
                values += found.values
        return (f" WHERE {' AND '.join(parts)}" if parts else ""), values


def temporary_folder(beside: Path) -> tempfile.TemporaryDirectory[str]:
    """Make a folder for what sorting has no memory for: readable by this user alone, and removed afterwards.

    Parameters
    ----------
    beside : Path
        Where it is made, as there is room for large results; the system's folder for temporary files where
        nothing can be written there.
    """
    try:
        return tempfile.TemporaryDirectory(prefix="sorting-", dir=beside)
    except OSError:
        return tempfile.TemporaryDirectory(prefix="syndb-sorting-")
