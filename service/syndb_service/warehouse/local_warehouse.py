"""The warehouse: a folder of Parquet that DuckDB reads in place, one partition a dataset.

    tables/<table>/dataset_id=<uuid>/<digest>.parquet    data
    datasets/<uuid>.json                                 manifests: what has none does not exist
    staging/<random>/                                    work that is not finished
    leases/<random>/                                     second names of files that a job reads

Files go in first and the manifest after, in one atomic rename; at removal it is the other way round. A crash
in between leaves files that nobody sees, and the next change clears them.
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
        The folder; it is made by the first method that writes.

    Examples
    --------
    >>> LocalWarehouse(Path("warehouse-that-is-new")).datasets()
    []
    """

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._typed = root
        self._seen: dict[str, tuple[_Stamp, Dataset]] = {}

    def datasets(self) -> list[Dataset]:
        """List what is here, by name. Only manifests that changed since the last call are read."""
        seen: dict[str, tuple[_Stamp, Dataset]] = {}
        for path in (self._root / "datasets").glob("*.json"):
            known = self._read(path)
            if known is not None:
                seen[path.stem] = known
        self._seen = seen
        return sorted((dataset for _, dataset in seen.values()), key=lambda dataset: dataset.name)

    def get(self, dataset_id: str) -> Dataset:
        """Find one dataset by its id.

        Raises
        ------
        NotFound
            With the code ``unknown_dataset``, and the nearest datasets as its hint.
        """
        return find(self.datasets(), dataset_id)

    def sources(self, datasets: Iterable[Dataset]) -> dict[str, list[str]]:
        """Name the Parquet files of some datasets by table: absolute paths, or an empty list."""
        return self._absolute(files_by_table(datasets))

    @contextmanager
    def lease(
        self,
        datasets: Iterable[Dataset],
        tables: Iterable[str] | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> Iterator[Sources]:
        """Keep the files of some datasets as long as the context lasts: under second names of their own.

        Where the file system has no hard links, or this process may not make them, the files are named as
        they lie; a job then fails if its dataset is removed while it runs.

        Raises
        ------
        TransientError
            If a dataset has just been removed or replaced.
        """
        files = files_by_table(datasets, tables)
        with ExitStack() as stack:
            yield self._link_files(files, stack) if any(files.values()) else files

    def check(self) -> None:
        """Do nothing: a folder that is not there yet is an empty warehouse."""

    def ready(self) -> None:
        """Return if the folder can be read.

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
        """Lend a new folder on the warehouse's file system, and clear it afterwards.

        Folders that a killed process left behind are cleared too.

        Raises
        ------
        BadSetting
            If the warehouse can't be written.
        """
        self.writable()
        with open_leased_directory(self._root / "staging") as folder:
            yield folder

    def add(self, prepared: PreparedDataset, *, replace: bool = False) -> Dataset:
        """Add a prepared dataset, whole or not at all.

        Parameters
        ----------
        prepared : Prepared
            What an intake made of a folder. Its files are moved in, or copied from another file system.
        replace : bool
            Put it in the place of the dataset with the same id; a folder that states no id takes the place of
            the dataset with the same name, and its id.

        Returns
        -------
        Dataset
            What the warehouse now lists.

        Raises
        ------
        Conflict
            With the code ``dataset_exists``: its id or its name is taken.
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
        """Say who may see a dataset from now on; see :meth:`DatasetStore.open_to`."""
        self.writable()
        with lock_directory(self._root):
            dataset = dataclasses.replace(self.get(dataset_id), visibility=visibility, readers=tuple(readers))
            self._publish(dataset)
        return dataset

    def remove(self, dataset_id: str) -> Dataset:
        """Remove a dataset and its files, and say what it was.

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
        """Make the warehouse's folders where they are missing.

        Raises
        ------
        BadSetting
            If the folder can't be made or written.
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
            _log.warning("files of the warehouse can't be leased, only named: %s", error.strerror)
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
            known = self._seen.get(path.stem)
            if known is not None and known[0] == stamp:
                return known
            return stamp, Dataset.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            _log.exception("the manifest of dataset %s can't be read; it is left out", path.stem)
            return None
