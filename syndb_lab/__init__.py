"""Connectome queries and graph analyses as jobs, from a notebook.

>>> import syndb_lab
>>> lab = syndb_lab.connect()
>>> worm = lab.datasets().named("celegans_varshney_2011").id
>>> query = "SELECT count(*) AS neurons FROM neurons WHERE dataset_id = :worm"
>>> lab.sql(query, parameters={"worm": worm}).to_polars().item()
279
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from syndb_lab.connection.connect import connect
    from syndb_lab.connection.login import login
    from syndb_lab.datasets import Dataset
    from syndb_lab.errors import (
        AcademicVerificationRequired,
        AccessDenied,
        AuthError,
        Detached,
        JobCancelled,
        JobFailed,
        JobNotFound,
        ParameterError,
        QueryError,
        RequestRefused,
        ResultDamaged,
        ResultExpired,
        ResultNotReady,
        ResultTruncated,
        ResultUnsuitable,
        ServiceNotStarted,
        ServiceUnavailable,
        SyndbError,
        TooManyRequests,
        UnknownDataset,
        WaitTimeout,
    )
    from syndb_lab.job import Job
    from syndb_lab.lab import Lab

__all__ = [
    "AcademicVerificationRequired",
    "AccessDenied",
    "AuthError",
    "Dataset",
    "Detached",
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobNotFound",
    "Lab",
    "ParameterError",
    "QueryError",
    "RequestRefused",
    "ResultDamaged",
    "ResultExpired",
    "ResultNotReady",
    "ResultTruncated",
    "ResultUnsuitable",
    "ServiceNotStarted",
    "ServiceUnavailable",
    "SyndbError",
    "TooManyRequests",
    "UnknownDataset",
    "WaitTimeout",
    "connect",
    "login",
]

_ELSEWHERE = {
    "Dataset": "datasets",
    "Job": "job",
    "Lab": "lab",
    "connect": "connection.connect",
    "login": "connection.login",
}


def __getattr__(name: str) -> Any:
    """Load a public name at its first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return __all__


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register ``%%syndb`` and ``%syndb`` in a notebook; ``%load_ext syndb_lab`` calls this."""
    from syndb_lab.magics.syndb_magics import load

    load(shell)
