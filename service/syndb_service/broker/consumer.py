"""Taking hints: Dramatiq's worker, set so that it hoards none and goes on after every outage."""

from __future__ import annotations

import logging
import threading
import time

import dramatiq

from syndb_service.broker.base import QUEUE

POLL_MS = 20  # the longest that Redis, which is asked, keeps a hint waiting
QUIET_S = 60.0


class JobConsumer:
    """Runs the actor for each hint, in threads of this process.

    Parameters
    ----------
    broker : dramatiq.Broker
        With the actor registered.
    threads : int
        Hints at a time. As many are fetched and no more, so that none waits here behind a long job
        while another worker is idle.
    """

    def __init__(self, broker: dramatiq.Broker, threads: int) -> None:
        self._worker = dramatiq.Worker(broker, worker_threads=threads, worker_timeout=POLL_MS)
        self._worker.queue_prefetch = threads
        logger = logging.getLogger(f"dramatiq.worker.ConsumerThread({QUEUE})")
        if not any(isinstance(each, _RateLimitedFilter) for each in logger.filters):
            logger.addFilter(_RateLimitedFilter())

    def start(self) -> None:
        """Take hints; where the broker is away, as soon as it is there."""
        self._worker.start()

    @property
    def alive(self) -> bool:
        """Whether every thread still runs: one that ended by a defect would never take a hint again."""
        return all(thread.is_alive() for thread in (*self._worker.consumers.values(), *self._worker.workers))

    def stop(self, within_s: float) -> bool:
        """Take no more hints and give back those that nobody began; False if that takes too long.

        What still runs then are daemon threads that wait for a broker that does not answer.
        """
        stopping = threading.Thread(
            target=self._worker.stop, args=(int(within_s * 1000),), name="stopping", daemon=True
        )
        stopping.start()
        stopping.join(within_s)
        return not stopping.is_alive()


class _RateLimitedFilter(logging.Filter):
    """Lets the same message pass once a minute: Dramatiq repeats it every three seconds of an outage."""

    def __init__(self) -> None:
        super().__init__()
        self._passed_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether the record passes."""
        now = time.monotonic()
        if now - self._passed_at.get(str(record.msg), -QUIET_S) < QUIET_S:
            return False
        self._passed_at[str(record.msg)] = now
        return True
