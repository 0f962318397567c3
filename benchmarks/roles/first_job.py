"""A user's first query, from nothing: ``syndb-lab up``, or JupySQL in a fresh IPython. Prints seconds.

Arguments: ``way`` (``up`` or ``jupysql``), ``data_dir``, ``paths``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx


def up(data_dir: Path) -> float:
    """Start the service, submit a job, and stop it; return the seconds to the response 202."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "syndb_service", "up", "--data-dir", str(data_dir), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as service:
        assert service.stdout is not None
        url = next(line.split()[1] for line in service.stdout if line.startswith("READY "))
        headers = {"Authorization": f"Bearer {(data_dir / 'token').read_text().strip()}"}
        answer = httpx.post(f"{url}/v1/jobs", json={"query": "SELECT 1"}, headers=headers, trust_env=False)
        seconds = time.perf_counter() - began
        service.terminate()
    if answer.status_code != httpx.codes.ACCEPTED:
        raise RuntimeError(answer.text)
    return seconds


def main() -> None:
    """Measure."""
    arguments = json.loads(sys.argv[1])
    print(json.dumps({"seconds": up(Path(arguments["data_dir"]))}))


if __name__ == "__main__":
    main()
