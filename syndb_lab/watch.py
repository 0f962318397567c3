"""Following a job from a thread of its own, so that whoever waits stays free."""

from __future__ import annotations

import threading
from typing import Any, Final

from syndb_lab.errors import ServiceUnavailable
from syndb_lab.follow import follow
from syndb_lab.transport import Transport

PATIENCE_S: Final = 60.0


class Watch:
    """Follows one job until it is final, in a daemon thread.

    The thread only ever replaces ``record`` and ``error``: no callback runs in it. A service that is away for
    less than ``patience_s`` seconds is waited for.

    Parameters
    ----------
    transport : Transport
        The connection to the job's service.
    record : dict
        The record to start from.
    patience_s : float
        How long the service may be away, in seconds.
    """

    def __init__(self, transport: Transport, record: dict[str, Any], *, patience_s: float) -> None:
        self.record = record
        self.error: Exception | None = None
        self.away = False
        self._transport = transport
        self._patience_s = patience_s
        self._ended = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="syndb-watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()

    def ended(self, within_s: float) -> bool:
        """Wait a moment; say whether the job is final or following it has failed."""
        return self._ended.wait(within_s)

    def _follow(self) -> None:
        try:
            for heard in follow(self._transport, self.record, self._stopped):
                self.record, self.away = heard.record, heard.away_s is not None
                if heard.away_s is not None and heard.away_s > self._patience_s:
                    raise self._transport.unreachable(ServiceUnavailable("away"))
        except Exception as error:  # whoever waits raises it; after a timeout nobody does
            self.error = error
        finally:
            self._ended.set()
