"""The embedded services of this user: the one that runs, and the default data folder."""

from __future__ import annotations

import os
from pathlib import Path

from syndb_lab.user_data.service_registry import RunningService, iter_services, read_service
from syndb_lab.user_data.user_folders import data_folder


def service_of(data_dir: Path) -> RunningService | None:
    """Find the service of a data folder; None if it does not respond."""
    service = read_service(data_dir / "service.json")
    return service if service is not None and service.is_responding() else None


def newest_running() -> RunningService | None:
    """Find this user's newest service that responds; remove the files of services that have exited."""
    services = []
    for file, service in iter_services():
        if service.has_exited():
            file.unlink(missing_ok=True)
        else:
            services.append(service)
    services.sort(key=lambda service: service.started_at, reverse=True)
    return next((service for service in services if service.is_responding()), None)


def default_data_dir() -> Path:
    """Return the default data folder of an embedded service."""
    named = os.environ.get("SYNDB_DATA_DIR")
    return Path(named) if named else data_folder()
