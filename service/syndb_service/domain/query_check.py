"""The check of a query: the summary of its shape, and the answer to its validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from syndb_service.domain.jobs import Failure
from syndb_service.domain.stored_json import select_fields


@dataclass(frozen=True, slots=True)
class QuerySummary:
    """The shape of a query.

    Parameters
    ----------
    texts : tuple of str
        Every text in the query, as a constant or a parameter.
    compared : tuple of str
        The texts that ``dataset_id`` is required to equal.
    chooses_datasets : bool
        Whether the query uses ``dataset_id`` other than in a join.
    from_tables : tuple of str
        The tables and views in the outermost FROM.
    takes_all_columns : bool
        Whether the outermost SELECT has a ``*``.
    sorted : bool
        Whether the outermost SELECT has an ORDER BY.
    limit : int or None
        Its LIMIT.
    one_row : bool
        Whether it computes aggregates without groups.
    whole_table : bool
        Whether it returns all rows of one table, with no other filter than one on ``dataset_id``.
    """

    texts: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    chooses_datasets: bool = False
    from_tables: tuple[str, ...] = ()
    takes_all_columns: bool = False
    sorted: bool = False
    limit: int | None = None
    one_row: bool = False
    whole_table: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Convert the summary to JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> QuerySummary:
        """Read back what :meth:`as_dict` wrote.

        Examples
        --------
        >>> outline = QuerySummary(compared=("a",), limit=3)
        >>> QuerySummary.from_dict(outline.as_dict()) == outline
        True
        """
        lists = {name: tuple(values[name]) for name in ("texts", "compared", "from_tables")}
        return cls(**{**select_fields(cls, values), **lists})


@dataclass(frozen=True, slots=True)
class QueryValidation:
    """A query that was checked and not run; ``failure`` is the reason if it may not run.

    ``checked`` is False if names and types could not be bound in time: ``columns`` are unknown then.
    """

    columns: Sequence[tuple[str, ...]] = ()
    tables: Sequence[str] = ()
    dataset_ids: Sequence[str] = ()
    estimated_rows: int | None = None
    advice: Sequence[str] = ()
    failure: Failure | None = None
    checked: bool = True
    deterministic: bool | None = None
    not_deterministic: Sequence[str] = ()
