"""How many connections a graph's filters leave in, before it is a job: counted in a child, remembered."""

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

TURN_S = 5.0
COUNT_S = 20.0
"""A made-up whole brain of 15 million connections and 189 million synapses took 0.8 to 2.7 s."""
REMEMBERED = 32


class ConnectionCounter:
    """Counts one graph at a time, and remembers the last ones.

    Parameters
    ----------
    settings : Settings
        Limits: of memory and of threads, those of a job.
    nursery : Nursery
        Starts the children.
    warehouse : DatasetStore
        Where the datasets are; files that are elsewhere are brought here.
    """

    def __init__(self, settings: Settings, nursery: ForkServerClient, warehouse: DatasetStore) -> None:
        self._settings = settings
        self._nursery = nursery
        self._warehouse = warehouse
        self._turn = threading.Lock()
        self._known: LRUCache[object, Sizes] = LRUCache(REMEMBERED)

    def count(self, dataset: Dataset, selection: Selection) -> Sizes | None:
        """Count the connections of a dataset under filters, by their synapses.

        ``min_synapses`` leaves none out: whoever raises it asks for what is known.

        Returns
        -------
        Sizes or None
            None if it can't be said soon: too much to read, others are counting, or the warehouse is away.
        """
        selection = replace(selection, min_synapses=1)
        files = [dataset.tables[name].files for name in READS if name in dataset.tables]
        key = (dataset.id, tuple(files), selection)
        if not self._turn.acquire(timeout=TURN_S):
            return None
        try:
            if key not in self._known:
                self._known[key] = self._count_in_child(dataset, selection)
            return self._known[key]
        except (ServiceError, OSError, EOFError, MalformedMessage) as error:
            log.warning("the connections of dataset %s are not counted ahead: %s", dataset.id, error)
            return None
        finally:
            self._turn.release()

    def _count_in_child(self, dataset: Dataset, selection: Selection) -> Sizes:
        until = time.monotonic() + COUNT_S

        def tick(here: int, in_all: int) -> None:
            if time.monotonic() > until:
                raise TimeoutError(f"{here:,} of {in_all:,} bytes were brought here in {COUNT_S:g} s")

        with self._warehouse.lease([dataset], READS, tick) as sources, self._nursery.start_child() as child:
            child.frames.send(FrameType.TASK, to_dict(self._task(dataset, selection, sources)))
            kind, answer = child.receive(max(until - time.monotonic(), 0.0))
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
