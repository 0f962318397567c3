"""Compiles the graph kernels when the package is built or installed, so that no user ever waits for it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

KERNELS = Path("service/syndb_service/graph/kernels")


class KernelsBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the compiled library beside its sources, and into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the files are collected; ``version`` is ``standard`` or ``editable``."""
        library = _library_module(Path(self.root) / KERNELS / "build.py").build()
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{_platform()}"
        build_data["force_include"][str(library)] = str(KERNELS.relative_to("service") / library.name)


def _library_module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("kernels_library", path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{path} is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _platform() -> str:
    """Return the platform's tag: the library needs its system and processor, and no Python."""
    from packaging.tags import platform_tags

    return next(iter(platform_tags()))
