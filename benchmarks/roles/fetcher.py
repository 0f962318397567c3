"""Fetches a large result, alternately as a notebook does and by curl.

Arguments: ``url``, ``token``, ``job_id``, ``folder``, ``times``. Prints, by way, the seconds to the file;
for syndb-lab those of ``to_lazy()`` with an empty cache, and from the file those to a column's sum and to
all rows.
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
    arguments = json.loads(sys.argv[1])
    folder = Path(arguments["folder"])
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    import polars

    import syndb_lab

    took: dict[str, list[float]] = {"lazy": [], "ours": [], "curl": [], "sum": [], "whole": []}
    lab = syndb_lab.connect(arguments["url"], arguments["token"])
    curl = [
        "curl",
        "-sSfL",
        "-H",
        f"Authorization: Bearer {arguments['token']}",
        "-o",
        str(folder / "by-curl"),
    ]
    for _ in range(arguments["times"]):
        shutil.rmtree(folder / "cache", ignore_errors=True)
        job = lab.job(arguments["job_id"])
        began = time.perf_counter()
        frame = job.to_lazy()
        took["lazy"].append(time.perf_counter() - began)
        shutil.rmtree(folder / "cache")
        job = lab.job(arguments["job_id"])
        began = time.perf_counter()
        job.result_path()
        took["ours"].append(time.perf_counter() - began)
        if shutil.which("curl"):
            began = time.perf_counter()
            subprocess.run([*curl, f"{arguments['url']}/v1/jobs/{arguments['job_id']}/result"], check=True)
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
