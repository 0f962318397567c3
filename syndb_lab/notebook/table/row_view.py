"""The rows of a result file as a table: sorted, filtered, and read by page."""

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
MAX_ORDERS: Final = 2


class Interrupted(Exception):
    """Sorting was stopped, because its result is not needed any more."""


class ViewSpec:
    """The filters and the sort order of a table.

    Parameters
    ----------
    sort : sequence of (int, {'asc', 'desc'})
        Columns by number; the first is the primary sort key.
    filters : mapping of int to str
        Filter texts by column number.
    """

    def __init__(self, sort: Sequence[Key] = (), filters: Mapping[int, str] | None = None) -> None:
        self.sort = tuple(sort)
        typed = {column: text.strip() for column, text in (filters or {}).items()}
        self.filters = {column: text for column, text in sorted(typed.items()) if text}

    @property
    def key(self) -> str:
        """A key that is unique for these filters and this order."""
        return repr((self.sort, self.filters))

    @property
    def is_stored(self) -> bool:
        """Whether the view is the stored result, without filter and order."""
        return not self.sort and not self.filters


class FilterError(ParameterError):
    """Error in the filter of a column; ``column`` is its number."""

    def __init__(self, error: SyndbError, column: int) -> None:
        super().__init__(error.message, hint=error.hint)
        self.column = column


class RowView:
    """The rows of a result file, opened at construction and read by ``page`` and ``texts``.

    Sorting and filtering keep only the numbers of the rows in memory, at most 8 bytes per row.

    Parameters
    ----------
    path : Path
        The result file, Arrow, Parquet or CSV.
    columns : sequence of dict
        ``name`` and ``type`` of each column, as in the job's record.
    folder : Path, optional
        Folder for files of sorting; by default that of the result file.
    """

    def __init__(
        self, path: Path, columns: Sequence[dict[str, str]] = (), folder: Path | None = None
    ) -> None:
        self._reader = ResultReader(path, columns, folder)
        self._cells = CellFormatter()
        self._folder = folder or path.parent
        self._orders: dict[str, np.ndarray[Any, Any]] = {}
        self._lock = ProcessLock()
        self._engine: Any = None

    @property
    def count(self) -> int:
        """The number of rows of the result."""
        return self._reader.count

    @property
    def columns(self) -> list[dict[str, Any]]:
        """``name``, ``type`` and ``numeric`` of each column."""
        return [
            {
                "name": escape_control_characters(field.name),
                "type": shown_type(field),
                "numeric": is_number(field),
            }
            for field in self._reader.schema
        ]

    def total(self, view: ViewSpec) -> int:
        """Count the rows of a view; filter and sort first if necessary.

        Raises
        ------
        FilterError
            A filter is invalid, or does not match the type of its column.
        Interrupted
            ``interrupt`` was called meanwhile.
        """
        order = self._order(view)
        return self.count if order is None else len(order)

    def is_sorted(self, view: ViewSpec) -> bool:
        """Return whether a view can be read without sorting or filtering first."""
        return view.is_stored or view.key in self._orders

    def page(
        self, view: ViewSpec, first: int, count: int, columns: Sequence[int]
    ) -> tuple[list[int], list[list[Cell]]]:
        """Read rows of a view for the screen; return their numbers in the result (from 0) and their cells."""
        numbers = self._numbers(view, first, count)
        cells = (
            self._cells.short_texts(self._reader.rows(numbers, columns), self._kinds(columns))
            if len(numbers)
            else []
        )
        return numbers.tolist(), cells

    def texts(self, view: ViewSpec, first: int, count: int, columns: Sequence[int]) -> list[list[str | None]]:
        """Read rows of a view as complete texts."""
        numbers = self._numbers(view, first, count)
        return (
            self._cells.full_texts(self._reader.rows(numbers, columns), self._kinds(columns))
            if len(numbers)
            else []
        )

    def interrupt(self) -> None:
        """Stop sorting in another thread, if it is running."""
        with self._lock:
            if self._engine is not None:
                self._engine.interrupt()

    def close(self) -> None:
        """Close the file and the engine, and free the orders."""
        self._orders.clear()
        self._cells.close()
        self._reader.close()

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
            while len(self._orders) >= MAX_ORDERS:
                self._orders.pop(next(iter(self._orders)))
            self._orders[view.key] = found
        return self._orders[view.key]

    def _sort_rows(self, view: ViewSpec) -> np.ndarray[Any, Any]:
        import duckdb
        import numpy as np

        condition, values = self._where(view.filters)
        keys = [
            f"{self._expression(column)} {'DESC' if direction == 'desc' else 'ASC'} NULLS LAST"
            for column, direction in view.sort
        ]
        sql = f"SELECT n FROM result_rows{condition}"  # noqa: S608 - columns by number, values bound
        if keys:
            sql += f" ORDER BY {', '.join([*keys, 'n'])}"
        used = sorted({column for column, _ in view.sort} | set(view.filters))
        result_rows = self._reader.map_uncompressed().select(["n", *(f"c{column}" for column in used)])
        with (
            temporary_folder(self._folder.parent) as folder,
            duckdb.connect(config={"temp_directory": folder}) as engine,
        ):
            engine.execute("SET TimeZone = 'UTC'")
            engine.register("result_rows", result_rows)
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
        return [written_type(self._reader.schema.field(column)) for column in columns]

    def _expression(self, column: int) -> str:
        """Return the SQL of a column in the type that the engine had when it computed the result."""
        kind = ordered_type(self._reader.schema.field(column))
        return f"CAST(c{column} AS {kind})" if kind else f"c{column}"

    def _where(self, filters: Mapping[int, str]) -> tuple[str, list[Any]]:
        parts: list[str] = []
        values: list[Any] = []
        for column, text in filters.items():
            try:
                found = parse_filter(text, self._reader.schema.field(column))
            except SyndbError as error:
                raise FilterError(error, column) from error
            if found is not None:
                sql = found.sql.replace("{c}", f"c{column}").replace("{typed}", self._expression(column))
                parts.append(f"({sql})")
                values += found.values
        return (f" WHERE {' AND '.join(parts)}" if parts else ""), values


def temporary_folder(parent: Path) -> tempfile.TemporaryDirectory[str]:
    """Create a temporary folder for sorting beyond memory, readable by this user only.

    Parameters
    ----------
    parent : Path
        Parent folder, which has space for large results. If it is not writable, the system's folder for
        temporary files is used.
    """
    try:
        return tempfile.TemporaryDirectory(prefix="sorting-", dir=parent)
    except OSError:
        return tempfile.TemporaryDirectory(prefix="syndb-sorting-")
