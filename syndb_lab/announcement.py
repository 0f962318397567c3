"""What the services of this computer say of themselves: where they run, and where their results lie."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import platformdirs

from syndb_lab.errors import ServiceUnavailable

APP: Final = "syndb-lab"
PROBE_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Service:
    """A running service, as it describes itself in its ``service.json``."""

    url: str
    pid: int
    token_file: Path
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
            return self.token_file.read_text().strip()
        except OSError as error:
            raise ServiceUnavailable(
                f"the token of the service at {self.url} can't be read: {error.strerror}",
                hint="Start a service of your own with `syndb-lab up`, or give a token: connect(url, token).",
            ) from error

    def answers(self) -> bool:
        """Ask whether it is up."""
        try:
            return httpx.get(f"{self.url}/health", timeout=PROBE_S, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def gone(self) -> bool:
        """Whether its process has ended for certain."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False


def read_service(file: Path) -> Service | None:
    """Read a ``service.json``; one that isn't there, or half written, is none."""
    try:
        told: dict[str, Any] = json.loads(file.read_text())
        return Service(
            url=str(told["url"]).rstrip("/"),
            pid=int(told["pid"]),
            token_file=Path(told["token_file"]),
            data_dir=Path(told["data_dir"]),
            results=str(told.get("results", "")),
            started_at=str(told["started_at"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def announced() -> Iterator[tuple[Path, Service]]:
    """Yield the services of this user that say that they run, each with the file that says so."""
    for file in (platformdirs.user_state_path(APP) / "running").glob("*.json"):
        service = read_service(file)
        if service is not None:
            yield file, service
