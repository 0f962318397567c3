"""The way in: which service, and with which token.

SYNDB_URL? ──▶ data folder named? ──▶ its service.json ──▶ answers? ──▶ take it
                    │ no                                      │ no
                    ▼                                         ▼
            the usual folder's, else the newest of running/*.json that answers ──none──▶ start one
"""

from __future__ import annotations

import os
from pathlib import Path, PurePath
from typing import Final

from syndb_lab.connection.local_service import default_data_dir, newest_running, service_of
from syndb_lab.connection.service_launcher import start_service
from syndb_lab.conversion.error_conversion import convert_call_errors
from syndb_lab.conversion.plain_values import article
from syndb_lab.conversion.sql_values import format_value
from syndb_lab.errors import ParameterError, ServiceUnavailable
from syndb_lab.http.service_tokens import token_of
from syndb_lab.http.transport import has_token
from syndb_lab.lab import Lab
from syndb_lab.user_data.service_registry import RunningService

LONGEST_PATH: Final = 1024


@convert_call_errors
def connect(
    url: str | None = None,
    token: str | None = None,
    *,
    data_dir: str | Path | None = None,
    start: bool = True,
) -> Lab:
    """Connect to a service: the one named, the one that runs here, or a fresh one.

    In this order: ``url`` and ``token``; the service of ``data_dir``; the environment's SYNDB_URL and
    SYNDB_TOKEN; the service of SYNDB_DATA_DIR; yours of the usual folder; the newest other one on this
    computer; one that is started now. SYNDB_TOKEN is sent to the service of SYNDB_URL and to no other. For a
    service at which :func:`login` was done, no token has to be given.

    To a service on another computer nothing is sent over plain http, unless SYNDB_PLAIN_HTTP=1 is set.

    Parameters
    ----------
    url : str, optional
        Address of a service.
    token : str, optional
        An API token of it.
    data_dir : str or Path, optional
        Folder of an embedded service.
    start : bool
        Whether an embedded service may be started.

    Returns
    -------
    Lab

    Raises
    ------
    ServiceUnavailable
        Nothing runs, and nothing may be or could be started.
    AuthError
        The address is plain http and on another computer.

    Examples
    --------
    >>> connect()
    Lab('http://127.0.0.1:...')
    """
    if url is not None and not isinstance(url, str):
        raise ParameterError(f"url is {article(url)}, no address", hint='For example: connect("https://…").')
    if data_dir is not None and not isinstance(data_dir, str | PurePath):
        raise ParameterError(f"data_dir is {article(data_dir)}, no folder", hint="Give a path, or a text.")
    if url is None and data_dir is None:
        url = os.environ.get("SYNDB_URL") or None
    if url is not None:
        return Lab(url, token if has_token(token) else token_of(url))
    service = find_or_start(data_dir, start=start)
    return Lab(service.url, token if has_token(token) else service.token())


def find_or_start(data_dir: str | Path | None, *, start: bool) -> RunningService:
    """Find the embedded service, or start it and say so in a line.

    Parameters
    ----------
    data_dir : str or Path, optional
        Its folder; SYNDB_DATA_DIR, and then any service of this user, where none is named.
    start : bool
        Whether one may be started.

    Raises
    ------
    ServiceUnavailable
        None runs, and none may be started.
    """
    named = data_dir or os.environ.get("SYNDB_DATA_DIR")
    if named and ("\0" in str(named) or len(str(named)) > LONGEST_PATH):
        raise ParameterError(
            f"data_dir is {format_value(str(named))}, which no folder can be called",
            hint="Give a shorter path.",
        )
    folder = (Path(named).expanduser() if named else default_data_dir()).absolute()
    service = service_of(folder) or (None if named else newest_running())
    if service is not None:
        return service
    if not start:
        raise ServiceUnavailable(
            f"no service runs {f'in {folder}' if named else 'here'}",
            hint="Start one with `syndb-lab up`, or let connect() do it: start=True.",
        )
    return start_service(folder)
