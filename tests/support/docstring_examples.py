"""Finds the examples in a package's docstrings, and runs those of a module."""

from __future__ import annotations

import ast
import doctest
import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

FLAGS: Final = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules_with_examples(package: ModuleType) -> list[str]:
    """Return the names of a package's modules whose docstrings have examples."""
    return sorted(name for name, file in _sources(package) if count_examples(file))


def _sources(package: ModuleType) -> Iterator[tuple[str, Path]]:
    yield package.__name__, Path(str(package.__file__))
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        spec = found.module_finder.find_spec(found.name, None)  # type: ignore[call-arg]
        if spec is not None and str(spec.origin).endswith(".py"):  # not the compiled kernels
            yield found.name, Path(str(spec.origin))


def count_examples(file: Path) -> int:
    """Count the examples in all strings of a file, whatever they document."""
    parser = doctest.DocTestParser()
    strings = (
        node.value
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return sum(len(parser.get_examples(text)) for text in strings)


def run_examples(name: str, names: Mapping[str, Any]) -> None:
    """Run every example of a module with these names; fail if one is wrong, or was not found by doctest."""
    module = import_module(name)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    output: list[str] = []
    ran = 0
    for test in doctest.DocTestFinder().find(module, extraglobs=dict(names)):
        ran += len(test.examples)
        runner.run(test, out=output.append)
    assert not output, "".join(output)
    assert ran == count_examples(Path(str(module.__file__)))
