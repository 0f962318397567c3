"""Prometheus metrics: of jobs, read from the database, and of the requests of this process.

Every process exports the same metrics of jobs. Metrics of requests have its process id as a label, because
several processes may share a port.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from syndb_service.errors import TransientError
from syndb_service.store.statistics import DAMAGES, STEPS_S, JobStatistics

log = logging.getLogger(__name__)

MIN_CACHE_S: Final = 1.0
CACHE_FACTOR: Final = 20
REQUEST_BUCKETS_S: Final = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0)


class Metrics:
    """The metrics of this process's requests and of all jobs.

    Parameters
    ----------
    read : callable
        Reads the statistics of jobs from the database.
    """

    def __init__(self, read: Callable[[], JobStatistics]) -> None:
        self._registry = CollectorRegistry()
        self._process = str(os.getpid())
        self._requests = Counter(
            "syndb_http_requests",
            "Requests answered by this process.",
            ("process", "method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "syndb_http_request_seconds",
            "Duration of requests, in seconds.",
            ("process", "method", "route"),
            buckets=REQUEST_BUCKETS_S,
            registry=self._registry,
        )
        self._registry.register(_JobStatisticsCollector(read))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request, and its seconds, by the template of its route."""
        self._requests.labels(self._process, method, route, str(status)).inc()
        self._seconds.labels(self._process, method, route).observe(seconds)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics in a format that ``accept`` allows, and its media type."""
        encoder, media_type = exposition.choose_encoder(accept)
        return encoder(self._registry), media_type


class _JobStatisticsCollector(Collector):
    """Reads the statistics of jobs for a scrape, at most once a second.

    The query reads open jobs, and those that ended since the last sweep. Its result is cached for at least
    twenty times as long as it took, so that the database spends at most a twentieth of its time on it.
    """

    def __init__(self, read: Callable[[], JobStatistics]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._statistics: JobStatistics | None = None
        self._fresh_until = 0.0

    def describe(self) -> Iterator[Metric]:
        """Describe no metrics, so that registering does not read the database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield every metric family; during an outage of the database only ``syndb_database_up``."""
        statistics = self._read_statistics()
        up = GaugeMetricFamily("syndb_database_up", "Whether the job database responds.")
        up.add_metric((), 0 if statistics is None else 1)
        yield up
        if statistics is not None:
            yield from _queue(statistics)
            yield from _ends(statistics)
            yield from _results(statistics)
            yield _durations(statistics)

    def _read_statistics(self) -> JobStatistics | None:
        with self._lock:
            if self._statistics is None or time.monotonic() > self._fresh_until:
                began = time.monotonic()
                try:
                    self._statistics = self._read()
                except TransientError as error:
                    log.warning("statistics of jobs are unavailable: %s", error.message)
                    self._statistics = None
                took = time.monotonic() - began
                self._fresh_until = time.monotonic() + max(MIN_CACHE_S, CACHE_FACTOR * took)
            return self._statistics


def _queue(statistics: JobStatistics) -> Iterator[Metric]:
    queued = GaugeMetricFamily("syndb_jobs_queued", "Pending jobs.", labels=("kind",))
    running = GaugeMetricFamily("syndb_jobs_running", "Running jobs.", labels=("kind",))
    for kind in ("query", "graph"):
        queued.add_metric((kind,), statistics.queued.get(kind, 0))
        running.add_metric((kind,), statistics.running.get(kind, 0))
    yield queued
    yield running
    help_text = "Seconds for which the oldest pending job has waited."
    yield GaugeMetricFamily("syndb_queue_oldest_seconds", help_text, statistics.oldest_queued_s)


def _ends(statistics: JobStatistics) -> Iterator[Metric]:
    ended = CounterMetricFamily("syndb_jobs_ended", "Final jobs.", labels=("kind", "status", "reason"))
    for labels, count in sorted(statistics.ended.items()):
        ended.add_metric(labels, count)
    yield ended
    yield CounterMetricFamily("syndb_job_retries", "Attempts after a job's first one.", statistics.retries)
    yield CounterMetricFamily(
        "syndb_job_deaths", "Crashes of workers and child processes.", statistics.deaths
    )
    yield CounterMetricFamily(
        "syndb_job_outages", "Attempts that an outage of a store or database ended.", statistics.outages
    )


def _results(statistics: JobStatistics) -> Iterator[Metric]:
    yield GaugeMetricFamily("syndb_results_stored", "Stored results.", statistics.kept_results)
    yield GaugeMetricFamily("syndb_results_stored_bytes", "Their size.", statistics.kept_bytes)
    damaged = GaugeMetricFamily(
        "syndb_results_damaged", "Stored results whose files are damaged or lost.", labels=("reason",)
    )
    for reason in DAMAGES:
        damaged.add_metric((reason,), statistics.damaged_results.get(reason, 0))
    yield damaged
    yield CounterMetricFamily("syndb_results_swept", "Destroyed results.", statistics.swept_results)
    yield CounterMetricFamily("syndb_results_swept_bytes", "Their size.", statistics.swept_bytes)
    help_text = "Files without a row that were removed."
    yield CounterMetricFamily("syndb_orphans_swept", help_text, statistics.swept_orphans)
    yield CounterMetricFamily("syndb_orphans_swept_bytes", "Their size.", statistics.swept_orphan_bytes)


def _durations(statistics: JobStatistics) -> Metric:
    family = HistogramMetricFamily(
        "syndb_job_seconds", "Seconds of jobs in each stage.", labels=("stage", "kind")
    )
    for labels, found in sorted(statistics.durations.items()):
        buckets = [(str(step), count) for step, count in zip(STEPS_S, found.up_to, strict=True)]
        family.add_metric(labels, [*buckets, ("+Inf", found.count)], found.seconds)
    return family
