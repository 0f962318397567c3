"""``{{name}}`` in SQL: the stored result of a job, by the variable that holds its handle."""

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
    """Write the id of a job for each ``{{name}}``; what stands in a text or a comment is left alone.

    Parameters
    ----------
    query : str
        SQL.
    namespace : mapping
        Job handles, or ids of jobs, by name.

    Returns
    -------
    Bound
        The SQL with ids, and where it is longer than the given one.

    Raises
    ------
    ParameterError
        There is no job of that name.

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
    """List the job handles that a query names, in their order.

    Examples
    --------
    >>> [name for name, _ in named_handles("FROM {{motor}} JOIN {{other}} USING (id)", {"motor": job})]
    ['motor']
    """
    names = [token.name for token in references(query)]
    found = [(name, namespace.get(name)) for name in dict.fromkeys(names)]
    return [(name, held) for name, held in found if isinstance(held, JobHandle)]


def references(query: str) -> list[Token]:
    """Find the ``{{name}}`` in SQL; what stands in a text or a comment is none."""
    return [token for token in tokens(query) if token.kind == "reference"]


def job_id(query: str, token: Token, namespace: Mapping[str, Any]) -> str:
    """Find the job that a name means: an id, or a handle, which is waited for where its job still runs."""
    name = token.name
    held = namespace.get(name, name)
    if not isinstance(held, JobHandle | str | uuid.UUID):
        raise no_job(query, token, f"is {article(held)}, no job")
    if isinstance(held, JobHandle):
        return held.wait().id
    try:
        return str(uuid.UUID(str(held)))
    except ValueError:
        why = namespace.why_missing(name) if isinstance(namespace, Scope) else None
        what = f"is not there: {why}" if why else "is not there"
        raise no_job(query, token, f"is {article(held)}, no job" if name in namespace else what) from None


def no_job(query: str, token: Token, what: str) -> ParameterError:
    """Say that a name means no job, and where it stands."""
    return ParameterError(
        f"{{{{{token.name}}}}} {what}",
        hint="It takes the variable of a job (a cell without --wait), or a job's id.",
        query=query,
        line=query.count("\n", 0, token.start) + 1,
        column=token.start - query.rfind("\n", 0, token.start),
    )
