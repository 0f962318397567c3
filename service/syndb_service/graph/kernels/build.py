"""The compiled kernels as a file: what it is called, and how it is made from the C files beside it.

The name holds the platform and a hash of the sources, so that a library is never used with other sources
than its own. The build of the package (``hatch_build.py``) loads this file alone: it imports nothing of the
project.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
FLAGS = ("-std=c11", "-O3", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror")
BASELINE = {"x86_64": "-mcpu=x86_64_v2"}
"""For which processors a library is made: every one of its kind since 2009."""


def library_path() -> Path:
    """Return where the library of these sources on this platform is, or would be."""
    digest = hashlib.sha256()
    for source in [*_sources(), Path(__file__)]:
        digest.update(source.read_bytes())
    place = f"{sys.platform}-{platform.machine()}".lower()
    return HERE / f"kernels-{place}-{digest.hexdigest()[:12]}.so"


def build() -> Path:
    """Compile the library, if it is not there yet, and return its path.

    The compiler is the one in the wheel ``ziglang``, which needs nothing on the machine; without that wheel
    it is ``$CC`` or ``cc``.

    Raises
    ------
    RuntimeError
        If there is no compiler, or it fails.
    """
    library = library_path()
    if library.exists():
        return library
    with tempfile.TemporaryDirectory(dir=HERE) as folder:
        made = Path(folder) / library.name
        command = [
            *_compiler(),
            *FLAGS,
            "-o",
            str(made),
            *(str(source) for source in _sources() if source.suffix == ".c"),
        ]
        caches = dict.fromkeys(("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"), folder)
        done = subprocess.run(command, env=os.environ | caches, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the graph kernels can't be compiled: {' '.join(command)}\n{done.stderr}")
        made.chmod(0o755)
        for older in HERE.glob(f"{library.stem.rpartition('-')[0]}-*.so"):
            older.unlink(missing_ok=True)
        made.replace(library)
    return library


def _sources() -> list[Path]:
    return sorted([*HERE.glob("*.c"), *HERE.glob("*.h")])


def _compiler() -> list[str]:
    if importlib.util.find_spec("ziglang") is not None:
        baseline = BASELINE.get(platform.machine().lower())
        standalone = ["-nostdlib"] if sys.platform == "linux" else []  # the process has a libc already
        return [sys.executable, "-m", "ziglang", "cc", *([baseline] if baseline else []), *standalone]
    compiler = os.environ.get("CC") or shutil.which("cc")
    if compiler is None:
        raise RuntimeError(
            "the graph kernels need a compiler: the package ziglang has no wheel for this platform, and "
            "there is no cc; install one, or name it in CC"
        )
    return [compiler]
