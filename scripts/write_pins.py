"""Write ``binder/requirements.txt``: every package of the service and the notebooks, each at one version.

``python scripts/write_pins.py`` (or ``make pins``) asks pip which releases it would install today, on this
machine's kind and Python, and writes them down; it installs nothing.
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


def wanted() -> list[str]:
    """Return what ``pyproject.toml`` asks for: the project's dependencies, its extras' and its build's."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = told["project"]["optional-dependencies"]
    return [
        *told["project"]["dependencies"],
        *(each for extra in EXTRAS for each in extras[extra]),
        *told["build-system"]["requires"],
    ]


def resolved(requirements: list[str]) -> dict[str, str]:
    """Return the version of every package that pip would install for them."""
    options = ["--dry-run", "--ignore-installed", "--only-binary", ":all:", "--quiet", "--report", "-"]
    command = [sys.executable, "-m", "pip", "install", *options, *requirements]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    found = [each["metadata"] for each in report["install"]]
    return {each["name"].lower().replace("_", "-"): each["version"] for each in found}


def main() -> None:
    """Write the file."""
    pins = resolved(wanted())
    head = HEAD.format(python=".".join(map(str, sys.version_info[:2])))
    lines = [f"{name}=={version}\n" for name, version in sorted(pins.items())]
    PINS.write_text(head + "".join(lines))
    print(f"{len(pins)} packages in {PINS.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
