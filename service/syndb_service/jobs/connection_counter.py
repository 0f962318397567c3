"""The connection counter: counts the connections of a selection in a child process, and caches the counts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil

from cachetools import LRUCache

from syndb_service.domain.child_task import CountedSizes, CountTask, TaskLimits, to_dict
from syndb_service.domain.datasets import Dataset, Sizes
from syndb_service.domain.graph.connection_sql import READS
from syndb_service.domain.graph.selection import Selection
from syndb_service.domain.message_codec import MalformedMessage, decode_message
from syndb_service.errors import ServiceError
from syndb_service.isolation.channel import FrameType
from syndb_service.isolation.fork_server_client import ForkServerClient
from syndb_service.settings import Settings
from syndb_service.warehouse import DatasetStore

log = logging.getLogger(__name__)

LOCK_TIMEOUT_S = 5.0
COUNT_S = 20.0
"""A synthetic whole brain of 15 million connections and 189 million synapses took 0.8 to 2.7 s."""
CACHED = 32


class ConnectionCounter:
    """A counter of connections: one graph at a time, with a cache of the last ``CACHED`` counts.

    Parameters
    ----------
    settings : Settings
        The memory and threads of a job limit the child.
    fork_server : ForkServerClient
        Starts the children.
    warehouse : DatasetStore
        The store of the datasets; files that are not on this machine are fetched.
    """

    def __init__(self, settings: Settings, fork_server: ForkServerClient, warehouse: DatasetStore) -> None:
        self._settings = settings
        self._fork_server = fork_server
        self._warehouse = warehouse
        self._lock = threading.Lock()
        self._counts: LRUCache[object, Sizes] = LRUCache(CACHED)

    def count(self, dataset: Dataset, selection: Selection) -> Sizes | None:
        """Count the connections of a dataset under filters, by their number of synapses.

        The count ignores ``min_synapses``, because its histogram covers every minimum.

        Returns
        -------
        Sizes or None
            None if there is no count in ``LOCK_TIMEOUT_S + COUNT_S`` seconds: too much to read, other counts
            run, or the warehouse is unavailable.
        """
        selection = replace(selection, min_synapses=1)
        files = [dataset.tables[name].files for name in READS if name in dataset.tables]
        key = (dataset.id, tuple(files), selection)
        if not self._lock.acquire(timeout=LOCK_TIMEOUT_S):
            return None
        try:
            if key not in self._counts:
                self._counts[key] = self._count_in_child(dataset, selection)
            return self._counts[key]
        except (ServiceError, OSError, EOFError, MalformedMessage) as error:
            log.warning("the connections of dataset %s are not counted: %s", dataset.id, error)
            return None
        finally:
            self._lock.release()

    def _count_in_child(self, dataset: Dataset, selection: Selection) -> Sizes:
        deadline = time.monotonic() + COUNT_S

        def on_progress(done: int, total: int) -> None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{done:,} of {total:,} bytes were fetched in {COUNT_S:g} s")

        with (
            self._warehouse.lease([dataset], READS, on_progress) as sources,
            self._fork_server.start_child() as child,
        ):
            child.frames.send(FrameType.TASK, to_dict(self._task(dataset, selection, sources)))
            kind, answer = child.receive(max(deadline - time.monotonic(), 0.0))
        if kind is FrameType.FAILURE:
            raise OSError(answer["message"])
        return list(decode_message(CountedSizes, answer).sizes)

    def _task(
        self, dataset: Dataset, selection: Selection, sources: Mapping[str, Sequence[str]]
    ) -> CountTask:
        return CountTask(
            limits=TaskLimits(
                memory_bytes=self._settings.job_memory_bytes,
                address_space_bytes=self._settings.job_address_space_bytes,
                threads=self._settings.threads,
                cpu_s=ceil(COUNT_S * self._settings.threads),
            ),
            sources={table: tuple(paths) for table, paths in sources.items()},
            dataset_id=dataset.id,
            selection=selection,
        )
