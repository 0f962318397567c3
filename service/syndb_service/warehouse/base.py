"""What a warehouse is, wherever it lies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from syndb_service.domain.datasets import Dataset, PreparedDataset, Visibility

Sources = dict[str, list[str]]
"""Absolute paths of Parquet files by table; every table is there, those without files with an empty list."""

ProgressCallback = Callable[[int, int], None]
"""Told while files are brought here, some four times a second: bytes that came, and bytes to come in all."""


class DatasetStore(Protocol):
    """The datasets of one warehouse: a folder, or a prefix in S3."""

    def check(self) -> None:
        """Make sure at start that the warehouse can be read.

        Raises
        ------
        BadSetting
            If a setting has to be mended.
        TransientError
            If the store is away; it may be there later.
        """

    def ready(self) -> None:
        """Return if the warehouse answers, within some three seconds.

        Raises
        ------
        TransientError
            Naming the warehouse, if it does not.
        """

    def writable(self) -> None:
        """Make sure that datasets can be added.

        Raises
        ------
        BadSetting
            If they can't.
        """

    def datasets(self) -> list[Dataset]:
        """List what is here, by name; a dataset that was just added is seen within a second or two."""

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
        """Keep the files of some datasets on this machine as long as the context lasts.

        Parameters
        ----------
        datasets : iterable of Dataset
            As :meth:`datasets` listed them.
        tables : iterable of str, optional
            The tables that will be read; all, if None.
        on_progress : callable, optional
            Told ``(bytes here, bytes in all)`` some four times a second while files are brought here or room
            is waited for; what it raises ends the lease.

        Returns
        -------
        context manager of dict
            By table, the absolute paths of its Parquet files. They stay readable to the end of the context,
            even if the dataset is removed or replaced meanwhile.

        Raises
        ------
        TransientError
            If a dataset has just been removed or replaced, the store is away, or running jobs fill the cache.
        FatalError
            With the code ``cache_too_small`` if the files don't fit at all; ``dataset_damaged`` if a file's
            content is not what its name says.

        Examples
        --------
        >>> with warehouse.lease([celegans], ["neurons"]) as sources:  # doctest: +SKIP
        ...     sources["neurons"]
        ['/srv/cache/leases/k2x9/tables/neurons/dataset_id=7c…/1f0c….parquet']
        """

    def staging(self) -> AbstractContextManager[Path]:
        """Lend a new folder in which a dataset is prepared, and clear it afterwards."""

    def add(self, prepared: PreparedDataset, *, replace: bool = False) -> Dataset:
        """Add a prepared dataset, whole or not at all; see :meth:`LocalWarehouse.add`."""

    def open_to(self, dataset_id: str, visibility: Visibility, readers: Sequence[str]) -> Dataset:
        """Say who may see a dataset from now on.

        Raises
        ------
        NotFound
            With the code ``unknown_dataset``.
        Conflict
            If somebody else changed it at this moment.
        """

    def remove(self, dataset_id: str) -> Dataset:
        """Remove a dataset and its files, and say what it was."""
