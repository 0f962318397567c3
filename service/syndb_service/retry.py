"""The retry policies of the service, built on tenacity.

Loops that do more than repeat a call are elsewhere: restarts of processes, resumed downloads, polls.
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
"""Fraction by which a pause is randomly longer or shorter, so that callers do not retry at the same time."""


def retry_with_pauses(
    call: Callable[[], T], error: type[Exception], pauses_s: Sequence[float], within_s: float
) -> T:
    """Repeat a call after growing pauses, for a short outage.

    Parameters
    ----------
    call : callable
        The call.
    error : type of Exception
        Errors that are retried. Other errors, and that of the last try, are raised unchanged.
    pauses_s : sequence of float
        Seconds before each retry.
    within_s : float
        Seconds after the first try after which no retry begins.

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
    """Repeat a call until its dependency responds, at most for ``timeout_s`` seconds.

    Parameters
    ----------
    call : callable
        The call.
    timeout_s, pause_s : float
        Seconds for all tries, and between two tries.
    is_retried : callable
        Whether an error is retried. Other errors, and that of the last try, are raised unchanged.
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
    """Repeat a call during an outage, until ``stopping`` is set.

    The pause waits for the event, within the stop condition, so that no call begins after the event is set.

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
