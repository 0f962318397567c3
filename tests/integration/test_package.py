"""What is built carries all it needs, and runs without the repository.

The short form borrows the installed dependencies; with ``make test-package`` pip installs them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.support.live_service import isolated_environment

ROOT = Path(__file__).parents[2]
FRESH = bool(os.environ.get("SYNDB_FRESH_INSTALL"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def wheel_of(folder: Path) -> Path:
    (wheel,) = folder.glob("*.whl")
    return wheel


def environment_with(folder: Path, wheel: Path, extras: str) -> Path:
    """Make an environment with the wheel in it; return its python."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    what = [f"{wheel}{extras}"] if FRESH else ["--no-deps", str(wheel)]
    done = subprocess.run([*pip, *what], capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    if not FRESH:
        site = subprocess.check_output(
            [python, "-c", "import site; print(site.getsitepackages()[0])"], text=True
        )
        borrowed = Path(site.strip()) / "borrowed.pth"
        borrowed.write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_the_wheel_carries_data_licence_types_and_what_notebooks_load(built: Path) -> None:
    names = zipfile.ZipFile(wheel_of(built)).namelist()
    for wanted in (
        "syndb_lab/py.typed",
        "syndb_service/py.typed",
        "syndb_lab/notebook/static/card.js",
        "syndb_service/bundled/celegans_varshney_2011/synapses.parquet",
        "syndb_service/bundled/celegans_white_1986/dataset.toml",
        "syndb_service/store/migrations/script.py.mako",
        ".dist-info/licenses/LICENSE",
        "labextensions/syndb-lab/package.json",
    ):
        assert any(name.endswith(wanted) for name in names), wanted
    assert [name for name in names if re.search(r"/graph/kernels/kernels-[\w-]+\.so$", name)]
    assert not [name for name in names if name.startswith(("tests/", "service/"))]


def test_the_sdist_carries_what_a_developer_reads_and_runs(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "CHANGELOG.md",
        "CITATION.cff",
        "CONTRIBUTING.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "docs/openapi.json",
        "docs/decisions/exact-ids.md",
        "SECURITY.md",
        "binder/requirements.txt",
        "service/compose.yaml",
        "tests/conftest.py",
        "js/package-lock.json",
        "service/syndb_service/bundled/celegans_white_1986/synapses.parquet",
    } <= names


def test_the_version_stands_once_and_the_copies_follow() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"image: syndb-lab:{version}\n" in (ROOT / "service" / "compose.yaml").read_text()
    for copy in ("js/labextension/package.json", "docs/openapi.json"):
        plain = json.loads((ROOT / copy).read_text())
        assert plain.get("version", plain.get("info", {}).get("version")) == version, copy
    assert f"({version})" in (ROOT / "CHANGELOG.md").read_text()


def test_the_pythons_that_are_named_agree() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(told["project"]["classifiers"]))
    oldest = told["project"]["requires-python"].removeprefix(">=")
    assert named[0] == oldest == told["tool"]["mypy"]["python_version"]
    assert told["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"


def test_who_cites_the_software_finds_the_papers_of_its_data() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert citation["license"] == project["license"]
    datasets = (ROOT / "service" / "syndb_service" / "bundled").glob("*/dataset.toml")
    papers = {tomllib.loads(path.read_text())["doi"] for path in datasets}
    assert papers == {reference["doi"] for reference in citation["references"]}


@pytest.mark.slow
@pytest.mark.skipif(not FRESH, reason="it installs a validator of its own: make test-package")
def test_the_citation_is_as_its_format_has_it(tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "cffconvert==2.0.0"], check=True, timeout=200)
    validate = [tmp_path / "env" / "bin" / "cffconvert", "--validate", "-i", ROOT / "CITATION.cff"]
    subprocess.run(validate, check=True, timeout=120)


@pytest.mark.slow
@pytest.mark.timeout(800)
def test_the_wheel_runs_the_demo_without_the_repository(built: Path, tmp_path: Path) -> None:
    python = environment_with(tmp_path / "env", wheel_of(built), "[service,lab]")
    place = tmp_path / "elsewhere"
    place.mkdir()
    clean = isolated_environment(tmp_path)
    clean.pop("PYTHONPATH", None)
    where = "import syndb_lab, syndb_service; print(syndb_lab.__file__, syndb_service.__file__)"
    told = subprocess.check_output([python, "-c", where], cwd=place, env=clean, text=True)
    assert str(ROOT) not in told.replace(str(tmp_path), "")
    done = subprocess.run(
        [python, "-m", "syndb_lab.demo"],
        cwd=place,
        env=clean,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "279" in done.stdout
    assert (place / "demo-output" / "celegans.png").is_file()


@pytest.mark.slow
@pytest.mark.skipif(not FRESH, reason="only where pip installs the dependencies: make test-package")
def test_the_light_client_says_what_it_lacks(built: Path, tmp_path: Path) -> None:
    python = environment_with(tmp_path / "env", wheel_of(built), "")
    clean = isolated_environment(tmp_path)
    done = subprocess.run(
        [python, "-m", "syndb_lab", "jobs"],
        env=clean,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert "pip install 'syndb-lab[service]'" in done.stderr
    assert "Traceback" not in done.stderr
