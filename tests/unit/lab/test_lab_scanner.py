import json
import random
from pathlib import Path
from typing import Any

import duckdb
import pytest

from syndb_lab.sql.parameter_scanner import RESERVED, parameters, tokens
from syndb_lab.sql.parameters import bind
from syndb_lab.sql.references import references
from syndb_lab.sql.row_limit import limit_query

LINES = Path(__file__).with_name("statements.jsonl").read_text().splitlines()
CORPUS: list[dict[str, Any]] = [json.loads(line) for line in LINES]
SIGNS = r"""
    ' '' \ E' e' " "" ` `` $$ $a$ $é$ $1 $x ? -- /* */ : :: := => ->> :x {{x}} { } [ ] ( ) , ; . x a$b é e E
    🧠 U&' x' lambda + - * / = @ # ! ~ < | % & ^ _
"""
PIECES = [*SIGNS.split(), "1 ", "1_000 ", "1e5 ", "1.e3 ", " ", " ", "\t", "\n", "\r", "\n--"]

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
    ("USING SAMPLE :n", ["n"]),
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


def engine_parses(sql: str) -> bool:
    try:
        return len(duckdb.extract_statements(sql)) > 0
    except duckdb.Error:
        return False


def engine_pieces(sql: str) -> list[str]:
    """The texts, comments and quoted names of a statement, as the engine cuts them."""
    raw = sql.encode()
    found = duckdb.tokenize(sql)
    ends = [start for start, _ in found[1:]] + [len(raw)] * bool(found)
    pieces = []
    for (start, kind), end in zip(found, ends, strict=True):
        piece = raw[start:end].decode()
        if kind == duckdb.token_type.string_const:
            pieces.append(piece[1:] if piece[:1] in set("xXbBnN") else piece)
        elif kind == duckdb.token_type.comment or piece[:1] in {'"', "`"}:
            pieces.append(piece)
    return [piece.rstrip(" \t\n\r\v\f") for piece in pieces]


def own_pieces(sql: str) -> list[str]:
    kinds = {"text", "quoted", "dollar", "comment"}
    pieces = [token.text for token in tokens(sql) if token.kind in kinds or token.text.startswith("--")]
    return [piece.rstrip(" \t\n\r\v\f") for piece in pieces]


def test_the_corpus_is_cut_as_the_engine_cuts_it() -> None:
    assert len(CORPUS) >= 700
    wrong = [
        (one["sql"], own_pieces(one["sql"]), engine_pieces(one["sql"]))
        for one in CORPUS
        if own_pieces(one["sql"]) != engine_pieces(one["sql"])
    ]
    assert wrong == []
    assert all("".join(token.text for token in tokens(one["sql"])) == one["sql"] for one in CORPUS)


def test_a_statement_that_the_engine_runs_as_it_is_has_no_parameter_with_a_colon() -> None:
    wrong = []
    for one in CORPUS:
        sql, named = one["sql"], one.get("parameters")
        found = [parameter for parameter in parameters(sql) if sql[parameter.start] == ":"]
        if named is None:
            assert engine_parses(sql), sql
            right = not found
        else:
            right = [parameter.name for parameter in found] == named and engine_parses(bind(sql, {}).sql)
        if not right:
            wrong.append((sql, found))
    assert wrong == []


def test_no_statement_of_the_corpus_names_a_job() -> None:
    assert [one["sql"] for one in CORPUS if references(one["sql"])] == []


def test_a_limit_is_put_around_what_the_engine_takes() -> None:
    """A query in brackets is still one statement; one that can't stand in brackets is left alone."""
    for one in CORPUS:
        sql = one["sql"]
        if "parameters" not in one and sql.lstrip().lower().startswith(("select", "from", "with", "values")):
            assert engine_parses(limit_query(sql, 5).sql), limit_query(sql, 5).sql


@pytest.mark.slow
def test_any_text_is_cut_as_the_engine_cuts_it() -> None:
    chosen = random.Random(14)
    for _ in range(20000):
        sql = "".join(chosen.choices(PIECES, k=chosen.randint(1, 12)))
        assert "".join(token.text for token in tokens(sql)) == sql
        assert own_pieces(sql) == engine_pieces(sql), sql
        parameters(sql)


def test_the_reserved_words_are_the_engines() -> None:
    words = [word for (word,) in duckdb.sql("SELECT keyword_name FROM duckdb_keywords()").fetchall()]
    assert {word for word in words if not engine_parses(f"SELECT {word} :x FROM (SELECT 1 AS x)")} == RESERVED
