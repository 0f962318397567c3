"""A notebook that takes a large result into its hands, and curl on the same URL, in turn.

Told: ``url``, ``token``, ``job_id``, ``folder``, ``times``. Prints, by way, seconds to the file; of our own,
those of ``to_lazy()`` from an empty cache on, and from the file those to a column's sum and to the whole.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    """Fetch."""
    told = json.loads(sys.argv[1])
    folder = Path(told["folder"])
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    import polars

    import syndb_lab

    took: dict[str, list[float]] = {"lazy": [], "ours": [], "curl": [], "sum": [], "whole": []}
    lab = syndb_lab.connect(told["url"], told["token"])
    curl = ["curl", "-sSfL", "-H", f"Authorization: Bearer {told['token']}", "-o", str(folder / "by-curl")]
    for _ in range(told["times"]):
        shutil.rmtree(folder / "cache", ignore_errors=True)
        job = lab.job(told["job_id"])
        began = time.perf_counter()
        frame = job.to_lazy()
        took["lazy"].append(time.perf_counter() - began)
        shutil.rmtree(folder / "cache")
        job = lab.job(told["job_id"])
        began = time.perf_counter()
        job.result_path()
        took["ours"].append(time.perf_counter() - began)
        if shutil.which("curl"):
            began = time.perf_counter()
            subprocess.run([*curl, f"{told['url']}/v1/jobs/{told['job_id']}/result"], check=True)
            took["curl"].append(time.perf_counter() - began)
        began = time.perf_counter()
        assert frame.select(polars.first().sum()).collect().height
        took["sum"].append(time.perf_counter() - began)
        began = time.perf_counter()
        assert job.to_polars().height
        took["whole"].append(time.perf_counter() - began)
    print(json.dumps(took))


if __name__ == "__main__":
    main()
