"""The tokens of services: each is sent to its own address and to no other.

SYNDB_URL's address ──▶ SYNDB_TOKEN        an address where a login was done ──▶ the token kept by that login
"""

from __future__ import annotations

import os
from pathlib import Path

from syndb_lab.errors import SyndbError
from syndb_lab.http.transport import canonical_url
from syndb_lab.next_steps.next_step import Action, NextStep
from syndb_lab.text.secret_text import SecretText
from syndb_lab.user_data.json_lines import exclusive, read_object, write_object
from syndb_lab.user_data.user_folders import state_folder


def token_of(url: str) -> str | None:
    """Find the token of a service: SYNDB_TOKEN belongs to SYNDB_URL, a login's token to its own address.

    Parameters
    ----------
    url : str
        Address of the service, in any spelling.

    Returns
    -------
    str or None
        None if there is no token for that address.
    """
    named, token = os.environ.get("SYNDB_URL"), SecretText(os.environ.get("SYNDB_TOKEN", ""))
    return token if named and token and _same(named, url) else load_token(url)


def save_token(url: str, token: str) -> None:
    """Store a service's token in a file that only this user can read.

    Raises
    ------
    SyndbError
        The file can't be written.
    """
    path = token_file()
    try:
        with exclusive(path):
            write_object(path, {**read_object(path), canonical_url(url): token})
    except OSError as error:
        raise SyndbError(
            f"the token can't be kept in {path}: {error.strerror}",
            hint=NextStep(Action.STORE_TOKEN),
        ) from error


def load_token(url: str) -> str | None:
    """Return the token that a login at this service stored, or None."""
    token = read_object(token_file()).get(canonical_url(url))
    return SecretText(token) if isinstance(token, str) else None


def token_file() -> Path:
    """Return the path of the file that stores the tokens."""
    return state_folder() / "tokens.json"


def _same(url: str, other_url: str) -> bool:
    try:
        return canonical_url(url) == canonical_url(other_url)
    except SyndbError:
        return False
