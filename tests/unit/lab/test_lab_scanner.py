import duckdb
import pytest

from syndb_lab.parameters import bind
from syndb_lab.scanner import parameters

FOUND = [
    ("SELECT :a", ["a"]),
    ("SELECT :a, :b", ["a", "b"]),
    (":a", ["a"]),
    ("WHERE x = :a", ["a"]),
    ("WHERE x=:a", ["a"]),
    ("WHERE x>:a", ["a"]),
    ("WHERE x BETWEEN :low AND :high", ["low", "high"]),
    ("LIMIT :n OFFSET :m", ["n", "m"]),
    ("IN (:a,:b)", ["a", "b"]),
    ("x IN [:a, :b]", ["a", "b"]),
    ("f(:a)[2]", ["a"]),
    ("x[f(:a):2]", ["a"]),
    (":a::int", ["a"]),
    ("CASE WHEN :a THEN :b ELSE :c END", ["a", "b", "c"]),
    ("{'k': :v}", ["v"]),
    ("/* :no */ :yes -- :no", ["yes"]),
    ("WHERE é = :ü", ["ü"]),
    ("x/*:no*/=/*:no*/:yes", ["yes"]),
    ("WHERE a = $a AND b = :b", ["a", "b"]),
    ("arg := :a", ["a"]),
    ("SAMPLE :n", ["n"]),
    ("-:a", ["a"]),
]
NOT_FOUND = [
    "x::int",
    "x :: int",
    "x[:2]",
    "x[:n]",
    "x[a:b]",
    "x[1:n]",
    "(x)[:n]",
    "'s'[:n]",
    "x[1][:n]",
    "':a'",
    "'it''s :a'",
    "E'it\\'s :a'",
    "'unclosed :a",
    '":a"',
    '"a"":a"',
    "$$ :a $$",
    "$tag$ :a $$ :b $tag$",
    "-- :a",
    "/* :a */",
    "/* /* :a */ :b */",
    "/* unclosed :a",
    "{'k':v}",
    "{k:v}",
    "{k :v}",
    "{'k' :v}",
    "total:sum(n)",
    "lambda x:x + 1",
    "lambda x :x + 1",
    "arg:=1",
    ":1",
    "SELECT ':'",
    "",
]


@pytest.mark.parametrize(("query", "names"), FOUND)
def test_parameters_are_found(query: str, names: list[str]) -> None:
    assert [found.name for found in parameters(query)] == names


@pytest.mark.parametrize("query", NOT_FOUND)
def test_what_only_looks_like_a_parameter_is_left_alone(query: str) -> None:
    assert parameters(query) == []
    assert bind(query, {}).sql == query


@pytest.mark.parametrize("query", [query for query, _ in FOUND] + NOT_FOUND)
def test_binding_keeps_every_column(query: str) -> None:
    sql = bind(query, {}).sql
    assert len(sql) == len(query)
    assert all(old == new or (old, new) == (":", "$") for old, new in zip(query, sql, strict=True))


@pytest.mark.parametrize(
    ("query", "values", "row"),
    [
        (
            "SELECT :a::BIGINT, 'x:a', [1, 2, 3][:2]",
            {"a": 720575940600000001},
            (720575940600000001, "x:a", [1, 2]),
        ),
        ("SELECT {'k':1, 'v': :a}.v /* :b /* :c */ */, $$:d$$ -- :e", {"a": 5}, (5, ":d")),
        ("SELECT list_transform([1], lambda x:x + :a), E'\\':b'", {"a": 1}, ([2], "':b")),
        ("SELECT total:1, 7 IN [:a, :b]", {"a": 7, "b": 8}, (1, True)),
        ("SELECT :a IS NULL, :b LIKE :c", {"a": None, "b": "AVAL", "c": "AV%"}, (True, True)),
    ],
)
def test_the_engine_agrees(query: str, values: dict[str, object], row: tuple[object, ...]) -> None:
    bound = bind(query, values)
    assert duckdb.connect().execute(bound.sql, bound.values).fetchone() == row


def test_a_long_text_is_scanned_quickly() -> None:
    assert parameters("SELECT '" + "''" * 500_000 + "', :a")[0].name == "a"
    assert parameters("SELECT '" + "x" * 1_000_000) == []
