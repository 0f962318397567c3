"""What the service asks of a broker, whichever it is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import dramatiq

QUEUE = "jobs"
ACTOR = "run_pending_jobs"


class Broker(dramatiq.Broker):
    """One of Dramatiq's brokers, without its middleware: retries and limits are the row's.

    Attributes
    ----------
    where : str
        What it is and where, without user and password: ``Redis at broker.lab:6379``.
    """

    where: str

    @abstractmethod
    def ping(self) -> None:
        """Ask the server for an answer.

        Raises
        ------
        dramatiq.errors.BrokerConnectionError
            If it gives none.
        BadSetting
            If it refuses the user or the password.
        """

    def declare(self) -> None:
        """Declare the queue of hints; no hint is ever delayed, so its delay queue is not consumed."""
        self.declare_queue(QUEUE)
        self.delay_queues.clear()


def job_message(job_id: str) -> dramatiq.Message[None]:
    """Return the message that names a job."""
    return dramatiq.Message(queue_name=QUEUE, actor_name=ACTOR, args=(job_id,), kwargs={}, options={})


def register_actor(broker: dramatiq.Broker, run_pending: Callable[[str], None]) -> None:
    """Make ``run_pending`` what a hint starts."""
    dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=broker)(run_pending)


def describe_error(error: BaseException) -> str:
    """Say in a few words why a server did not answer; never with what it was sent."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        found = waiting.pop(0)
        if id(found) in seen or not isinstance(found, BaseException):
            continue
        seen.add(id(found))
        if isinstance(found, OSError) and found.strerror:
            return found.strerror
        waiting += [*found.args, getattr(found, "exception", None), found.__cause__, found.__context__]
    return "no answer"
