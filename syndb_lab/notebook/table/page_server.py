"""Answers the requests of a table on the page, in a thread that ends when none waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from syndb_lab.errors import SyndbError
from syndb_lab.fork_safety import ProcessLock
from syndb_lab.notebook.table.clipboard import copied_cell, rows_as_text
from syndb_lab.notebook.table.row_view import FilterError, Interrupted, RowView, ViewSpec

MAX_ROWS: Final = 500
MAX_COLUMNS: Final = 200
Request = dict[str, Any]


class PageServer:
    """Answers requests one by one; a newer request of the same kind and sender replaces a waiting one.

    A request contains its complete view (``sort``, ``filters``), so the server stores no state of the page.
    Its sender (``from``) is unique for a table in a page or window; ``"do": "forget"`` withdraws the sender's
    request for a page.

    Parameters
    ----------
    open_rows : callable
        Opens the rows at the first request.
    send : callable
        Sends an answer to the page.
    """

    def __init__(self, open_rows: Callable[[], RowView], send: Callable[[dict[str, Any]], None]) -> None:
        self._open = open_rows
        self._send = send
        self._rows: RowView | None = None
        self._lock = ProcessLock()
        self._waiting: dict[tuple[str, str], Request] = {}
        self._current: Request | None = None
        self._is_busy = False
        self._closed = False

    def request(self, request: Request) -> None:
        """Queue a request, and return at once."""
        if request.get("do") == "forget":
            self._forget(str(request.get("from")))
            return
        key = (str(request.get("from")), str(request.get("do")))
        with self._lock:
            if self._closed:
                return
            self._waiting[key] = request
            current = self._current
            if self._is_busy:
                if current and self._rows and is_stale(current, request):
                    self._rows.interrupt()
                return
            self._is_busy = True
        threading.Thread(target=self._work, name="syndb-table", daemon=True).start()

    def _forget(self, sender: str) -> None:
        with self._lock:
            self._waiting.pop((sender, "page"), None)
            current = self._current
            if current and self._rows and (current.get("from"), current.get("do")) == (sender, "page"):
                self._rows.interrupt()

    def close(self) -> None:
        """Stop answering and sorting, and close the rows."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            if self._is_busy:
                if self._rows:
                    self._rows.interrupt()
                return
        self._close_rows()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._is_busy, self._current = False, None
                    closed = self._closed
                    break
                self._current = request = self._waiting.pop(next(iter(self._waiting)))
            answer = self._handle(request)
            if answer is not None and not self._closed:
                self._send({"to": request.get("from"), "seq": request.get("seq"), **answer})
        if closed:
            self._close_rows()

    def _handle(self, request: Request) -> dict[str, Any] | None:
        """Answer a request; return None if it was interrupted."""
        try:
            if self._rows is None:
                self._rows = self._open()
            view = view_of(request)
            if not self._rows.is_sorted(view):
                self._send({"to": request.get("from"), "seq": request.get("seq"), "working": work_of(view)})
            return answer(self._rows, view, request)
        except Interrupted:
            return None
        except FilterError as error:
            return {"error": str(error), "column": error.column}
        except SyndbError as error:
            return {"error": str(error)}
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}"}

    def _close_rows(self) -> None:
        rows, self._rows = self._rows, None
        if rows is not None:
            rows.close()


def answer(rows: RowView, view: ViewSpec, request: Request) -> dict[str, Any]:
    """Build the answer to a request: a page of a view, or rows to copy."""
    first, count = natural(request.get("first")), natural(request.get("count"))
    if request.get("do") == "copy":
        if request.get("column") is not None:
            return {"copied": copied_cell(rows, view, first, natural(request["column"])), "rows": 0}
        count = min(count, max(rows.total(view) - first, 0))
        return {"copied": rows_as_text(rows, view, first, count), "rows": count}
    left = natural(request.get("left"))
    wanted = range(left, min(left + min(natural(request.get("wide")), MAX_COLUMNS), len(rows.columns)))
    total = rows.total(view)
    numbers, cells = rows.page(view, first, min(count, MAX_ROWS), wanted)
    return {"total": total, "first": first, "left": wanted.start, "numbers": numbers, "cells": cells}


def view_of(request: Request) -> ViewSpec:
    """Read the view of a request."""
    sort = [
        (natural(column), "desc" if direction == "desc" else "asc")
        for column, direction in request.get("sort") or ()
    ]
    filters = {natural(column): str(text) for column, text in (request.get("filters") or {}).items()}
    return ViewSpec(sort, filters)  # type: ignore[arg-type]


def work_of(view: ViewSpec) -> str:
    """Name the work that a view needs: filtering, sorting, or both."""
    return " and ".join([*(["filtering"] if view.filters else []), *(["sorting"] if view.sort else [])])


def is_stale(current: Request, newer: Request) -> bool:
    """Return whether the current request is for a view that its page no longer shows."""
    same = current.get("from") == newer.get("from") and current.get("do") == newer.get("do")
    return same and any(current.get(name) != newer.get(name) for name in ("sort", "filters"))


def natural(value: Any) -> int:
    """Read a number of rows or columns; 0 for a missing or negative one."""
    return max(int(value or 0), 0)
