"""The audit log: a record of the logger ``syndb.audit`` for every job and every rejected request.

A record has user, action and outcome; never a token, a query or a row.
"""

from __future__ import annotations

import logging
from typing import Final

from syndb_service.logs import AUDIT, printable
from syndb_service.text.truncation import NAME_CHARACTERS, shorten

_audit: Final = logging.getLogger(AUDIT)


def audit(who: str | None, what: str, outcome: str, **more: object) -> None:
    """Write one record, for any level of the other logs.

    Parameters
    ----------
    who : str, optional
        The user; None if the request was not authenticated.
    what : str
        The request or event: ``POST /v1/jobs``, ``job ended``.
    outcome : str
        The outcome: ``accepted``, ``refused``, or a job's final status.
    **more
        Further fields, such as ``job_id``, ``status``, ``code`` and ``address``.
    """
    fields = {name: _format_value(value) for name, value in more.items() if value is not None}
    text = " ".join(f"{name}={value}" for name, value in fields.items())
    extra = {"who": who, "what": what, "outcome": outcome, **fields}
    _audit.info("%s: %s: %s %s", who or "somebody", what, outcome, text, extra=extra)


def _format_value(value: object) -> object:
    return printable(shorten(value, NAME_CHARACTERS)) if isinstance(value, str) else value
