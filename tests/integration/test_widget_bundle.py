"""The widgets' JavaScript does what its own tests say, and the package holds what its sources make."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def npm(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["npm", *arguments], cwd=folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources with what they are built with, in a folder of their own."""
    if shutil.which("npm") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no npm to build the widgets with")
    folder = tmp_path_factory.mktemp("widgets") / "js"
    shutil.copytree(ROOT / "js", folder, ignore=shutil.ignore_patterns("node_modules"))
    npm(folder, "ci", "--ignore-scripts")
    return folder


def test_the_bundle_is_built_from_its_sources(sources: Path, tmp_path: Path) -> None:
    npm(sources, "run", "build", "--", str(tmp_path))
    kept = {file.name: file.read_text() for file in (ROOT / "syndb_lab" / "notebook" / "static").iterdir()}
    built = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert built == kept, "build it again: npm ci && npm run build, in js/"


def test_the_tests_of_the_javascript_pass(sources: Path) -> None:
    said = npm(sources, "test")
    assert re.search(r"pass [1-9]", said), said


def test_the_lock_file_names_no_registry() -> None:
    assert "://" not in (ROOT / "js" / "package-lock.json").read_text().replace(
        "https://opencollective.com", ""
    )
