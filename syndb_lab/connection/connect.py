"""``connect()``: the choice of the service and of the token.

SYNDB_URL? ──▶ data folder named? ──▶ its service.json ──▶ responds? ──▶ use it
                    │ no                                      │ no
                    ▼                                         ▼
            the default folder's, else the newest of running/*.json that responds ──none──▶ start one
"""

from __future__ import annotations

import os
from pathlib import Path, PurePath
from typing import Final

from syndb_lab.connection.local_service import default_data_dir, newest_running, service_of, start_service
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
    """Connect to a service: the one named, one that runs on this computer, or a new one.

    The order is: ``url`` and ``token``; the service of ``data_dir``; the environment's SYNDB_URL and
    SYNDB_TOKEN; the service of SYNDB_DATA_DIR; your service of the default folder; your newest other service
    on this computer; a service that is started now. SYNDB_TOKEN is sent to the service of SYNDB_URL and to no
    other. After :func:`login` at a service, ``connect`` finds its token.

    Nothing is sent over plain http to another computer, unless SYNDB_PLAIN_HTTP=1 is set.

    Parameters
    ----------
    url : str, optional
        Address of a service.
    token : str, optional
        An API token of the service.
    data_dir : str or Path, optional
        Data folder of an embedded service.
    start : bool
        Whether to start an embedded service if none runs.

    Returns
    -------
    Lab

    Raises
    ------
    ServiceUnavailable
        No service runs, and none was started: ``start`` is False, or the start failed.
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
    """Find the embedded service, or start it and print a line about that.

    Parameters
    ----------
    data_dir : str or Path, optional
        Its data folder; by default SYNDB_DATA_DIR, and then any service of this user.
    start : bool
        Whether to start a service if none runs.

    Raises
    ------
    ServiceUnavailable
        No service runs, and ``start`` is False.
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
