"""Values for the ``:name`` parameters of a query: bound by the engine, never pasted into the text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from syndb_lab.conversion.plain_values import require_valid_text
from syndb_lab.conversion.sql_values import article, format_value, python_value, sql_type, wire_value
from syndb_lab.errors import ParameterError, QueryError
from syndb_lab.next_steps.next_step import Action, NextStep
from syndb_lab.sql.caller_namespace import Scope
from syndb_lab.sql.parameter_scanner import Parameter, parameters


@dataclass(frozen=True, slots=True)
class Insertion:
    """A replacement in the SQL that is sent: its offset from 0, its length, and that of the original text."""

    start: int
    sent: int
    original: int


@dataclass(frozen=True, slots=True)
class BoundQuery:
    """A query with its values, as they are sent."""

    sql: str
    values: dict[str, Any]
    sites: tuple[Insertion, ...] = ()

    def column(self, line: int | None, column: int | None) -> int | None:
        """Map a column of the SQL that is sent to the original text; the line numbers are the same.

        Examples
        --------
        >>> bound = bind("SELECT :day, nam", {"day": datetime.date(2011, 2, 3)})
        >>> bound.sql, bound.column(1, 28)
        ('SELECT CAST($day AS DATE), nam', 14)
        """
        if line is None or column is None:
            return column
        begin = sum(len(text) + 1 for text in self.sql.split("\n")[: line - 1])
        sent_offset = offset = begin + column - 1
        for site in self.sites:
            if begin <= site.start < sent_offset:
                inside = sent_offset < site.start + site.sent
                offset -= sent_offset - site.start if inside else site.sent - site.original
        return offset - begin + 1


def bind(query: str, values: Mapping[str, Any]) -> BoundQuery:
    """Rewrite ``:name`` as the engine's ``$name``, and convert the values to JSON.

    A value that JSON has no type for is sent as text, and a cast in the SQL restores its type: a date's
    ``:name`` becomes ``CAST($name AS DATE)``. All other parameters keep their length.

    Parameters
    ----------
    query : str
        SQL with ``:name`` or ``$name`` parameters.
    values : mapping
        Values by name, without the colon.

    Returns
    -------
    BoundQuery
        The SQL and the values to send.

    Raises
    ------
    ParameterError
        The query is not a text, or a value can't be bound.

    Examples
    --------
    >>> bind("SELECT name[:2] FROM neurons WHERE cell_class = :kind", {"kind": "motor"}).sql
    'SELECT name[:2] FROM neurons WHERE cell_class = $kind'
    >>> bind("SELECT year(:day)", {"day": datetime.date(2011, 2, 3)})
    BoundQuery(sql='SELECT year(CAST($day AS DATE))', values={'day': '2011-02-03'}, sites=(...))
    """
    if not isinstance(query, str):
        raise ParameterError(
            f"the query is {article(query)}, no text", hint='For example: lab.sql("SELECT 1").'
        )
    if not isinstance(values, Mapping):
        raise ParameterError(
            f"parameters is {article(values)}, no mapping", hint='For example: parameters={"kind": "motor"}.'
        )
    if invalid_names := [name for name in values if not isinstance(name, str)]:
        raise ParameterError(
            f"parameters has the name {format_value(invalid_names[0])}, which is no text",
            hint='For example: parameters={"kind": "motor"}.',
        )
    require_valid_text("the query", query)
    plain = {
        require_valid_text("a parameter's name", name): python_value(name, value)
        for name, value in values.items()
    }
    types = {name: sql_type(name, value) for name, value in plain.items()}
    parts, sites, position, length = [], [], 0, 0
    for parameter in parameters(query):
        kind = types.get(parameter.name)
        name = f"${parameter.name}"
        written = f"CAST({name} AS {kind})" if kind else name
        parts += [query[position : parameter.start], written]
        start = length + parameter.start - position
        if kind:
            sites.append(Insertion(start, len(written), len(name)))
        position, length = parameter.start + len(name), start + len(written)
    sql = "".join([*parts, query[position:]])
    return BoundQuery(
        sql, {name: wire_value(value, types[name]) for name, value in plain.items()}, tuple(sites)
    )


def select_values(query: str, namespace: Mapping[str, Any], assigned: Mapping[str, Any]) -> dict[str, Any]:
    """Select the values of a query's parameters: assigned values first, then those of the namespace.

    Raises
    ------
    ParameterError
        A parameter has no value, or an assigned value is not used by the query.

    Examples
    --------
    >>> select_values("SELECT :n", {"n": 3, "other": 4}, {})
    {'n': 3}
    """
    wanted = {parameter.name: parameter for parameter in reversed(parameters(query))}
    if unused := [name for name in assigned if name not in wanted]:
        raise ParameterError(
            f"the query has no parameter :{unused[0]}",
            hint=f"It has {', '.join(f':{name}' for name in sorted(wanted)) or 'none'}.",
        )
    for name, parameter in wanted.items():
        if name not in assigned and name not in namespace:
            raise missing_error(query, parameter, namespace)
    return {name: assigned[name] if name in assigned else namespace[name] for name in sorted(wanted)}


GIVE_IT: Final = NextStep(Action.GIVE_PARAMETERS)


def require_values(query: str, values: Mapping[str, Any]) -> None:
    """Raise for the first parameter of a query that has no value.

    Raises
    ------
    QueryError
        A parameter has no value; the error has its name and position.
    """
    for parameter in parameters(query):
        if parameter.name not in values:
            line, column = line_and_column(query, parameter)
            raise QueryError(
                f":{parameter.name} has no value", hint=GIVE_IT, query=query, line=line, column=column
            )


def missing_error(query: str, parameter: Parameter, namespace: Mapping[str, Any]) -> ParameterError:
    """Build the error for a parameter without a value, with its position."""
    name = parameter.name
    reason = namespace.why_missing(name) if isinstance(namespace, Scope) else None
    message = f":{name} has no value" + (f": {reason}" if reason else "")
    hint = f"Assign it in a cell before ({name} = …) or give -p {name}=…."
    line, column = line_and_column(query, parameter)
    return ParameterError(message, hint=hint, query=query, line=line, column=column)


def line_and_column(query: str, parameter: Parameter) -> tuple[int, int]:
    """Return the line and the column of a parameter, counted from 1."""
    before = query[: parameter.start]
    return before.count("\n") + 1, parameter.start - before.rfind("\n")


def read_assignment(text: str) -> tuple[str, Any]:
    """Parse ``name=value`` of a magic's line: JSON numbers, lists and so on; anything else is text.

    A JSON object stays text: the engine reads it with ``:name::JSON``.

    Examples
    --------
    >>> read_assignment("least=5"), read_assignment("kind=motor"), read_assignment('names=["AVAL", "AVAR"]')
    (('least', 5), ('kind', 'motor'), ('names', ['AVAL', 'AVAR']))
    >>> read_assignment('filter={"a":1}')
    ('filter', '{"a":1}')
    """
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise ParameterError(f"-p {text} is no assignment", hint="Write it as -p name=value.")
    try:
        parsed = json.loads(value, parse_constant=_reject_constant)
    except ValueError:
        return name, value
    return name, value if isinstance(parsed, dict) else parsed


def _reject_constant(name: str) -> None:
    """Reject NaN and Infinity, which Python's parser accepts and JSON does not have: they stay text."""
    raise ValueError(name)
