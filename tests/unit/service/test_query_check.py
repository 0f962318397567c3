"""Checking SQL costs a bounded time whatever its text, and nobody's checks hold up another's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from syndb_service.domain.child_task import CheckRequest
from syndb_service.domain.result_references import find_references, replace_references
from syndb_service.errors import InvalidQuery, TooManyRequests, TransientError
from syndb_service.isolation.fork_server_client import ForkServerClient
from syndb_service.jobs.check_process import CheckProcess
from syndb_service.jobs.fair_queue import FairQueue
from syndb_service.jobs.query_checker import QueryChecker
from syndb_service.sql.source_position import LineIndex, position_at

ID = "6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11"


@pytest.fixture(scope="module")
def checker() -> Iterator[QueryChecker]:
    nursery = ForkServerClient()
    checker = QueryChecker(nursery, 1024**2)
    yield checker
    checker.close()
    nursery.close()


SLOW_CONSTANTS = [
    "SELECT list_sort(list_transform(range(100000000), lambda x: hash(x)))[1] FROM neurons",
    "SELECT strftime(created, repeat('%Y', 50000000)) FROM (SELECT DATE '2020-01-01' AS created), neurons",
    "SELECT regexp_matches(name, repeat('a', 200000000)) FROM neurons",
]


@pytest.mark.slow
@pytest.mark.parametrize("sql", SLOW_CONSTANTS)
def test_constants_that_take_long_are_left_to_the_job(checker: QueryChecker, sql: str) -> None:
    found = checker.check(sql, {}, owner="ann")
    assert (found.complete, found.columns, found.tables) == (False, (), ("neurons",))
    with pytest.raises(InvalidQuery, match="no function getenv"):
        checker.check(sql.replace("SELECT", "SELECT getenv('HOME'),", 1), {}, owner="ann")
    with pytest.raises(InvalidQuery, match="no table"):
        checker.check(f"{sql} UNION ALL FROM passwords".replace("LIMIT", "WHERE 1 ="), {}, owner="ann")


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("SELECT list_sum(range(10000000000)) AS a", {}),
        ("SELECT list_sum(range($n)) AS a", {"n": 10_000_000_000}),
        ("SELECT CASE WHEN list_sum(range(10000000000)) > 1 THEN 1::HUGEINT END AS a", {}),
        ("SELECT a FROM (VALUES (list_sum(range(10000000000)))) t(a)", {}),
    ],
)
def test_what_the_optimizer_would_compute_is_not_computed(
    checker: QueryChecker, sql: str, parameters: dict[str, int]
) -> None:
    found = checker.check(sql, parameters, owner="ann")
    assert (found.complete, found.columns) == (True, (("a", "HUGEINT"),))


def test_parameters_and_explain_are_bound(checker: QueryChecker) -> None:
    assert checker.check("SELECT $a AS a, $b AS b", {"a": 1, "b": "x"}).columns[1] == ("b", "VARCHAR")
    explained = checker.check("EXPLAIN\nSELECT name FROM neurons", {})
    assert [name for name, _ in explained.columns] == ["explain_key", "explain_value"]
    for sql in (
        "FROM neurons",
        "DESCRIBE neurons",
        "SUMMARIZE neurons",
        "(SELECT 1)",
        "TABLE neurons",
        "VALUES (1)",
    ):
        assert checker.check(f" -- words\n{sql} ;", {}).complete, sql


@pytest.mark.parametrize(
    "before",
    ["", "SELECT\n  '🧠日本', 'é', ", "SELECT\n  1,\n  ", "EXPLAIN SELECT ", "EXPLAIN\nSELECT 'é', "],
)
def test_places_are_those_of_the_text(checker: QueryChecker, before: str) -> None:
    sql = f"{before or 'SELECT '}nope FROM neurons"
    with pytest.raises(InvalidQuery, match="nope") as refused:
        checker.check(sql, {})
    place = position_at(sql, sql.index("nope"))
    assert (refused.value.line, refused.value.column) == (place.line, place.column)


BOMBS = {
    "101,000 values": (
        "SELECT 1 FROM neurons\nWHERE neuron_id IN (" + "1," * 100_999 + "1)",
        r"1\d\d,\d{3} values.*100,000",
    ),
    "columns": ("SELECT " + "1," * 4_096 + "\n1", r"4,097 columns; at most 4,096"),
    "columns of a star": ("SELECT " + "*," * 499 + "* FROM neurons", r"columns; at most 4,096"),
    "CTEs": (
        "WITH " + ",".join(f"a{n} AS (SELECT 1)" for n in range(1_001)) + " SELECT 1",
        "more than 1,000 tables",
    ),
    "relations": (
        "SELECT 1 FROM " + ",".join(f"neurons n{n}" for n in range(1_001)),
        "more than 1,000 levels",
    ),
    "unions": (" UNION ALL ".join(["FROM neurons"] * 1_001), "more than 1,000 tables"),
    "subqueries": ("SELECT * FROM (" * 65 + "SELECT 1" + ")" * 65, "nested 65 deep; at most 64"),
    "chain": ("SELECT 1" + "||1" * 2_000, "more than 1,000 levels"),
    "brackets": ("SELECT " + "abs(" * 3_000 + "1" + ")" * 3_000, "more than 1,000 levels"),
    "lists": ("SELECT " + "[" * 3_000 + "1" + "]" * 3_000, "more than 1,000 levels"),
    "cases": ("SELECT " + "CASE WHEN true THEN " * 3_000 + "1" + " END" * 3_000, "more than 1,000 levels"),
    "casts": ("SELECT " + "CAST(" * 3_000 + "1" + " AS INT)" * 3_000, "more than 1,000 levels"),
    "CTE chain": (
        "WITH a0 AS (SELECT 1 x)"
        + "".join(f", a{n} AS (FROM a{n - 1})" for n in range(1, 490))
        + " FROM a489",
        "",
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_refusal_names_limit_number_and_place(checker: QueryChecker, name: str) -> None:
    sql, message = BOMBS[name]
    if not message:
        checker.check(sql, {}, owner="eve")
        return
    with pytest.raises(InvalidQuery, match=message) as refused:
        checker.check(sql, {}, owner="eve")
    assert refused.value.hint
    assert len(refused.value.message) < 400
    if name == "columns":
        assert (refused.value.line, refused.value.column) == (2, 1)
    if name == "101,000 values":
        assert refused.value.line == 2


@pytest.mark.parametrize("file_format", ["arrow", "parquet", "csv"])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{'a': ", "}"), ("MAP([1], [", "])")])
def test_a_column_that_no_file_holds_is_refused_before_it_runs(
    checker: QueryChecker, opening: str, closing: str, file_format: str
) -> None:
    for depth in (60, 120, 300):
        sql = f"SELECT 1 AS n, {opening * depth}1{closing * depth} AS deep"
        with pytest.raises(
            InvalidQuery, match=r"'deep' is nested more than 60 levels|more than 1,000 levels"
        ):
            checker.check(sql, {}, file_format=file_format)
    checker.check(f"SELECT {opening * 29}1{closing * 29} AS deep", {}, file_format=file_format)


@pytest.mark.slow
def test_doubled_parentheses_cost_nothing_and_large_legal_texts_pass(checker: QueryChecker) -> None:
    ids = ",".join(str(720575940600000000 + number) for number in range(50_000))
    legal = [
        f"SELECT 1 FROM neurons WHERE neuron_id IN ({ids})",
        "SELECT 1 FROM neurons WHERE " + " OR ".join(f"neuron_id = {n}" for n in range(20_000)),
        "SELECT '" + "x" * 1_000_000 + "' AS a",
        "SELECT 1 /*" + "x" * 1_000_000 + "*/",
        "SELECT 1" + ";" * 1_000_000,
        "SELECT 1 FROM neurons n WHERE " + "EXISTS (SELECT 1 FROM neurons m WHERE " * 60 + "1=1" + ")" * 60,
        "SELECT count(*) FROM neurons n0 "
        + " ".join(f"JOIN neurons n{n} USING (dataset_id)" for n in range(1, 400)),
    ]
    for sql in legal:
        checker.check(sql, {}, owner="bob")


@pytest.mark.slow
def test_many_texts_for_dataset_id_are_placed_in_linear_time(checker: QueryChecker) -> None:
    texts = [f"{number:036d}" for number in range(20_000)]
    sql = "SELECT 'é' FROM neurons\nWHERE dataset_id IN (" + ",".join(f"'{text}'" for text in texts) + ")"
    found = checker.check(sql, {}, owner="bob").dataset_ids
    assert [text for text, _, _ in found] == texts
    for text, line, column in (found[0], found[9_999], found[-1]):
        place = position_at(sql, sql.index(f"'{text}'"))
        assert (line, column) == (place.line, place.column)


def test_places_are_the_same_by_either_way() -> None:
    sql = "é\n日本語 x\r\n\n" * 2_000 + "tail é"
    index, offset = LineIndex(sql), 0
    for number, character in enumerate(sql):
        if number % 97 == 0 or number > len(sql) - 8:
            assert index.position_at(offset) == position_at(sql, number)
        offset += len(character.encode())


@pytest.mark.slow
def test_references_are_found_in_linear_time_past_texts_and_comments() -> None:
    many = f"FROM {{{{{ID}}}}},\n" * 20_000
    found = find_references(many)
    assert (len(found), found[-1].line, found[-1].column) == (20_000, 20_000, 6)
    for hostile in (
        "e'\\'" * 200_000,
        "'" * 400_001,
        '"' * 400_001,
        "$a" * 200_000,
        "/*" * 200_000,
        "$a$" * 99_999,
    ):
        assert find_references(hostile) == []
    hidden = [
        f"/* /* */ {{{{{ID}}}}} */ 1",
        f"$q$ {{{{{ID}}}}} $q$",
        f"E'\\' {{{{{ID}}}}}'",
        f"-- {{{{{ID}}}}}",
    ]
    for text in hidden:
        assert find_references(text) == []
        assert replace_references(text) == text
    assert len(find_references(f"SELECT a$b FROM {{{{{ID}}}}} -- $b$")) == 1


@pytest.mark.slow
def test_the_slowest_checks_of_one_user_do_not_hold_up_anothers(checker: QueryChecker) -> None:
    with ThreadPoolExecutor(6) as pool:
        flood = [pool.submit(checker.check, SLOW_CONSTANTS[1], {}, owner="eve") for _ in range(6)]
        for _ in range(3):
            assert checker.check("SELECT 1 AS n", {}, owner="bob").complete
            assert not all(one.done() for one in flood)
        for one in flood:
            with suppress(TooManyRequests):
                assert not one.result().complete


class _Order:
    """Threads that take a place each, in an order that is noted."""

    def __init__(self, queue: FairQueue) -> None:
        self.queue, self.order, self.lock = queue, list[str](), threading.Lock()

    def take(self, owner: str) -> None:
        with self.queue.acquire(owner, 60), self.lock:
            self.order.append(owner)


def test_the_queue_serves_who_used_least() -> None:
    now = [0.0]
    queue = FairQueue(2, lambda: now[0])
    notes = _Order(queue)
    with ThreadPoolExecutor(30) as pool:
        with queue.acquire("eve", 1) as charge, queue.acquire("bob", 1):
            waiting = [pool.submit(notes.take, "eve") for _ in range(5)]
            while len(queue._waiting) < 5:
                now[0] += 0
            waiting.append(pool.submit(notes.take, "ann"))
            while len(queue._waiting) < 6:
                now[0] += 0
            charge(5.0)
        for one in waiting:
            one.result()
    assert notes.order[0] == "ann"


def test_the_last_place_is_for_those_who_used_little() -> None:
    queue = FairQueue(3, lambda: 0.0)
    with queue.acquire("eve", 1) as charge, queue.acquire("mallory", 1) as charge_too:
        charge(9.0)
        charge_too(9.0)
        for heavy in ("eve", "mallory"):
            with pytest.raises(TooManyRequests, match="take long"), queue.acquire(heavy, 0.01):
                pass
        with queue.acquire("bob", 0), pytest.raises(TransientError, match="busy"), queue.acquire("ann", 0.01):
            pass


@pytest.mark.slow
def test_an_answer_that_was_not_read_is_never_another_querys(monkeypatch: pytest.MonkeyPatch) -> None:
    nursery = ForkServerClient()
    process = CheckProcess(nursery, 1024**2)
    try:
        process.check(CheckRequest(sql="SELECT 1"))

        def fail(_: float) -> None:
            raise RuntimeError("unforeseen, before the answer was read")

        monkeypatch.setattr(process._child, "receive", fail)
        with pytest.raises(RuntimeError, match="unforeseen"):
            process.check(CheckRequest(sql="SELECT * FROM synapses"))
        monkeypatch.undo()
        assert process.check(CheckRequest(sql="SELECT * FROM neurons")).text["tables"] == ["neurons"]
    finally:
        process.close()
        nursery.close()
