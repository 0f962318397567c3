"""The manifests of a warehouse in S3: a dataset without one does not exist."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

from syndb_service.domain.datasets import Dataset
from syndb_service.s3 import Bucket, ObjectNotFound
from syndb_service.s3.bucket import Entry

FOLDER: Final = "datasets/"
_FILE: Final = re.compile(r"tables/[a-z_]+/dataset_id=([0-9a-f-]{36})/[0-9a-f]{32}\.parquet")

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """A dataset, and the ETag of its manifest."""

    dataset: Dataset
    etag: str


class Manifests:
    """The manifests below ``datasets/``.

    Parameters
    ----------
    bucket : Bucket
        The warehouse.
    fresh_s : float
        Seconds for which a listing is reused.
    """

    def __init__(self, bucket: Bucket, fresh_s: float) -> None:
        self._bucket = bucket
        self._fresh_s = fresh_s
        self._lock = threading.Lock()
        self._stale_at = 0.0
        self._entries: dict[str, ManifestEntry] = {}
        self._unreadable: dict[str, str] = {}

    def current(self) -> dict[str, ManifestEntry]:
        """Return the manifests by dataset id, from a listing that is at most ``fresh_s`` old."""
        with self._lock:
            if time.monotonic() >= self._stale_at:
                self._read()
            return dict(self._entries)

    def fresh(self) -> dict[str, ManifestEntry]:
        """List the manifests now; return them by dataset id."""
        with self._lock:
            self._read()
            return dict(self._entries)

    def unreadable(self) -> set[str]:
        """Return the ids of datasets whose manifests can't be read; their files must not be deleted."""
        with self._lock:
            return set(self._unreadable)

    def publish(self, dataset: Dataset, replaces: str | None) -> None:
        """Write a manifest if there is none, or replace the one with that ETag.

        Raises
        ------
        PreconditionFailed
            If there is another one.
        """
        text = json.dumps(dataset.to_dict(), indent=1, ensure_ascii=False)
        self._bucket.put_if(_key(dataset.id), text.encode("utf-8"), replaces)

    def withdraw(self, dataset_id: str) -> None:
        """Delete a manifest, if it exists."""
        self._bucket.delete(_key(dataset_id))

    def _read(self) -> None:
        """List the manifests and read those that changed."""
        listed_at = time.monotonic()
        entries: dict[str, ManifestEntry] = {}
        unreadable: dict[str, str] = {}
        for entry in self._bucket.entries(FOLDER):
            dataset_id = entry.key.removeprefix(FOLDER).removesuffix(".json")
            cached = self._entries.get(dataset_id)
            if cached is not None and cached.etag == entry.etag:
                entries[dataset_id] = cached
            elif self._unreadable.get(dataset_id) == entry.etag:
                unreadable[dataset_id] = entry.etag
            else:
                try:
                    entries[dataset_id] = self._load(entry)
                except ObjectNotFound:
                    continue
                except (ValueError, KeyError, TypeError):
                    _log.exception("the manifest of dataset %s can't be read; it is not listed", dataset_id)
                    unreadable[dataset_id] = entry.etag
        self._entries, self._unreadable = entries, unreadable
        self._stale_at = listed_at + self._fresh_s

    def _load(self, entry: Entry) -> ManifestEntry:
        opened = self._bucket.open(entry.key)
        with self._bucket.translate_errors():
            text = opened.body.read()
        opened.body.close()
        return ManifestEntry(_dataset(json.loads(text)), opened.etag)


def _dataset(plain: dict[str, Any]) -> Dataset:
    dataset = Dataset.from_dict(plain)
    for info in dataset.tables.values():
        for file in info.files:
            match = _FILE.fullmatch(file)
            if match is None or match[1] != dataset.id:
                raise ValueError(f"{file!r} is no file of dataset {dataset.id}")
    return dataset


def _key(dataset_id: str) -> str:
    return f"{FOLDER}{dataset_id}.json"
