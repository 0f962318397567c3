"""The widgets' JavaScript in the package is what its sources make."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_bundle_is_built_from_its_sources(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no npm to build the widgets with")
    sources = shutil.copytree(ROOT / "js", tmp_path / "js", ignore=shutil.ignore_patterns("node_modules"))
    for command in (
        ["npm", "ci", "--ignore-scripts"],
        ["npm", "run", "build", "--", str(tmp_path / "built")],
    ):
        done = subprocess.run(command, cwd=sources, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
    kept = {file.name: file.read_text() for file in (ROOT / "syndb_lab" / "static").iterdir()}
    built = {file.name: file.read_text() for file in (tmp_path / "built").iterdir()}
    assert built == kept, "build it again: npm ci && npm run build, in js/"


def test_the_lock_file_names_no_registry() -> None:
    assert "://" not in (ROOT / "js" / "package-lock.json").read_text().replace(
        "https://opencollective.com", ""
    )
