"""The embedded services of this user: which of them runs, and which folder is used when none is named."""

from __future__ import annotations

import os
from pathlib import Path

from syndb_lab.user_data.service_registry import RunningService, iter_services, read_service
from syndb_lab.user_data.user_folders import data_folder


def service_of(data_dir: Path) -> RunningService | None:
    """Find the service of a data folder, if it answers."""
    service = read_service(data_dir / "service.json")
    return service if service is not None and service.is_responding() else None


def newest_running() -> RunningService | None:
    """Find the service of this user that started last and answers; forget those whose process is gone."""
    found = []
    for file, service in iter_services():
        if service.has_exited():
            file.unlink(missing_ok=True)
        else:
            found.append(service)
    found.sort(key=lambda service: service.started_at, reverse=True)
    return next((service for service in found if service.is_responding()), None)


def default_data_dir() -> Path:
    """Say which folder an embedded service uses when none is named."""
    named = os.environ.get("SYNDB_DATA_DIR")
    return Path(named) if named else data_folder()
