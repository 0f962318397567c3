"""Answers what a table on the page asks for, in a thread that is there only while something is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from syndb_lab.errors import SyndbError
from syndb_lab.fork_safety import ProcessLock
from syndb_lab.notebook.table.clipboard import copied_cell, rows_as_text
from syndb_lab.notebook.table.row_view import FilterError, Interrupted, RowView, ViewSpec

MOST_ROWS: Final = 500
MOST_COLUMNS: Final = 200
Request = dict[str, Any]


class PageServer:
    """Answers requests one after another; a newer one of the same kind and asker takes the older one's turn.

    A request says the whole view it is about (``sort``, ``filters``), so nothing is remembered of the page.
    Its asker (``from``) is a name that no other page, window or table has; ``"do": "forget"`` takes back what
    that asker wants to see.

    Parameters
    ----------
    open_rows : callable
        Opens the rows, when they are asked for first.
    send : callable
        Takes an answer to the page.
    """

    def __init__(self, open_rows: Callable[[], RowView], send: Callable[[dict[str, Any]], None]) -> None:
        self._open = open_rows
        self._send = send
        self._rows: RowView | None = None
        self._lock = ProcessLock()
        self._asked: dict[tuple[str, str], Request] = {}
        self._doing: Request | None = None
        self._is_busy = False
        self._closed = False

    def request(self, request: Request) -> None:
        """Leave a request; it returns at once."""
        if request.get("do") == "forget":
            self._forget(str(request.get("from")))
            return
        place = (str(request.get("from")), str(request.get("do")))
        with self._lock:
            if self._closed:
                return
            self._asked[place] = request
            doing = self._doing
            if self._is_busy:
                if doing and self._rows and is_stale(doing, request):
                    self._rows.interrupt()
                return
            self._is_busy = True
        threading.Thread(target=self._work, name="syndb-table", daemon=True).start()

    def _forget(self, asker: str) -> None:
        with self._lock:
            self._asked.pop((asker, "page"), None)
            doing = self._doing
            if doing and self._rows and (doing.get("from"), doing.get("do")) == (asker, "page"):
                self._rows.interrupt()

    def close(self) -> None:
        """Answer nothing more and let the rows go; what is being sorted is stopped."""
        with self._lock:
            self._closed = True
            self._asked.clear()
            if self._is_busy:
                if self._rows:
                    self._rows.interrupt()
                return
        self._let_go()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._asked:
                    self._is_busy, self._doing = False, None
                    closed = self._closed
                    break
                self._doing = request = self._asked.pop(next(iter(self._asked)))
            answer = self._handle(request)
            if answer is not None and not self._closed:
                self._send({"to": request.get("from"), "seq": request.get("seq"), **answer})
        if closed:
            self._let_go()

    def _handle(self, request: Request) -> dict[str, Any] | None:
        """Answer a request, or not at all where nobody waits for it any more."""
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

    def _let_go(self) -> None:
        rows, self._rows = self._rows, None
        if rows is not None:
            rows.close()


def answer(rows: RowView, view: ViewSpec, request: Request) -> dict[str, Any]:
    """Answer one request: a page of a view, or rows of it to copy."""
    first, count = natural(request.get("first")), natural(request.get("count"))
    if request.get("do") == "copy":
        if request.get("column") is not None:
            return {"copied": copied_cell(rows, view, first, natural(request["column"])), "rows": 0}
        count = min(count, max(rows.total(view) - first, 0))
        return {"copied": rows_as_text(rows, view, first, count), "rows": count}
    columns = natural(request.get("left"))
    wanted = range(columns, min(columns + min(natural(request.get("wide")), MOST_COLUMNS), len(rows.columns)))
    total = rows.total(view)
    numbers, cells = rows.page(view, first, min(count, MOST_ROWS), wanted)
    return {"total": total, "first": first, "left": wanted.start, "numbers": numbers, "cells": cells}


def view_of(request: Request) -> ViewSpec:
    """Read which view a request is about."""
    sort = [
        (natural(column), "desc" if way == "desc" else "asc") for column, way in request.get("sort") or ()
    ]
    filters = {natural(column): str(text) for column, text in (request.get("filters") or {}).items()}
    return ViewSpec(sort, filters)  # type: ignore[arg-type]


def work_of(view: ViewSpec) -> str:
    """Name what has to be done before a view can be seen."""
    return " and ".join([*(["filtering"] if view.filters else []), *(["sorting"] if view.sort else [])])


def is_stale(doing: Request, newer: Request) -> bool:
    """Whether what is being done is for a view that its page has left."""
    same = doing.get("from") == newer.get("from") and doing.get("do") == newer.get("do")
    return same and any(doing.get(name) != newer.get(name) for name in ("sort", "filters"))


def natural(value: Any) -> int:
    """Read a number of rows or columns."""
    return max(int(value or 0), 0)
