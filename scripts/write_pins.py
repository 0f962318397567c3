"""Write ``binder/requirements.txt``: all packages of the service and the notebooks, with pinned versions.

``python scripts/write_pins.py`` (or ``make pins``) resolves the releases that pip would install today on this
platform and Python, and writes them to the file; it installs nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PINS = ROOT / "binder" / "requirements.txt"
EXTRAS = ("service", "lab")
HEAD = """\
# What Binder installs, each package at one version and as a wheel; `make pins` writes it again.
# Resolved for Python {python}, which runtime.txt names. The build's own needs are here as well: postBuild
# builds the project without fetching anything.
--only-binary :all:
"""


def read_requirements() -> list[str]:
    """Return the requirements in ``pyproject.toml``: dependencies, extras and build requirements."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    return [
        *project["project"]["dependencies"],
        *(each for extra in EXTRAS for each in extras[extra]),
        *project["build-system"]["requires"],
    ]


def resolve_versions(requirements: list[str]) -> dict[str, str]:
    """Return the version of every package that pip would install for them."""
    options = ["--dry-run", "--ignore-installed", "--only-binary", ":all:", "--quiet", "--report", "-"]
    command = [sys.executable, "-m", "pip", "install", *options, *requirements]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    found = [each["metadata"] for each in report["install"]]
    return {each["name"].lower().replace("_", "-"): each["version"] for each in found}


def main() -> None:
    """Write the file."""
    pins = resolve_versions(read_requirements())
    head = HEAD.format(python=".".join(map(str, sys.version_info[:2])))
    lines = [f"{name}=={version}\n" for name, version in sorted(pins.items())]
    PINS.write_text(head + "".join(lines))
    print(f"{len(pins)} packages in {PINS.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
