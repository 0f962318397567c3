"""The consumer of job messages: Dramatiq's worker, without prefetch beyond its threads."""

from __future__ import annotations

import logging
import threading
import time

import dramatiq

from syndb_service.broker.base import QUEUE

POLL_MS = 20  # Redis is polled: the longest wait of a job message
REPEAT_S = 60.0


class JobConsumer:
    """A consumer that runs the actor for each job message, in threads of this process.

    Parameters
    ----------
    broker : dramatiq.Broker
        A broker with the actor registered.
    threads : int
        Job messages that are processed at a time. No more are fetched, so that none waits behind a long
        job while another worker is idle.
    """

    def __init__(self, broker: dramatiq.Broker, threads: int) -> None:
        self._worker = dramatiq.Worker(broker, worker_threads=threads, worker_timeout=POLL_MS)
        self._worker.queue_prefetch = threads
        logger = logging.getLogger(f"dramatiq.worker.ConsumerThread({QUEUE})")
        if not any(isinstance(old, _RateLimitedFilter) for old in logger.filters):
            logger.addFilter(_RateLimitedFilter())

    def start(self) -> None:
        """Start to consume; during an outage of the broker, as soon as it responds."""
        self._worker.start()

    @property
    def alive(self) -> bool:
        """Whether all threads run: a thread that ended by a defect would not consume again."""
        return all(thread.is_alive() for thread in (*self._worker.consumers.values(), *self._worker.workers))

    def stop(self, within_s: float) -> bool:
        """Stop consuming and requeue messages that were not started; return False after ``within_s``.

        The threads that still run then are daemons that wait for a broker that does not respond.
        """
        stopping = threading.Thread(
            target=self._worker.stop, args=(int(within_s * 1000),), name="stopping", daemon=True
        )
        stopping.start()
        stopping.join(within_s)
        return not stopping.is_alive()


class _RateLimitedFilter(logging.Filter):
    """A filter that passes a message once per ``REPEAT_S``: Dramatiq repeats it every 3 s of an outage."""

    def __init__(self) -> None:
        super().__init__()
        self._passed_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record passes."""
        now = time.monotonic()
        if now - self._passed_at.get(str(record.msg), -REPEAT_S) < REPEAT_S:
            return False
        self._passed_at[str(record.msg)] = now
        return True
