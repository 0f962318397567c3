"""The OpenAPI document is checked in, and true."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from syndb_service.api.app import create_routed_app
from tests.support.live_service import Jobs, running_service

ROOT = Path(__file__).resolve().parents[2]
CHECKED_IN = json.loads((ROOT / "docs" / "openapi.json").read_text())
OPEN = {"/health", "/health/identity", "/health/ready", "/v1/auth"}


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in CHECKED_IN["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_is_that_of_the_routes() -> None:
    assert create_routed_app().openapi() == CHECKED_IN, "write it again: python scripts/write_openapi.py"


def test_the_service_gives_this_document(jobs: Jobs) -> None:
    assert httpx.get(f"{jobs.http.base_url}/openapi.json").json() == CHECKED_IN


@pytest.mark.parametrize(("path", "method", "operation"), operations())
def test_every_answer_is_described(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["description"]
    for parameter in operation.get("parameters", ()):
        assert parameter["description"], parameter
    for status, answer in operation["responses"].items():
        assert "X-Request-Id" in answer["headers"]
        if int(status) >= 400:
            assert list(answer["content"]) == ["application/problem+json"]
    assert ("security" in operation) == (path not in OPEN)


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """All its checks, on data that is right and data that is wrong, from a seed, for twenty seconds or so.

    But for one: after DELETE a job is cancelled or its result destroyed, and its record stays, by contract.
    """
    with running_service(tmp_path) as live, live.http() as http:
        Jobs(http).run("SELECT 1")
        command = [
            *(str(Path(sys.executable).with_name("schemathesis")), "--config-file"),
            str(Path(__file__).with_name("schemathesis.toml")),
            *("run", f"{live.url}/openapi.json", "--header", f"Authorization: Bearer {live.token}"),
            *(
                "--checks",
                "all",
                "--exclude-checks",
                "use_after_free",
                "--mode",
                "all",
                "--seed",
                "7",
                "--max-examples",
                "25",
                "--max-time",
                "20",
            ),
            *("--workers", "1", "--request-timeout", "120", "--continue-on-failure", "--no-color"),
            *("--generation-database", "none"),
        ]
        found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=560)
        assert found.returncode == 0, found.stdout[-8000:]
        assert live.process.poll() is None
        assert "Traceback" not in (tmp_path / "up.log").read_text()
