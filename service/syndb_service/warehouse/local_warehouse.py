"""The warehouse in a folder of Parquet files, which DuckDB reads in place; one partition per dataset.

    tables/<table>/dataset_id=<uuid>/<digest>.parquet    data
    datasets/<uuid>.json                                 manifests: a dataset without one does not exist
    staging/<random>/                                    datasets in preparation
    leases/<random>/                                     hard links to files that a job reads

Files are written first, then the manifest by one atomic rename; a removal deletes the manifest first. A crash
in between leaves files without a manifest, which the next change deletes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import itertools
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from syndb_service.domain.datasets import Dataset, PreparedDataset, TableInfo, Visibility
from syndb_service.errors import BadSetting, TransientError
from syndb_service.warehouse.base import ProgressCallback, Sources
from syndb_service.warehouse.dataset_lookup import dataset_changed, files_by_table, find, table_files
from syndb_service.warehouse.shared_directory import link, lock_directory, open_leased_directory, sync

_Stamp = tuple[int, int, int]

_log: Final = logging.getLogger(__name__)


class LocalWarehouse:
    """The datasets of one folder.

    Parameters
    ----------
    root : Path
        The folder; the first method that writes creates it.

    Examples
    --------
    >>> LocalWarehouse(Path("warehouse-that-is-new")).datasets()
    []
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._typed = root
        self._manifests_by_id: dict[str, tuple[_Stamp, Dataset]] = {}

    def datasets(self) -> list[Dataset]:
        """List the datasets, ordered by name; read only manifests that changed since the last call."""
        manifests: dict[str, tuple[_Stamp, Dataset]] = {}
        for path in (self._root / "datasets").glob("*.json"):
            cached = self._read(path)
            if cached is not None:
                manifests[path.stem] = cached
        self._manifests_by_id = manifests
        return sorted((dataset for _, dataset in manifests.values()), key=lambda dataset: dataset.name)

    def get(self, dataset_id: str) -> Dataset:
        """Find one dataset by its id.

        Raises
        ------
        NotFound
            With the code ``unknown_dataset``, and the nearest datasets as its hint.
        """
        return find(self.datasets(), dataset_id)

    def sources(self, datasets: Iterable[Dataset]) -> dict[str, list[str]]:
        """Return the Parquet files of these datasets by table: absolute paths, or an empty list."""
        return self._absolute(files_by_table(datasets))

    @contextmanager
    def lease(
        self,
        datasets: Iterable[Dataset],
        tables: Iterable[str] | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> Iterator[Sources]:
        """Keep the files of these datasets until the context ends, by hard links.

        If the file system has no hard links, or this process may not create them, the paths of the original
        files are used; a job then fails if its dataset is removed while it runs.

        Raises
        ------
        TransientError
            If a dataset was removed or replaced since it was listed.
        """
        files = files_by_table(datasets, tables)
        with ExitStack() as stack:
            yield self._link_files(files, stack) if any(files.values()) else files

    def check(self) -> None:
        """Do nothing: a missing folder is an empty warehouse."""

    def ready(self) -> None:
        """Require that the folder can be read.

        Raises
        ------
        TransientError
            If it can't.
        """
        try:
            with contextlib.suppress(FileNotFoundError):
                next((self._root / "datasets").iterdir(), None)
        except OSError as error:
            raise TransientError(
                f"the warehouse can't be read: {error.strerror}",
                hint="An operator has to look at its folder.",
                code="store_unavailable",
            ) from error

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Open a new folder on the warehouse's file system; delete it when the context ends.

        Folders that a killed process left behind are deleted too.

        Raises
        ------
        BadSetting
            If the warehouse can't be written.
        """
        self.writable()
        with open_leased_directory(self._root / "staging") as folder:
            yield folder

    def add(self, prepared: PreparedDataset, *, replace: bool = False) -> Dataset:
        """Add a prepared dataset atomically.

        Parameters
        ----------
        prepared : PreparedDataset
            The result of an import. Its files are moved, or copied from another file system.
        replace : bool
            Replace the dataset with the same id; input that states no id replaces the dataset with the same
            name, and takes its id.

        Returns
        -------
        Dataset
            The dataset as the warehouse lists it now.

        Raises
        ------
        Conflict
            With the code ``dataset_exists`` if another dataset has its id or its name.
        BadSetting
            If the warehouse can't be written.
        """
        self.writable()
        with lock_directory(self._root):
            dataset = table_files(prepared, self.datasets(), replace=replace)
            try:
                tables = {table: self._move_in(prepared, table, dataset.id) for table in dataset.tables}
                dataset = dataclasses.replace(dataset, tables=tables)
                self._publish(dataset)
            finally:
                self._clear_unlisted()
        return dataset

    def open_to(self, dataset_id: str, visibility: Visibility, readers: Sequence[str]) -> Dataset:
        """Set the visibility and the readers of a dataset; see :meth:`DatasetStore.open_to`."""
        self.writable()
        with lock_directory(self._root):
            dataset = dataclasses.replace(self.get(dataset_id), visibility=visibility, readers=tuple(readers))
            self._publish(dataset)
        return dataset

    def remove(self, dataset_id: str) -> Dataset:
        """Remove a dataset and its files; return its last record.

        Raises
        ------
        NotFound
            With the code ``unknown_dataset``.
        BadSetting
            If the warehouse can't be written.
        """
        dataset = self.get(dataset_id)
        self.writable()
        with lock_directory(self._root):
            self._manifest(dataset.id).unlink(missing_ok=True)
            sync(self._root / "datasets")
            self._clear_unlisted()
        return dataset

    def writable(self) -> None:
        """Create the missing folders of the warehouse, and require that they can be written.

        Raises
        ------
        BadSetting
            If a folder can't be created or written.
        """
        try:
            for name in ("datasets", "staging", "tables"):
                (self._root / name).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._root / "staging"):
                pass
        except OSError as error:
            raise BadSetting(
                f"The warehouse {self._typed} can't be written: {error.strerror}.",
                hint="Choose another folder with --data-dir, or change who may write to this one.",
            ) from error

    def _link_files(self, files: Sources, stack: ExitStack) -> Sources:
        try:
            folder = stack.enter_context(open_leased_directory(self._root / "leases"))
            for file in itertools.chain(*files.values()):
                link(self._root / file, folder / file)
        except FileNotFoundError as error:
            raise dataset_changed() from error
        except OSError as error:
            _log.warning(
                "files of the warehouse can't be linked; jobs read them in place: %s", error.strerror
            )
            return self._absolute(files)
        return {table: [str(folder / name) for name in names] for table, names in files.items()}

    def _absolute(self, files: Sources) -> Sources:
        return {table: [str(self._root / name) for name in names] for table, names in files.items()}

    def _move_in(self, prepared: PreparedDataset, table: str, dataset_id: str) -> TableInfo:
        info = prepared.dataset.tables[table]
        partition = self._root / "tables" / table / f"dataset_id={dataset_id}"
        partition.mkdir(parents=True, exist_ok=True)
        files = []
        for file in info.files:
            source = prepared.folder / file
            with source.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
                os.fsync(opened.fileno())
            target = partition / f"{digest[:32]}.parquet"
            shutil.move(source, target)
            files.append(target)
        sync(partition)
        return dataclasses.replace(
            info,
            files=tuple(file.relative_to(self._root).as_posix() for file in files),
            bytes=sum(file.stat().st_size for file in files),
        )

    def _publish(self, dataset: Dataset) -> None:
        target = self._manifest(dataset.id)
        draft = target.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(dataset.to_dict(), file, indent=1, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
        sync(target.parent)

    def _clear_unlisted(self) -> None:
        for draft in (self._root / "datasets").glob("*.draft"):
            draft.unlink()
        datasets = self.datasets()
        listed = {path for paths in self.sources(datasets).values() for path in paths}
        readable = {dataset.id for dataset in datasets}
        for partition in (self._root / "tables").glob("*/dataset_id=*"):
            dataset_id = partition.name.removeprefix("dataset_id=")
            if dataset_id not in readable and self._manifest(dataset_id).exists():
                continue
            for file in partition.iterdir():
                if str(file) not in listed:
                    file.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                partition.rmdir()

    def _manifest(self, dataset_id: str) -> Path:
        return self._root / "datasets" / f"{dataset_id}.json"

    def _read(self, path: Path) -> tuple[_Stamp, Dataset] | None:
        try:
            state = path.stat()
            stamp = (state.st_mtime_ns, state.st_size, state.st_ino)
            cached = self._manifests_by_id.get(path.stem)
            if cached is not None and cached[0] == stamp:
                return cached
            return stamp, Dataset.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            _log.exception("the manifest of dataset %s can't be read; it is not listed", path.stem)
            return None
