"""Limits on the text of a query, which bound the time that its check takes.

They are counted on the syntax tree, and each error names the limit, the number and the position. Within the
limits, parsing and checking are linear in the length of the text.
"""

from __future__ import annotations

from typing import Final

MAX_EXPRESSIONS: Final = 100_000
"""Constants, columns, calls and operators in total."""
MAX_DEPTH: Final = 1_000
"""Levels of the syntax tree; a bracket, a call or an operator in a chain takes one or two."""
TOO_DEEP: Final = f"the query is nested more than {MAX_DEPTH:,} levels deep, which is the most that is taken"
SHALLOWER: Final = "Use WITH to name its parts; put a long chain of operators into a list or a join."
MAX_NESTED_QUERIES: Final = 64
MAX_RELATIONS: Final = 1_000
"""Tables, subqueries and common table expressions in total."""
MAX_COLUMNS: Final = 4_096
"""Columns of one SELECT, and of the result."""

PARSE_CPU_S: Final = 10.0
"""Processor time to parse the text and visit its tree."""
BIND_CPU_S: Final = 1.0
"""Processor time to bind names and types; a query that needs more is accepted unchecked."""
PLAN_CPU_S: Final = 0.5
"""Processor time to analyze determinism; for a query that needs more it is unknown."""
