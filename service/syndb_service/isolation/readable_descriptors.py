"""Waits for descriptors to become readable, with any number of open descriptors."""

from __future__ import annotations

import select


def wait_readable(descriptors: list[int], timeout_s: float | None) -> set[int]:
    """Wait until descriptors are readable or closed; return them.

    Parameters
    ----------
    descriptors : list of int
        Descriptors to wait for. Unlike ``select.select`` this accepts numbers of 1,024 and more.
    timeout_s : float or None
        Maximum seconds to wait; None waits without limit.
    """
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    events = poll.poll(None if timeout_s is None else max(timeout_s, 0) * 1000)
    return {descriptor for descriptor, _ in events}
