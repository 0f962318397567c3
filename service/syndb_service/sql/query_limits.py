"""What a query's text may hold, so that checking it costs a bounded time whatever it says.

They are counted on the syntax tree, and each refusal names the limit, the number and the place. Below them
parsing and checking are linear in the text.
"""

from __future__ import annotations

from typing import Final

MAX_EXPRESSIONS: Final = 100_000
"""Constants, columns, calls and operators in all."""
MAX_DEPTH: Final = 1_000
"""Levels of the syntax tree; a bracket, a call or an operator in a chain takes one or two."""
TOO_DEEP: Final = f"the query is nested more than {MAX_DEPTH:,} levels deep, which is the most that is taken"
SHALLOWER: Final = "Use WITH to name its parts; put a long chain of operators into a list or a join."
MAX_NESTED_QUERIES: Final = 64
MAX_RELATIONS: Final = 1_000
"""Tables, subqueries and common table expressions in all."""
MAX_COLUMNS: Final = 4_096
"""Columns of one SELECT, and of the result."""

PARSE_CPU_S: Final = 10.0
"""Processor time for the text: parsing, and the walk over its tree."""
BIND_CPU_S: Final = 1.0
"""Processor time for names and types; what needs more is accepted unchecked."""
PLAN_CPU_S: Final = 0.5
"""Processor time to see what may differ from run to run; of what needs more that is not known."""
