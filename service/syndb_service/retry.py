"""When a call is made again: the retry policies of the service, on top of tenacity.

Loops that do more than call again are elsewhere: restarts of processes, downloads that resume, polls.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    stop_before_delay,
    wait_chain,
    wait_fixed,
    wait_none,
    wait_random,
)

from syndb_service.errors import TransientError

T = TypeVar("T")

JITTER: Final = 0.25
"""The share by which a pause is longer or shorter, so that callers do not come back together."""


def retry_with_pauses(
    call: Callable[[], T], error: type[Exception], pauses_s: Sequence[float], within_s: float
) -> T:
    """Make a call again after growing pauses, for a short outage.

    Parameters
    ----------
    call : callable
        What to call.
    error : type of Exception
        What is tried again; of others, and of the last try, the error is raised as it is.
    pauses_s : sequence of float
        Seconds before each further try.
    within_s : float
        Seconds after the first try, beyond which none begins.

    Examples
    --------
    >>> retry_with_pauses(lambda: "done", OSError, (0.5, 1.0), 15)
    'done'
    """
    waits = [wait_random(pause * (1 - JITTER), pause * (1 + JITTER)) for pause in pauses_s]
    retrying = Retrying(
        retry=retry_if_exception_type(error),
        stop=stop_after_attempt(len(waits) + 1) | stop_before_delay(within_s),
        wait=wait_chain(*waits) if waits else wait_none(),
        reraise=True,
    )
    return retrying(call)


def retry_until_available(
    call: Callable[[], T],
    timeout_s: float,
    pause_s: float,
    *,
    is_retried: Callable[[BaseException], bool],
    on_error: Callable[[BaseException], None],
) -> T:
    """Make a call again until what it needs responds, at most for a time: at start.

    Parameters
    ----------
    call : callable
        What to call.
    timeout_s, pause_s : float
        Seconds for all tries, and between two of them.
    is_retried : callable
        Whether an error is tried again; of others, and of the last try, the error is raised as it is.
    on_error : callable
        Called with the error before each pause.
    """

    def report(state: RetryCallState) -> None:
        if state.outcome is not None and (error := state.outcome.exception()) is not None:
            on_error(error)

    retrying = Retrying(
        retry=retry_if_exception(is_retried),
        stop=stop_after_delay(timeout_s),
        wait=wait_fixed(pause_s),
        before_sleep=report,
        sleep=time.sleep,
        reraise=True,
    )
    return retrying(call)


def retry_until_stopped(call: Callable[[], T], stopping: threading.Event, pause_s: float) -> T:
    """Make a call again during an outage, until this process is to end.

    The pause is spent on the event, as a part of the condition that ends the tries: no further call is made
    once it is set.

    Raises
    ------
    TransientError
        The outage, if ``stopping`` was set.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(TransientError),
        stop=lambda _: stopping.wait(pause_s),
        wait=wait_none(),
        reraise=True,
    )
    return retrying(call)
