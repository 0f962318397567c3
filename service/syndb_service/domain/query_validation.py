"""The answer to the validation of SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syndb_service.domain.jobs import Failure


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
