"""Result references in SQL: ``{{name}}`` is the stored result of the job that a variable holds."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from syndb_lab.conversion.sql_values import article
from syndb_lab.errors import ParameterError
from syndb_lab.job_handle import JobHandle
from syndb_lab.sql.caller_namespace import Scope
from syndb_lab.sql.parameter_scanner import Token, tokens
from syndb_lab.sql.parameters import BoundQuery, Insertion


def bind_references(query: str, namespace: Mapping[str, Any]) -> BoundQuery:
    """Replace each ``{{name}}`` by the id of its job, except in texts and comments.

    Parameters
    ----------
    query : str
        The SQL.
    namespace : mapping
        Job handles, or ids of jobs, by name.

    Returns
    -------
    BoundQuery
        The SQL with ids, and the replacements in it.

    Raises
    ------
    ParameterError
        A name has no job.

    Examples
    --------
    >>> bind_references("FROM {{motor}} LIMIT 5", {"motor": "6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11"}).sql
    'FROM {{6e1f0a52-0b7c-4c1e-9d0e-0a4f2f0c7b11}} LIMIT 5'
    """
    parts, sites, position, length = [], [], 0, 0
    for token in references(query):
        written = f"{{{{{job_id(query, token, namespace)}}}}}"
        parts += [query[position : token.start], written]
        start = length + token.start - position
        sites.append(Insertion(start, len(written), len(token.text)))
        position, length = token.end, start + len(written)
    return BoundQuery("".join([*parts, query[position:]]), {}, tuple(sites))


def named_handles(query: str, namespace: Mapping[str, Any]) -> list[tuple[str, JobHandle]]:
    """List the job handles that a query refers to, in their order.

    Examples
    --------
    >>> [name for name, _ in named_handles("FROM {{motor}} JOIN {{other}} USING (id)", {"motor": job})]
    ['motor']
    """
    names = [token.name for token in references(query)]
    values = [(name, namespace.get(name)) for name in dict.fromkeys(names)]
    return [(name, value) for name, value in values if isinstance(value, JobHandle)]


def references(query: str) -> list[Token]:
    """Find each ``{{name}}`` in SQL, outside texts and comments."""
    return [token for token in tokens(query) if token.kind == "reference"]


def job_id(query: str, token: Token, namespace: Mapping[str, Any]) -> str:
    """Return the id of the job that a reference names; wait for a handle's job to end."""
    name = token.name
    value = namespace.get(name, name)
    if not isinstance(value, JobHandle | str | uuid.UUID):
        raise no_job(query, token, f"is {article(value)}, no job")
    if isinstance(value, JobHandle):
        return value.wait().id
    try:
        return str(uuid.UUID(str(value)))
    except ValueError:
        reason = namespace.why_missing(name) if isinstance(namespace, Scope) else None
        problem = f"is not there: {reason}" if reason else "is not there"
        raise no_job(query, token, f"is {article(value)}, no job" if name in namespace else problem) from None


def no_job(query: str, token: Token, problem: str) -> ParameterError:
    """Build the error for a reference to no job, with its position."""
    return ParameterError(
        f"{{{{{token.name}}}}} {problem}",
        hint="It takes the variable of a job (a cell without --wait), or a job's id.",
        query=query,
        line=query.count("\n", 0, token.start) + 1,
        column=token.start - query.rfind("\n", 0, token.start),
    )
