"""The interface of a warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from syndb_service.domain.datasets import Dataset, PreparedDataset, Visibility

Sources = dict[str, list[str]]
"""Absolute paths of Parquet files by table; every table is a key, with an empty list if it has no files."""

ProgressCallback = Callable[[int, int], None]
"""Called about four times a second while files are fetched, with the fetched and the total bytes."""


class DatasetStore(Protocol):
    """The datasets of one warehouse: a folder, or a prefix in S3."""

    def check(self) -> None:
        """Require at start that the warehouse can be read.

        Raises
        ------
        BadSetting
            If a setting is wrong.
        TransientError
            If the store is unavailable.
        """

    def ready(self) -> None:
        """Require that the warehouse responds, within about three seconds.

        Raises
        ------
        TransientError
            If it does not; the message names the warehouse.
        """

    def writable(self) -> None:
        """Require that datasets can be added.

        Raises
        ------
        BadSetting
            If they can't.
        """

    def datasets(self) -> list[Dataset]:
        """List the datasets, ordered by name; a new dataset is listed within one or two seconds."""

    def get(self, dataset_id: str) -> Dataset:
        """Find one dataset by its id.

        Raises
        ------
        NotFound
            With the code ``unknown_dataset``, and the nearest datasets as its hint.
        """

    def lease(
        self,
        datasets: Iterable[Dataset],
        tables: Iterable[str] | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> AbstractContextManager[Sources]:
        """Keep the files of these datasets on this machine until the context ends.

        Parameters
        ----------
        datasets : iterable of Dataset
            Datasets as :meth:`datasets` listed them.
        tables : iterable of str, optional
            The tables that will be read; None for all.
        on_progress : callable, optional
            Called with ``(fetched bytes, total bytes)`` about four times a second while files are fetched or
            the cache is full; an error that it raises ends the lease.

        Returns
        -------
        context manager of dict
            By table, the absolute paths of its Parquet files. They stay readable until the context ends, even
            if the dataset is removed or replaced before.

        Raises
        ------
        TransientError
            If a dataset was removed or replaced since it was listed, the store is unavailable, or running
            jobs fill the cache.
        FatalError
            With the code ``cache_too_small`` if the files exceed the cache; ``dataset_damaged`` if a file
            does not match the digest in its name.

        Examples
        --------
        >>> with warehouse.lease([celegans], ["neurons"]) as sources:  # doctest: +SKIP
        ...     sources["neurons"]
        ['/srv/cache/leases/k2x9/tables/neurons/dataset_id=7c…/1f0c….parquet']
        """

    def staging(self) -> AbstractContextManager[Path]:
        """Open a new folder in which a dataset is prepared; delete it when the context ends."""

    def add(self, prepared: PreparedDataset, *, replace: bool = False) -> Dataset:
        """Add a prepared dataset atomically; see :meth:`LocalWarehouse.add`."""

    def open_to(self, dataset_id: str, visibility: Visibility, readers: Sequence[str]) -> Dataset:
        """Set the visibility and the readers of a dataset.

        Raises
        ------
        NotFound
            With the code ``unknown_dataset``.
        Conflict
            If another process changed the dataset at the same time.
        """

    def remove(self, dataset_id: str) -> Dataset:
        """Remove a dataset and its files; return its last record."""
