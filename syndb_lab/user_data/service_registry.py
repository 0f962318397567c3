"""What the services of this computer say of themselves: where they run, and where their results lie."""

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
    """A running service, as it describes itself in its ``service.json``."""

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
            It can't be read: the service is someone else's.
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
        """Read a file of the data folder, and of whoever owns that; say who.

        A ``service.json`` that somebody else has written may name any file that this user can read, such as
        the token of another service: that is not sent to whom he chose.

        Raises
        ------
        OSError
            It can't be read, it is not in the folder, a link, or of another user than the folder.
        """
        folder = self.data_dir.resolve()
        if file.parent.resolve() != folder:
            raise PermissionError(errno.EPERM, f"{file} is not in the data folder {folder}")
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
            found, owner = os.fstat(opened.fileno()), folder.stat().st_uid
            if not stat.S_ISREG(found.st_mode) or owner not in (found.st_uid, 0):
                raise PermissionError(errno.EPERM, f"{file} is not of the owner of the data folder")
            return SecretText(opened.read(LONGEST).decode("utf-8", "replace")), found.st_uid

    def is_responding(self) -> bool:
        """Ask whether it is up, and have it prove that it is this service.

        After a service was killed, anybody on this computer may listen on its port. So its process has to
        live, and what answers has to know the secret in the data folder; where this user can't read that
        secret, the token can't be read either, and nothing is sent.
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
        question = "/health" if secret is None else f"/health/identity?challenge={challenge}"
        try:
            answer = httpx.get(f"{self.url}{question}", timeout=PROBE_S, trust_env=False)
            proof = str(answer.json()["proof"]) if secret is not None and answer.is_success else ""
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return False
        if secret is None:
            return answer.is_success
        signed = f"syndb-lab\n{self.url}\n{challenge}".encode()
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(proof.encode(), expected.encode())

    def has_exited(self) -> bool:
        """Whether its process has ended for certain."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False


def read_service(file: Path) -> RunningService | None:
    """Read a ``service.json``; one that isn't there, or half written, is none."""
    try:
        told: dict[str, Any] = json.loads(file.read_text())
        return RunningService(
            url=str(told["url"]).rstrip("/"),
            pid=int(told["pid"]),
            token_file=Path(told["token_file"]),
            secret_file=Path(told.get("secret_file") or Path(told["data_dir"]) / "service.secret"),
            data_dir=Path(told["data_dir"]),
            results=str(told.get("results", "")),
            started_at=str(told["started_at"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def iter_services() -> Iterator[tuple[Path, RunningService]]:
    """Yield the services of this user that say that they run, each with the file that says so."""
    for file in (state_folder() / "running").glob("*.json"):
        service = read_service(file)
        if service is not None:
            yield file, service
