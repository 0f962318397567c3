"""The broker interface with its actor and queue, and the broker in this process."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import dramatiq
from dramatiq.brokers.stub import StubBroker

QUEUE = "jobs"
ACTOR = "run_pending_jobs"


class Broker(dramatiq.Broker):
    """A broker of Dramatiq without its middleware: the rows hold retries and limits.

    Attributes
    ----------
    location : str
        Name, host and port, without user and password: ``Redis at broker.lab:6379``.
    """

    location: str

    @abstractmethod
    def ping(self) -> None:
        """Require that the server responds.

        Raises
        ------
        dramatiq.errors.BrokerConnectionError
            If it does not.
        BadSetting
            If it rejects the user or the password.
        """

    def declare(self) -> None:
        """Declare the queue of job messages; none is delayed, so the delay queue is not consumed."""
        self.declare_queue(QUEUE)
        self.delay_queues.clear()


def job_message(job_id: str) -> dramatiq.Message[None]:
    """Build the message that carries a job id."""
    return dramatiq.Message(queue_name=QUEUE, actor_name=ACTOR, args=(job_id,), kwargs={}, options={})


def register_actor(broker: dramatiq.Broker, run_pending: Callable[[str], None]) -> None:
    """Register ``run_pending`` as the actor that each job message starts."""
    dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=broker)(run_pending)


def describe_error(error: BaseException) -> str:
    """Describe in a few words why a server did not respond; never include the data that was sent."""
    pending: list[object] = [error]
    visited: set[int] = set()
    while pending:
        cause = pending.pop(0)
        if id(cause) in visited or not isinstance(cause, BaseException):
            continue
        visited.add(id(cause))
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        pending += [*cause.args, getattr(cause, "exception", None), cause.__cause__, cause.__context__]
    return "no answer"


class EmbeddedBroker(StubBroker, Broker):
    """A broker between threads of this process; its messages are lost when the process ends."""

    location = "embedded"

    def ping(self) -> None:
        """Do nothing: this broker always responds."""


def embedded_broker() -> EmbeddedBroker:
    """Build the broker in this process, with the queue declared."""
    broker = EmbeddedBroker(middleware=[])
    broker.declare()
    return broker
