"""The output of a service in the background: a file that does not grow without bound."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import logging, sys
from pathlib import Path
from syndb_service.logs import OutputFile, start_logging
output = OutputFile(Path(sys.argv[1]), 20_000)
output.open()
start_logging("INFO", "text", output)
print("begun", flush=True)
for number in range(2_000):
    logging.info("line %d of the log, which is as long as a line of a log may well be", number)
"""


def test_a_full_file_is_begun_anew_and_the_one_before_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "up.log"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(log)], capture_output=True, check=True, timeout=120
    )
    assert done.stdout == done.stderr == b""
    before = tmp_path / "up.log.1"
    assert sorted(tmp_path.iterdir()) == [log, before]
    assert before.stat().st_size + log.stat().st_size < 42_000
    lines = (before.read_text() + log.read_text()).splitlines()
    numbers = [int(line.split("line ")[1].split()[0]) for line in lines]
    assert numbers == list(range(2_000 - len(numbers), 2_000)), "no line is lost between the two"
    assert log.stat().st_mode & 0o077 == 0
