"""The scanner of SQL: tokens as DuckDB's lexer has them, and the parameters among them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SPACE: Final = r"[\t\n\v\f\r \u00a0\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff]"
LETTER: Final = rf"(?:(?!{SPACE})[A-Za-z_\u0080-\U0010ffff])"
LETTERS: Final = rf"(?:(?!{SPACE})[\w$\u0080-\U0010ffff])*+"
TOKEN: Final = re.compile(
    rf"""
      (?P<space>{SPACE}+|--[^\n\r]*)
    | (?P<comment>/\*)
    | (?P<text>[eE]'(?:[^'\\]|\\.|'')*+(?:'|\\?\Z)|'(?:[^']|'')*+(?:'|\Z))
    | (?P<quoted>"(?:[^"]|"")*+(?:"|\Z)|`(?:[^`]|``)*+(?:`|\Z))
    | (?P<dollar>\$(?:(?![0-9])(?:(?!{SPACE})[\w\u0080-\U0010ffff])*+)?\$)
    | (?P<bound>\$(?P<bound_name>(?:(?![eE]')[^\W\d]\w*)?)|\?)
    | (?P<cast>::|:=)
    | (?P<colon>:)
    | (?P<word>{LETTER}{LETTERS})
    | (?P<number>\d+(?:_\d+)*+(?:\.\d*)?(?:[eE][+-]?\d+)?)
    | (?P<reference>\{{\{{\s*(?P<job>[\w-]+)\s*\}}\}})
    | (?P<open>[(\[{{])
    | (?P<close>[)\]}}])
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
COMMENT_EDGE: Final = re.compile(r"/\*|\*/")
VALUE_ENDS: Final = frozenset({"text", "quoted", "word", "number", "bound", "close", "dollar", "reference"})
WORDS: Final = """
    all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by case
    cast check collate collation column concurrently constraint create cross default deferrable desc
    describe distinct do else end except false fetch for foreign freeze from full glob group having ilike
    in initially inner intersect into is isnull join lambda lateral leading left like limit natural not
    notnull null offset on only or order outer overlaps pivot pivot_longer pivot_wider placing positional
    primary qualify references returning right select semi show similar some summarize symmetric table
    tablesample then to trailing true union unique unpack unpivot using variadic verbose when where window
    with
"""
RESERVED: Final = frozenset(WORDS.split())
"""The reserved words of DuckDB, which can't be an alias or a key."""
BEFORE_VALUE: Final = RESERVED - {"end", "false", "isnull", "notnull", "null", "true"}
AFTER_VALUE: Final = frozenset({"between", "escape", "groups", "if", "range", "rows"})
AFTER_WORD: Final = {
    **dict.fromkeys(("first", "next"), "fetch"),
    **dict.fromkeys(("groups", "range", "rows"), "("),
    "sample": "using",
    "zone": "time",
}
"""Words that are operators after a value or after the mapped word, and names elsewhere."""
IDENTIFIER: Final = re.compile(r"[^\W\d]\w*+")


@dataclass(frozen=True, slots=True)
class Token:
    """A token of SQL: its kind, its start and end (counted from 0), and its text.

    ``kind`` is ``space`` (line comments, too), ``comment``, ``text``, ``quoted`` (an identifier), ``dollar``,
    ``bound``, ``cast``, ``colon``, ``word``, ``number``, ``reference``, ``open``, ``close`` or ``other``;
    ``name`` is that of a parameter (``bound``) or of a job (``reference``).
    """

    kind: str
    start: int
    end: int
    text: str
    name: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether it is space or a comment, which the engine ignores."""
        return self.kind in {"space", "comment"}

    @property
    def word(self) -> str:
        """Its text in lower case; empty for a text, a quoted identifier or a dollar quote."""
        return "" if self.kind in {"text", "quoted", "dollar"} else self.text.lower()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a query: its name, and the offset of its ``:`` or ``$``, counted from 0."""

    name: str
    start: int


def tokens(query: str) -> Iterator[Token]:
    """Yield the tokens of SQL as DuckDB's lexer does; joined, they are the complete text.

    Examples
    --------
    >>> [token.kind for token in tokens("SELECT a$b, $$:no$$ -- :no")]
    ['word', 'space', 'word', 'other', 'space', 'dollar', 'space', 'space']
    """
    position = 0
    while match := TOKEN.match(query, position):
        kind, end = match.lastgroup or "", match.end()
        if kind == "comment":
            end = comment_end(query, end)
        elif kind == "dollar":
            closing = query.find(match[0], end)
            end = len(query) if closing < 0 else closing + len(match[0])
        yield Token(kind, position, end, query[position:end], match["bound_name"] or match["job"] or "")
        position = end


def comment_end(query: str, start: int) -> int:
    """Return the end of a block comment, which may contain others."""
    depth = 1
    for edge in COMMENT_EDGE.finditer(query, start):
        depth += 1 if edge.group() == "/*" else -1
        if not depth:
            return edge.end()
    return len(query)


def parameters(query: str) -> list[Parameter]:
    """Find the ``:name`` and ``$name`` parameters in their order.

    A colon begins a parameter where SQL needs a value. These are not parameters: anything inside a text, a
    quoted identifier, a dollar quote or a comment, a cast (``::int``), a slice (``[:2]``, ``[a:b]``), a field
    (``{'a':b}``), an alias (``total:sum(n)``), a lambda (``lambda x:x + 1``).

    Examples
    --------
    >>> [found.name for found in parameters("SELECT name[:2], ':no' FROM t WHERE a > :low AND b = $b::int")]
    ['low', 'b']
    """
    found: list[Parameter] = []
    scan = Scan()
    parameter_end = 0
    for token in tokens(query):
        if token.is_blank or token.start < parameter_end:
            continue
        if token.kind == "colon" and scan.takes_parameter():
            name = IDENTIFIER.match(query, token.end)
            if name and not query.startswith("$", name.end()):
                parameter_end = name.end()
                token = Token("bound", token.start, parameter_end, f":{name[0]}", name[0])
        if token.kind == "bound" and token.name:
            found.append(Parameter(token.name, token.start))
        scan.step(token)
    return found


class Scan:
    """The state of a scan: the tokens so far, and the open brackets."""

    def __init__(self) -> None:
        self._tokens: list[Token] = []
        self._open: list[tuple[str, bool]] = []
        self._closed_distinct_on = False  # whether the last closed bracket is that of DISTINCT ON (…)

    def step(self, token: Token) -> None:
        """Add the next token."""
        if token.kind == "open":
            subscript = token.text == "[" and not self.needs_value()
            distinct = self._before(1).word == "on" and self._before(2).word == "distinct"
            self._open.append(("subscript" if subscript else token.text, distinct))
        elif token.kind == "close":
            self._closed_distinct_on = self._open.pop()[1] if self._open else False
        self._tokens.append(token)

    def takes_parameter(self) -> bool:
        """Whether a colon at this position begins a parameter."""
        if self._open and self._open[-1][0] == "subscript" and self._in_slice():
            return False
        return self.needs_value()

    def needs_value(self) -> bool:
        """Whether SQL needs a value at this position."""
        last, before = self._before(1), self._before(2)
        if last.kind not in VALUE_ENDS:
            return True
        if last.kind != "word" or before.word == ".":
            return last.kind == "close" and self._closed_distinct_on
        if last.word in BEFORE_VALUE or AFTER_WORD.get(last.word) == before.word:
            return True
        after_value = before.kind in VALUE_ENDS and before.word not in BEFORE_VALUE
        return last.word in AFTER_VALUE and after_value

    def _in_slice(self) -> bool:
        """Whether a colon at this position separates the ends of a slice: after ``[``, a colon, or ``:-``."""
        last = self._before(1)
        open_end = last.word == "-" and self._before(2).kind == "colon"
        return last.word == "[" or last.kind == "colon" or open_end

    def _before(self, number: int) -> Token:
        return self._tokens[-number] if number <= len(self._tokens) else START


START: Final = Token("start", 0, 0, "")
