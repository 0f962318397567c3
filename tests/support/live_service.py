"""The real embedded service, in a process of its own, and the jobs of one of its users."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pyarrow as pa
import pytest

from tests.support.waiting import WAIT_S


@dataclass(frozen=True)
class Live:
    """A running embedded service."""

    url: str
    token: str
    data_dir: Path
    process: subprocess.Popen[str]
    environment: dict[str, str]
    python: str = sys.executable

    def http(self, token: str | None = None) -> httpx.Client:
        """Return an HTTP client that shows a token: the user's own, if none is given."""
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {token or self.token}"}, timeout=90
        )

    def syndb_lab(self, *arguments: str) -> str:
        """Run a command on this service's data folder; return what it prints."""
        command = [self.python, "-m", "syndb_service", *arguments, "--data-dir", str(self.data_dir)]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=120, check=True
        )
        return done.stdout.strip()

    def make_token(self, user: str, *, academic: bool = True) -> str:
        """Make a token for a user."""
        return self.syndb_lab("token", "create", "--user", user, *(["--academic"] if academic else []))


def isolated_environment(folder: Path, **settings: str) -> dict[str, str]:
    """Return an environment in which nothing of the developer's own service is found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SYNDB_", "JOB_"))}
    homes = {
        name: str(folder / name.lower()) for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
    }
    return kept | homes | settings


@contextmanager
def running_service(
    folder: Path, *arguments: str, python: str = sys.executable, **settings: str
) -> Iterator[Live]:
    """Start ``syndb-lab up`` in ``folder`` and end it with SIGTERM."""
    data_dir = folder / "data"
    environment = isolated_environment(folder, **settings)
    command = [
        python,
        "-m",
        "syndb_service",
        "up",
        "--data-dir",
        str(data_dir),
        "--port",
        "0",
        *arguments,
    ]
    with (folder / "up.log").open("w+") as log:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("READY "):
                    url = line.split()[1]
                    break
            else:
                log.seek(0)
                pytest.fail(f"`syndb-lab up` ended: {log.read()}")
            token = (data_dir / "token").read_text().strip()
            yield Live(url, token, data_dir, process, environment, python)
        finally:
            process.terminate()
            process.communicate(timeout=120)


@dataclass(frozen=True)
class Jobs:
    """One user's jobs, by the wire."""

    http: httpx.Client

    def submit(self, query: str, **fields: Any) -> dict[str, Any]:
        """Submit SQL that is to be accepted."""
        answer = self.http.post("/v1/jobs", json={"query": query, **fields})
        assert answer.status_code == 202, answer.text
        return cast("dict[str, Any]", answer.json())

    def submit_graph(self, dataset_id: str, **fields: Any) -> dict[str, Any]:
        """Submit a graph analysis that is to be accepted."""
        answer = self.http.post("/v1/jobs/graph", json={"dataset_id": dataset_id, **fields})
        assert answer.status_code == 202, answer.text
        return cast("dict[str, Any]", answer.json())

    def get(self, job_id: str) -> dict[str, Any]:
        """Return a job's record."""
        return cast("dict[str, Any]", self.http.get(f"/v1/jobs/{job_id}").json())

    def until(self, job: dict[str, Any], *statuses: str) -> dict[str, Any]:
        """Wait until a job has one of these statuses, or is final."""
        final = ("completed", "failed", "cancelled")
        until = time.monotonic() + WAIT_S
        while job["status"] not in (statuses or final):
            assert job["status"] not in final, job
            assert time.monotonic() < until, job
            wait = {"wait": 5, "version": job["version"]}
            job = self.http.get(f"/v1/jobs/{job['job_id']}", params=wait).json()
        return job

    def run(self, query: str, **fields: Any) -> dict[str, Any]:
        """Run SQL to its end."""
        return self.until(self.submit(query, **fields))

    def result(self, job: dict[str, Any]) -> httpx.Response:
        """Ask for a job's result."""
        return self.http.get(f"/v1/jobs/{job['job_id']}/result")

    def table(self, query: str, **fields: Any) -> pa.Table:
        """Run SQL and return its result."""
        job = self.run(query, **fields)
        assert job["status"] == "completed", job
        return pa.ipc.open_file(self.result(job).content).read_all()

    def dataset_id(self, name: str) -> str:
        """Return the id of the dataset of that name."""
        found = self.http.get("/v1/datasets").json()["datasets"]
        return next(dataset["id"] for dataset in found if dataset["name"] == name)
