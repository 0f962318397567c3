"""Waiting for descriptors to become readable, however many of them a process has open."""

from __future__ import annotations

import select


def wait_readable(descriptors: list[int], timeout_s: float | None) -> set[int]:
    """Wait until some of the descriptors can be read, or have ended; return which.

    Parameters
    ----------
    descriptors : list of int
        What to wait for. Unlike ``select.select`` this takes numbers of 1,024 and more.
    timeout_s : float or None
        Seconds to wait at most; for ever, if None.
    """
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    events = poll.poll(None if timeout_s is None else max(timeout_s, 0) * 1000)
    return {descriptor for descriptor, _ in events}
