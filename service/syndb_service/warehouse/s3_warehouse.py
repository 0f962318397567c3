"""The warehouse in S3: the same keys as in a folder, read through a cache on this machine.

    tables/<table>/dataset_id=<uuid>/<digest>.parquet    data
    datasets/<uuid>.json                                 manifests: a dataset without one does not exist

Files are written first, then the manifest by one conditional PUT; a removal deletes the manifest first. A
crash in between leaves objects without a manifest; the first change after a day deletes them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import logging
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from syndb_service.domain.datasets import Dataset, PreparedDataset, TableInfo, Visibility
from syndb_service.errors import BadSetting, Conflict, TransientError
from syndb_service.s3 import Bucket, ObjectNotFound, PreconditionFailed, chunks_of
from syndb_service.warehouse.base import ProgressCallback, Sources
from syndb_service.warehouse.dataset_lookup import dataset_changed, files_by_table, find, table_files
from syndb_service.warehouse.file_cache import FileCache, WantedFile
from syndb_service.warehouse.s3_manifests import ManifestEntry, Manifests
from syndb_service.warehouse.shared_directory import open_leased_directory

FRESH_S: Final = 1.0
ORPHAN_AGE: Final = timedelta(days=1)
DATA: Final = "tables/"

_log: Final = logging.getLogger(__name__)


class S3Warehouse:
    """The datasets below a prefix of a bucket; see :class:`DatasetStore`.

    Parameters
    ----------
    bucket : Bucket
        Bucket and prefix, which should contain this warehouse only.
    cache_dir : Path
        Folder of this machine's cache, which its processes share; datasets are prepared there too.
    cache_bytes : int
        Maximum size of the cache, in bytes; it must hold the files of one job.
    fresh_s : float
        Seconds for which a listing is reused.
    """

    def __init__(
        self, bucket: Bucket, cache_dir: Path, cache_bytes: int, *, fresh_s: float = FRESH_S
    ) -> None:
        self._bucket = bucket
        self._staging = cache_dir.absolute() / "staging"
        self._cache = FileCache(cache_dir, cache_bytes, self._fetch)
        self._manifests = Manifests(bucket, fresh_s)

    def check(self) -> None:
        """Require at start that the bucket can be read and the cache can be written.

        Raises
        ------
        BadSetting
            If a setting is wrong.
        TransientError
            If the store is unavailable.
        """
        self._cache.writable()
        self._bucket.check(writing=False)

    def ready(self) -> None:
        """Require that the store responds, within about three seconds.

        Raises
        ------
        TransientError
            If it does not.
        """
        self._bucket.ready()

    def writable(self) -> None:
        """Require that datasets can be added.

        Raises
        ------
        BadSetting
            If they can't.
        TransientError
            If the store is unavailable.
        """
        self._bucket.check()

    def datasets(self) -> list[Dataset]:
        """List the datasets, ordered by name; list the store once a second, and read changed manifests."""
        return _by_name(self._manifests.current())

    def get(self, dataset_id: str) -> Dataset:
        """Find one dataset by its id.

        Raises
        ------
        NotFound
            With the code ``unknown_dataset``, and the nearest datasets as its hint.
        """
        return find(self.datasets(), dataset_id)

    @contextmanager
    def lease(
        self,
        datasets: Iterable[Dataset],
        tables: Iterable[str] | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> Iterator[Sources]:
        """Fetch the files of these datasets and keep them; see :meth:`DatasetStore.lease`."""
        leased = list(datasets)
        files = files_by_table(leased, None if tables is None else set(tables))
        with self._cache.lease(self._required_files(leased, files), on_progress) as folder:
            yield {table: [str(folder / name) for name in names] for table, names in files.items()}

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Open a new folder on this machine; delete it when the context ends.

        Raises
        ------
        BadSetting
            If the warehouse or the folder can't be written.
        """
        self.writable()
        try:
            self._staging.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadSetting(f"{self._staging} can't be written: {error.strerror}") from error
        with open_leased_directory(self._staging) as folder:
            yield folder

    def add(self, prepared: PreparedDataset, *, replace: bool = False) -> Dataset:
        """Add a prepared dataset atomically; see :meth:`LocalWarehouse.add`.

        Raises
        ------
        Conflict
            With the code ``dataset_exists`` if another dataset has its id or its name, also one that was
            added at the same time.
        TransientError
            If the store is unavailable; nothing was added.
        """
        before = self._manifests.fresh()
        dataset = table_files(prepared, _by_name(before), replace=replace)
        old = before.get(dataset.id)
        tables = {table: self._upload(prepared, table, dataset.id) for table in dataset.tables}
        dataset = dataclasses.replace(dataset, tables=tables)
        try:
            self._manifests.publish(dataset, old.etag if old else None)
        except PreconditionFailed as error:
            self._clear_unlisted(dataset)
            raise _concurrent_change() from error
        self._roll_back(dataset, old)
        self._clear_unlisted(old.dataset if old else None)
        return dataset

    def open_to(self, dataset_id: str, visibility: Visibility, readers: Sequence[str]) -> Dataset:
        """Set the visibility and the readers of a dataset; see :meth:`DatasetStore.open_to`."""
        listed = self._manifests.fresh()
        found = find(_by_name(listed), dataset_id)
        dataset = dataclasses.replace(found, visibility=visibility, readers=tuple(readers))
        try:
            self._manifests.publish(dataset, listed[dataset.id].etag)
        except PreconditionFailed as error:
            raise _concurrent_change() from error
        self._manifests.fresh()
        return dataset

    def remove(self, dataset_id: str) -> Dataset:
        """Remove a dataset and its files; return its last record.

        Raises
        ------
        NotFound
            With the code ``unknown_dataset``.
        """
        dataset = find(_by_name(self._manifests.fresh()), dataset_id)
        self._manifests.withdraw(dataset.id)
        self._clear_unlisted(dataset)
        return dataset

    def _upload(self, prepared: PreparedDataset, table: str, dataset_id: str) -> TableInfo:
        info = prepared.dataset.tables[table]
        files, size = [], 0
        for file in info.files:
            source = prepared.folder / file
            with source.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
            key = f"{DATA}{table}/dataset_id={dataset_id}/{digest[:32]}.parquet"
            self._bucket.upload(source, key)
            files.append(key)
            size += source.stat().st_size
        return dataclasses.replace(info, files=tuple(files), bytes=size)

    def _roll_back(self, dataset: Dataset, old: ManifestEntry | None) -> None:
        """Roll back a manifest if another dataset of the same name was added at the same time; both do so."""
        listed = self._manifests.fresh()
        if all(
            other.dataset.name != dataset.name or other_id == dataset.id for other_id, other in listed.items()
        ):
            return
        if old is None:
            self._manifests.withdraw(dataset.id)
        elif dataset.id in listed:
            with contextlib.suppress(PreconditionFailed):
                self._manifests.publish(old.dataset, listed[dataset.id].etag)
        self._clear_unlisted(dataset)
        raise _concurrent_change()

    def _clear_unlisted(self, removed: Dataset | None) -> None:
        """Delete the files of a removed dataset, and files that have had no manifest for a day."""
        try:
            listed = {file for entry in self._manifests.fresh().values() for file in _files(entry.dataset)}
            unreadable = self._manifests.unreadable()
            before = datetime.now(UTC) - ORPHAN_AGE
            orphans = {
                entry.key
                for entry in self._bucket.entries(DATA)
                if entry.modified < before and _dataset_id(entry.key) not in unreadable
            }
            for key in (orphans | (_files(removed) if removed else set())) - listed:
                self._bucket.delete(key)
            for upload in self._bucket.uploads(DATA):
                if upload.initiated < before:
                    self._bucket.abort(upload.key, upload.upload_id)
        except TransientError as error:
            _log.warning("files without a manifest are left to the next change: %s", error)

    def _required_files(self, datasets: Iterable[Dataset], files: Sources) -> list[WantedFile]:
        """Return the files with their sizes; the manifest has the size of a table that is a single file."""
        sizes = {
            info.files[0]: info.bytes
            for dataset in datasets
            for info in dataset.tables.values()
            if len(info.files) == 1
        }
        try:
            return [
                WantedFile(file, sizes[file] if file in sizes else self._bucket.size(file))
                for names in files.values()
                for file in names
            ]
        except ObjectNotFound as error:
            raise dataset_changed() from error

    def _fetch(self, path: str) -> Generator[bytes, None, None]:
        try:
            opened = self._bucket.open(path)
            yield from chunks_of(self._bucket, path, opened, 0, opened.bytes)
        except ObjectNotFound as error:
            raise dataset_changed() from error


def _by_name(listed: dict[str, ManifestEntry]) -> list[Dataset]:
    return sorted((entry.dataset for entry in listed.values()), key=lambda dataset: dataset.name)


def _files(dataset: Dataset) -> set[str]:
    return {file for info in dataset.tables.values() for file in info.files}


def _dataset_id(key: str) -> str:
    return key.partition("dataset_id=")[2].partition("/")[0]


def _concurrent_change() -> Conflict:
    return Conflict(
        "Another process added or changed a dataset of that id or name at the same time; "
        "nothing was changed.",
        hint="List the datasets, and try again if it is still wanted.",
        code="dataset_exists",
    )
