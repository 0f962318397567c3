"""Where an error of the engine is, in lines that end at a line feed alone."""

import duckdb
import pytest

from syndb_service.errors import InvalidQuery
from syndb_service.sql.engine_errors import translate_engine_error


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r", "\r\n", "\n", ""])
@pytest.mark.parametrize("wrong", ["  FROM FROM t", "  'ü' || CAST(1 AS nope)"])
def test_the_place_of_an_error_is_counted_by_line_feeds(end: str, wrong: str) -> None:
    sql = f"SELECT 'a{end}b' AS x,\n{wrong}"
    with pytest.raises(duckdb.Error) as raised:
        duckdb.connect().execute(sql)
    error = translate_engine_error(raised.value, sql, None, ())
    assert isinstance(error, InvalidQuery)
    at = sql.index("FROM t" if "t" in wrong.split() else "nope")
    assert (error.line, error.column) == (sql.count("\n", 0, at) + 1, at - sql.rfind("\n", 0, at))
