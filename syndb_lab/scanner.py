"""Finds the parameters in SQL, and nothing that only looks like one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

TOKEN: Final = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*)
    | (?P<comment>/\*)
    | (?P<text>[eE]'(?:[^'\\]|\\.|'')*+(?:'|\Z)|'(?:[^']|'')*+(?:'|\Z))
    | (?P<quoted>"(?:[^"]|"")*+(?:"|\Z))
    | (?P<dollar>\$(?P<tag>(?:[^\W\d]\w*)?)\$)
    | (?P<bound>\$(?P<bound_name>[^\W\d]\w*))
    | (?P<cast>::|:=)
    | (?P<colon>:(?P<colon_name>[^\W\d]\w*)?)
    | (?P<word>[^\W\d]\w*)
    | (?P<number>\d[\w.]*)
    | (?P<open>[(\[{])
    | (?P<close>[)\]}])
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
COMMENT_EDGE: Final = re.compile(r"/\*|\*/")
VALUE_ENDS: Final = frozenset({"text", "quoted", "word", "number", "bound", "close", "dollar"})
BEFORE_VALUE: Final = re.compile(
    "all|and|any|array|between|by|case|distinct|else|except|from|having|ilike|in|intersect|is|like|limit|not"
    "|offset|on|or|qualify|select|set|similar|then|union|using|values|when|where",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a query: its name and where its sign stands, counted from 0."""

    name: str
    start: int


@dataclass(slots=True)
class Scan:
    """What the scan knows about the text before a token."""

    last: str = "start"
    last_text: str = ""
    last_end: int = 0
    after_lambda: bool = False
    brackets: list[str] = field(default_factory=list)

    def step(self, kind: str, text: str, end: int) -> None:
        """Take a token in."""
        if kind == "open":
            subscript = text == "[" and self.last in VALUE_ENDS and not self.before_value()
            self.brackets.append("subscript" if subscript else text)
        elif kind == "close" and self.brackets:
            self.brackets.pop()
        self.after_lambda = kind == "word" and self.last_text.lower() == "lambda"
        self.last, self.last_text, self.last_end = kind, text, end

    def before_value(self) -> bool:
        """Whether a value has to follow the last word, such as WHERE."""
        return self.last == "word" and BEFORE_VALUE.fullmatch(self.last_text) is not None

    def takes_parameter(self, start: int) -> bool:
        """Whether a colon here begins a parameter, and no slice, struct field, alias or lambda."""
        if self.after_lambda or (self.brackets and self.brackets[-1] == "subscript"):
            return False
        if self.last not in VALUE_ENDS or self.before_value():
            return True
        in_braces = bool(self.brackets) and self.brackets[-1] == "{"
        return self.last == "word" and self.last_end < start and not in_braces


def parameters(query: str) -> list[Parameter]:
    """Find the ``:name`` and ``$name`` parameters in their order.

    Not taken for one: anything inside a string, a quoted identifier, a dollar quote or a comment, a cast
    (``::int``), a slice (``[:2]``, ``[a:b]``), a struct field (``{'a':b}``), an alias (``total:sum(n)``), a
    lambda (``lambda x:x + 1``).

    Examples
    --------
    >>> [found.name for found in parameters("SELECT name[:2], ':no' FROM t WHERE a > :low AND b = $b::int")]
    ['low', 'b']
    """
    found: list[Parameter] = []
    scan = Scan()
    position = 0
    while match := TOKEN.match(query, position):
        kind = match.lastgroup or ""
        position = match.end()
        if kind == "comment":
            position = comment_end(query, position)
        elif kind == "dollar":
            position = dollar_end(query, position, match.group())
        if kind in {"space", "comment"}:
            continue
        name = match["bound_name"] or match["colon_name"]
        if name and (kind == "bound" or scan.takes_parameter(match.start())):
            found.append(Parameter(name, match.start()))
            kind = "bound"
        elif name:
            position = match.start("colon_name")
        scan.step(kind, match.group(), position)
    return found


def comment_end(query: str, start: int) -> int:
    """Skip a block comment, those nested in it included."""
    depth = 1
    for edge in COMMENT_EDGE.finditer(query, start):
        depth += 1 if edge.group() == "/*" else -1
        if not depth:
            return edge.end()
    return len(query)


def dollar_end(query: str, start: int, quote: str) -> int:
    """Skip a dollar-quoted text."""
    end = query.find(quote, start)
    return len(query) if end < 0 else end + len(quote)
