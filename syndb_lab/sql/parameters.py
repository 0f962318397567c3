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
    """A place where the SQL that is sent is longer than the text that was given; counted from 0."""

    start: int
    sent: int
    given: int


@dataclass(frozen=True, slots=True)
class BoundQuery:
    """A query with its values, as they are sent."""

    sql: str
    values: dict[str, Any]
    sites: tuple[Insertion, ...] = ()

    def column(self, line: int | None, column: int | None) -> int | None:
        """Find the column of the given text that a column of the SQL stands for; the lines are the same.

        Examples
        --------
        >>> bound = bind("SELECT :day, nam", {"day": datetime.date(2011, 2, 3)})
        >>> bound.sql, bound.column(1, 28)
        ('SELECT CAST($day AS DATE), nam', 14)
        """
        if line is None or column is None:
            return column
        begin = sum(len(text) + 1 for text in self.sql.split("\n")[: line - 1])
        reached = place = begin + column - 1
        for site in self.sites:
            if begin <= site.start < reached:
                inside = reached < site.start + site.sent
                place -= reached - site.start if inside else site.sent - site.given
        return place - begin + 1


def bind(query: str, values: Mapping[str, Any]) -> BoundQuery:
    """Write ``:name`` as the engine's ``$name``, and make the values fit for the wire.

    What JSON has no type for goes as text, and the SQL gives it its type back: a date's ``:name`` becomes
    ``CAST($name AS DATE)``. All others keep their length.

    Parameters
    ----------
    query : str
        SQL with ``:name`` or ``$name`` parameters.
    values : mapping
        Values by name, without the colon.

    Returns
    -------
    Bound
        The SQL and the values to send.

    Raises
    ------
    ParameterError
        The query is no text, or a value can't be bound.

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
    if strangers := [name for name in values if not isinstance(name, str)]:
        raise ParameterError(
            f"parameters has the name {format_value(strangers[0])}, which is no text",
            hint='For example: parameters={"kind": "motor"}.',
        )
    require_valid_text("the query", query)
    found = {
        require_valid_text("a parameter's name", name): python_value(name, value)
        for name, value in values.items()
    }
    types = {name: sql_type(name, value) for name, value in found.items()}
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
        sql, {name: wire_value(value, types[name]) for name, value in found.items()}, tuple(sites)
    )


def select_values(query: str, namespace: Mapping[str, Any], assigned: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the values that a query's parameters need, the assigned ones before the namespace's.

    Raises
    ------
    ParameterError
        A parameter has no value, or a value was assigned that the query doesn't use.

    Examples
    --------
    >>> select_values("SELECT :n", {"n": 3, "other": 4}, {})
    {'n': 3}
    """
    wanted = {found.name: found for found in reversed(parameters(query))}
    if unused := [name for name in assigned if name not in wanted]:
        raise ParameterError(
            f"the query has no parameter :{unused[0]}",
            hint=f"It has {', '.join(f':{name}' for name in sorted(wanted)) or 'none'}.",
        )
    for name, found in wanted.items():
        if name not in assigned and name not in namespace:
            raise missing_error(query, found, namespace)
    return {name: assigned[name] if name in assigned else namespace[name] for name in sorted(wanted)}


GIVE_IT: Final = NextStep(Action.GIVE_PARAMETERS)


def require_values(query: str, values: Mapping[str, Any]) -> None:
    """Refuse a query of whose parameters one has no value.

    Raises
    ------
    QueryError
        Saying which, and where it stands.
    """
    for found in parameters(query):
        if found.name not in values:
            line, column = line_and_column(query, found)
            raise QueryError(
                f":{found.name} has no value", hint=GIVE_IT, query=query, line=line, column=column
            )


def missing_error(query: str, found: Parameter, namespace: Mapping[str, Any]) -> ParameterError:
    """Say that a parameter has no value, and where it stands."""
    why = namespace.why_missing(found.name) if isinstance(namespace, Scope) else None
    told = f":{found.name} has no value" + (f": {why}" if why else "")
    hint = f"Assign it in a cell before ({found.name} = …) or give -p {found.name}=…."
    line, column = line_and_column(query, found)
    return ParameterError(told, hint=hint, query=query, line=line, column=column)


def line_and_column(query: str, found: Parameter) -> tuple[int, int]:
    """Count the line and the column of a parameter, from 1."""
    before = query[: found.start]
    return before.count("\n") + 1, found.start - before.rfind("\n")


def read_assignment(text: str) -> tuple[str, Any]:
    """Read ``name=value`` as written on a magic's line: a number, a list, … as in JSON, otherwise text.

    An object of JSON is text, too: the engine reads it with ``:name::JSON``.

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
        found = json.loads(value, parse_constant=_no_constant)
    except ValueError:
        return name, value
    return name, value if isinstance(found, dict) else found


def _no_constant(name: str) -> None:
    """Leave NaN and Infinity texts, which JSON hasn't and Python's reader takes."""
    raise ValueError(name)
