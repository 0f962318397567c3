"""The registry of running services on this computer: addresses, processes, tokens and result folders."""

from __future__ import annotations

import errno
import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from syndb_lab.errors import ServiceUnavailable
from syndb_lab.next_steps.next_step import Action, NextStep
from syndb_lab.text.secret_text import SecretText
from syndb_lab.user_data.user_folders import state_folder

PROBE_S: Final = 3.0
LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class RunningService:
    """A running service, as its ``service.json`` describes it."""

    url: str
    pid: int
    token_file: Path
    secret_file: Path
    data_dir: Path
    results: str
    started_at: str

    def token(self) -> str:
        """Read the token of this user.

        Raises
        ------
        ServiceUnavailable
            The token can't be read: the service belongs to another user.
        """
        try:
            (_, owner), (token, keeper) = self._own(self.secret_file), self._own(self.token_file)
            if owner != keeper:
                raise PermissionError(errno.EPERM, "it is not of the user whose service this is")
            return SecretText(token.strip())
        except OSError as error:
            raise ServiceUnavailable(
                f"the token of the service at {self.url} can't be read: {error.strerror}",
                hint=NextStep(Action.START_OWN_SERVICE),
            ) from error

    def _own(self, file: Path) -> tuple[SecretText, int]:
        """Read a file that is in the data folder and belongs to its owner; return its text and owner.

        A ``service.json`` that another user has written may name any file that this user can read, such as
        the token of another service. The check prevents sending that token to the other user's address.

        Raises
        ------
        OSError
            The file can't be read, is not in the folder, is a link, or belongs to another user.
        """
        folder = self.data_dir.resolve()
        if file.parent.resolve() != folder:
            raise PermissionError(errno.EPERM, f"{file} is not in the data folder {folder}")
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
            state, owner = os.fstat(opened.fileno()), folder.stat().st_uid
            if not stat.S_ISREG(state.st_mode) or owner not in (state.st_uid, 0):
                raise PermissionError(errno.EPERM, f"{file} is not of the owner of the data folder")
            return SecretText(opened.read(LONGEST).decode("utf-8", "replace")), state.st_uid

    def is_responding(self) -> bool:
        """Ask the service for its health and for a proof of its identity.

        After a service was killed, another user of this computer may listen on its port. So its process has
        to be alive, and the response has to prove knowledge of the secret in the data folder. If this user
        can't read the secret, the token can't be read either, so it is not sent.
        """
        if self.has_exited():
            return False
        try:
            secret, _ = self._own(self.secret_file)
        except PermissionError:
            secret = None
        except OSError:
            return False
        challenge = secrets.token_urlsafe(32)
        path = "/health" if secret is None else f"/health/identity?challenge={challenge}"
        try:
            answer = httpx.get(f"{self.url}{path}", timeout=PROBE_S, trust_env=False)
            proof = str(answer.json()["proof"]) if secret is not None and answer.is_success else ""
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return False
        if secret is None:
            return answer.is_success
        signed = f"syndb-lab\n{self.url}\n{challenge}".encode()
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(proof.encode(), expected.encode())

    def has_exited(self) -> bool:
        """Whether its process has certainly exited."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False


def read_service(file: Path) -> RunningService | None:
    """Read a ``service.json``; None if it is missing or incomplete."""
    try:
        record: dict[str, Any] = json.loads(file.read_text())
        return RunningService(
            url=str(record["url"]).rstrip("/"),
            pid=int(record["pid"]),
            token_file=Path(record["token_file"]),
            secret_file=Path(record.get("secret_file") or Path(record["data_dir"]) / "service.secret"),
            data_dir=Path(record["data_dir"]),
            results=str(record.get("results", "")),
            started_at=str(record["started_at"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def iter_services() -> Iterator[tuple[Path, RunningService]]:
    """Yield this user's registered services, each with its file in ``running``."""
    for file in (state_folder() / "running").glob("*.json"):
        service = read_service(file)
        if service is not None:
            yield file, service
