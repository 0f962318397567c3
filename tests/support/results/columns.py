"""Columns of every type, as expressions of a row's number: the same values wherever they are computed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of column.

    ``usual`` is SQL over the row's number ``i`` and a ``{salt}``; ``odd`` are the values at the ends of the
    type. ``ordered`` says that its file holds it in a type which sorts as the engine's does.
    """

    usual: str
    odd: tuple[str, ...] = ()
    ordered: bool = False


KINDS: Final[dict[str, Kind]] = {
    "BOOLEAN": Kind("hash(i, {salt}) % 2 = 0", (), True),
    "TINYINT": Kind("(hash(i, {salt}) % 200)::SMALLINT - 100", ("-128", "127"), True),
    "SMALLINT": Kind("(i % 30000)", ("-32768", "32767"), True),
    "INTEGER": Kind("(hash(i, {salt}) % 2000000000)", ("-2147483648", "2147483647"), True),
    "BIGINT": Kind(
        "720575940600000000 + (hash(i, {salt}) % 1000000000)",
        ("-9223372036854775808", "9223372036854775807", "9007199254740993"),
        True,
    ),
    "UTINYINT": Kind("hash(i, {salt}) % 256", ("255",), True),
    "USMALLINT": Kind("hash(i, {salt}) % 65536", ("65535",), True),
    "UINTEGER": Kind("hash(i, {salt}) % 4294967296", ("4294967295",), True),
    "UBIGINT": Kind("hash(i, {salt})", ("18446744073709551615", "0"), True),
    "HUGEINT": Kind("(hash(i, {salt}) // 4)::HUGEINT - 2305843009213693952", (), True),
    "UHUGEINT": Kind(
        "hash(i, {salt})::UHUGEINT * hash(i)::UHUGEINT", ("340282366920938463463374607431768211455",)
    ),
    "BIGNUM": Kind("concat(hash(i, {salt}), hash(i))", ("-" + "9" * 60,)),
    "FLOAT": Kind("(hash(i, {salt}) % 1000000)::FLOAT / 7", ("'nan'", "'inf'", "-0.0", "1e-45", "0.1"), True),
    "DOUBLE": Kind(
        "hash(i, {salt})::DOUBLE / (1 + hash(i) % 1000)",
        (
            "'nan'",
            "'-inf'",
            "-0.0",
            "5e-324",
            "1.7976931348623157e308",
            "0.1",
            "1e20",
            "1e-7",
            "123456789012.5",
        ),
        True,
    ),
    "DECIMAL(4, 1)": Kind("(hash(i, {salt}) % 9000)::INTEGER / 10", ("-999.9", "999.9", "0"), True),
    "DECIMAL(18, 3)": Kind("(hash(i, {salt}) % 1000000000)::BIGINT / 1000", ("-999999999999999.999",), True),
    "DECIMAL(38, 10)": Kind("hash(i, {salt})", ("-9999999999999999999999999999.9999999999",), True),
    "VARCHAR": Kind(
        "repeat(chr((97 + i % 26)::INTEGER), (hash(i, {salt}) % 40)::INTEGER)",
        (
            *(
                "''",
                "'NULL'",
                "'null'",
                "'\"'",
                "'a,b'",
                "'a' || chr(10) || 'b'",
                "chr(13)",
                "' x '",
                "chr(9)",
            ),
            *("'é🙂中'", "'''x'", "'\\N'", "'1'", "'true'", "'2024-01-01'", "chr(0) || 'z'", "'a\"\"b'"),
            *(
                "chr(8232)",
                "chr(13) || chr(10)",
                "'nan'",
                "'-- x'",
                "'=1+1'",
                "chr(65279)",
                "repeat('é', 300)",
            ),
        ),
        True,
    ),
    "BLOB": Kind("unhex(md5(concat(i, {salt})))", ("''", "'\\x00\\xFF'", "'abc\\x5C'")),
    "UUID": Kind("md5(concat(i, {salt}))", ("'00000000-0000-0000-0000-000000000000'",), True),
    "BIT": Kind("((hash(i, {salt}) % 1000)::INTEGER)::BIT", ("'0'", "'1'", "'10101010101'")),
    "DATE": Kind(
        "DATE '2000-01-01' + (hash(i, {salt}) % 30000)::INTEGER",
        ("'0001-01-01'", "'9999-12-31'", "'1969-12-31'", "'10000-01-01'"),
        True,
    ),
    "TIME": Kind(
        "make_time((i % 24)::BIGINT, (hash(i, {salt}) % 60)::BIGINT, (hash(i) % 60000000) / 1000000)",
        ("'00:00:00'", "'23:59:59.999999'", "'24:00:00'"),
    ),
    "TIMETZ": Kind(
        "concat(lpad((i % 24)::VARCHAR, 2, '0'), ':00:01.5+0', (i % 9)::VARCHAR, ':30')",
        ("'00:00:00-15:59'",),
    ),
    "TIMESTAMP": Kind(
        "make_timestamp((hash(i, {salt}) % 4102444800000000)::BIGINT)",
        ("'1969-12-31 23:59:59.999999'", "'0001-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'"),
        True,
    ),
    "TIMESTAMP_S": Kind("make_timestamp((hash(i, {salt}) % 4102444800)::BIGINT * 1000000)", (), True),
    "TIMESTAMP_MS": Kind("make_timestamp((hash(i, {salt}) % 4102444800000)::BIGINT * 1000)", (), True),
    "TIMESTAMP_NS": Kind(
        "make_timestamp_ns((hash(i, {salt}) % 4102444800000000000)::BIGINT)",
        ("'1969-12-31 23:59:59.999999999'",),
        True,
    ),
    "TIMESTAMPTZ": Kind(
        "to_timestamp((hash(i, {salt}) % 4102444800)::BIGINT)", ("'1969-12-31 23:59:59.999999+00'",), True
    ),
    "INTERVAL": Kind(
        "to_microseconds((hash(i, {salt}) % 86400000000)::BIGINT) + to_months((i % 25)::INTEGER)",
        ("INTERVAL '-1 day'", "INTERVAL '-3 months 2 days -00:00:00.000001'"),
    ),
    "ENUM('x', 'y', 'z z', '')": Kind("['x', 'y', 'z z', ''][(hash(i, {salt}) % 4)::INTEGER + 1]"),
    "JSON": Kind("to_json({{'i': i, 't': md5(concat(i, {salt}))}})", ("'null'", "'[1, 2.50]'", "'{{}}'")),
    "INTEGER[]": Kind(
        "list_transform(range((hash(i, {salt}) % 5)::BIGINT), lambda x: nullif((hash(i, x) % 9)::INT, 3))",
        ("[]", "[NULL]"),
    ),
    "VARCHAR[]": Kind("[md5(concat(i, {salt})), NULL, '']", ("[]", "['a,b', '\"', '[', 'NULL', '']")),
    "BIGINT[3]": Kind("[i, NULL, 720575940600000000 + i]"),
    "DOUBLE[][]": Kind("[[i / 7, NULL], [], NULL]", ("[]", "[['nan'::DOUBLE, 'inf'::DOUBLE]]")),
    "STRUCT(a BIGINT, b STRUCT(c VARCHAR[]))": Kind(
        "{{'a': i, 'b': {{'c': [md5(concat(i, {salt})), NULL]}}}}"
    ),
    'STRUCT("x y" DATE, z DECIMAL(9, 2))': Kind(
        "{{'x y': DATE '2000-01-01' + (i % 9999)::INTEGER, 'z': (hash(i, {salt}) % 1000)::INTEGER / 100}}"
    ),
    "MAP(VARCHAR, BIGINT)": Kind("MAP([concat('k', i % 3), 'o'], [i, NULL])", ("MAP([], [])",)),
    "MAP(INTEGER, VARCHAR)": Kind("MAP([(i % 3)::INTEGER, 7], [md5(concat(i, {salt})), NULL])"),
    "STRUCT(n INTEGER)[]": Kind("[{{'n': (i % 7)::INTEGER}}, NULL, {{'n': NULL}}]", ("[]",)),
    "ENUM('x', 'y')[]": Kind("[['x', 'y'][(i % 2)::INTEGER + 1], NULL]"),
    "ENUM('x', 'y')[2]": Kind("[['x', 'y'][(i % 2)::INTEGER + 1], 'y']"),
    "TIMESTAMP[]": Kind("[make_timestamp((hash(i, {salt}) % 4102444800000000)::BIGINT), NULL]"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a query: its name, its type, its SQL."""

    name: str
    type: str
    sql: str

    @property
    def ordered(self) -> bool:
        """Whether a file sorts as the engine does."""
        return KINDS[self.type].ordered


def make_column(made: random.Random, kind: str, name: str) -> Column:
    """Write a column of a kind, in which a tenth of the rows are NULL and some hold what is odd."""
    salt = made.randrange(1000)
    values = KINDS[kind]
    usual = f"({values.usual.format(salt=salt)})::{kind}"
    odd = [f"({value.replace('{{', '{').replace('}}', '}')})::{kind}" for value in values.odd]
    nulls = made.choice([0, 1, 1, len(odd) + 2])
    rare = [*["NULL"] * nulls, *odd]
    if not rare:
        return Column(name, kind, usual)
    every = made.choice([1 if odd else 3, 3, 10]) * len(rare)
    whens = " ".join(f"WHEN {number} THEN {value}" for number, value in enumerate(rare))
    return Column(name, kind, f"CASE hash(i, {salt + 1}) % {every} {whens} ELSE {usual} END")


def make_text(made: random.Random, name: str, width: int, *, random_letters: bool) -> Column:
    """Write a column of texts of about ``width`` bytes."""
    least = max(width // 2, 1)
    length = f"({least} + hash(i, {made.randrange(1000)}) % {least + 1})::INTEGER"
    if random_letters:
        many = f"range(({least} + i % {least + 1})::BIGINT // 32 + 1)"
        return Column(
            name, "VARCHAR", f"array_to_string(list_transform({many}, lambda x: md5(concat(i, x))), '')"
        )
    return Column(name, "VARCHAR", f"repeat(chr((65 + i % 26)::INTEGER), {length})")
