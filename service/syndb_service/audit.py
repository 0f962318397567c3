"""The audit trail: one record for every job and every refusal, of the logger ``syndb.audit``.

Who, what, with which outcome; never a token, a query or a row.
"""

from __future__ import annotations

import logging
from typing import Final

from syndb_service.logs import AUDIT, printable
from syndb_service.text.truncation import NAME_CHARACTERS, shorten

_audit: Final = logging.getLogger(AUDIT)


def audit(who: str | None, what: str, outcome: str, **more: object) -> None:
    """Write one record, whatever the level of the other logs.

    Parameters
    ----------
    who : str, optional
        The user; None where nobody was recognised.
    what : str
        What was asked for, or what happened: ``POST /v1/jobs``, ``job ended``.
    outcome : str
        How that went: ``accepted``, ``refused``, a job's final status.
    **more
        Further fields, such as ``job_id``, ``status``, ``code`` and ``address``.
    """
    told = {name: _format_value(value) for name, value in more.items() if value is not None}
    text = " ".join(f"{name}={value}" for name, value in told.items())
    extra = {"who": who, "what": what, "outcome": outcome, **told}
    _audit.info("%s: %s: %s %s", who or "somebody", what, outcome, text, extra=extra)


def _format_value(value: object) -> object:
    return printable(shorten(value, NAME_CHARACTERS)) if isinstance(value, str) else value
