"""The rules of the house that import-linter can't keep."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from syndb_service.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (ROOT / "syndb_lab", ROOT / "service" / "syndb_service")
FILES = [file for package in PACKAGES for file in package.rglob("*.py")]


def test_no_drawer_for_things_without_a_name() -> None:
    assert FILES
    assert not [file.name for file in FILES if file.stem in {"utils", "util", "helpers", "common", "misc"}]


def test_files_stay_small() -> None:
    sizes = {file.relative_to(ROOT): len(file.read_text().splitlines()) for file in FILES}
    assert not {file: size for file, size in sizes.items() if size > 450}
    assert sorted(sizes.values())[len(sizes) // 2] <= 150


def test_an_init_says_what_is_here_and_no_more() -> None:
    """A docstring and re-exports; the root of ``syndb_lab`` has the public names and loads them when used."""
    sizes = {
        file.relative_to(ROOT).as_posix(): len(file.read_text().splitlines())
        for file in FILES
        if file.name == "__init__.py"
    }
    assert sizes.pop("syndb_lab/__init__.py")
    assert len(sizes) > 30
    assert not {file: size for file, size in sizes.items() if size > 10}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_the_root_of_a_package_has_few_modules(package: Path) -> None:
    assert 0 < len(list(package.glob("*.py"))) <= 10


TESTS = sorted((ROOT / "tests").rglob("*.py"))


def imported(tree: ast.AST) -> set[str]:
    """Return the modules that a file imports from, and the full names of what it imports."""
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            modules |= {base} | {f"{base}.{each.name}" for each in node.names}
    return modules


def test_no_test_module_is_imported() -> None:
    """What several tests need is in tests/support, or a fixture of a conftest.py."""
    assert len(TESTS) > 200
    found = {
        (file.relative_to(ROOT).as_posix(), module)
        for file in TESTS
        for module in imported(ast.parse(file.read_text()))
        if re.match(r"tests\..*\b(test_\w+|conftest)$|tests\.conftest$|\.", module)
    }
    assert found == set()


def test_support_has_no_tests_and_tests_have_no_helper_files() -> None:
    support = ROOT / "tests" / "support"
    assert not list(support.rglob("test_*.py"))
    helpers = {
        file.relative_to(ROOT / "tests").as_posix()
        for file in TESTS
        if support not in file.parents and not file.name.startswith(("test_", "conftest.", "__init__."))
    }
    assert helpers == {"browser/latency.py", "soak/__main__.py", "soak/scenarios.py", "soak/samples.py"}


PAGES = [*ROOT.glob("*.md"), *ROOT.glob("service/*.md"), *ROOT.glob("docs/**/*.md")]


def test_pages_lead_to_what_is_there() -> None:
    links = {
        (page, link) for page in PAGES for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    }
    assert len(links) > 10
    assert not [(page.name, link) for page, link in links if not (page.parent / link).exists()]


def test_the_contributors_page_names_files_that_are_there() -> None:
    pages = [ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/decisions/*.md")]
    named = {
        each for page in pages for each in re.findall(r"`([\w./-]+(?:/|\.py|\.md|\.json))`", page.read_text())
    }
    roots = (ROOT, ROOT / "syndb_lab", ROOT / "service" / "syndb_service")
    assert len(named) > 30
    assert not [each for each in named if not any((root / each).exists() for root in roots)]


def test_the_contributors_page_knows_every_make_target() -> None:
    targets = set(re.findall(r"^\.PHONY: ([\w-]+)", (ROOT / "Makefile").read_text(), re.M)) - {"help"}
    page = (ROOT / "CONTRIBUTING.md").read_text()
    assert {target for target in targets if f"`make {target}`" not in page} == set()


def variable(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    return str(alias) if alias else f"SYNDB_{name.upper()}"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_for_operators(name: str) -> None:
    rows = [
        line.split("|")
        for line in (ROOT / "service" / "README.md").read_text().splitlines()
        if line.startswith(f"| `{variable(name)}`")
    ]
    assert len(rows) == 1, f"service/README.md has no row for {variable(name)}"
    (_, _, unit, default, reason, _) = rows[0]
    field = Settings.model_fields[name]
    if isinstance(field.default, int | float):
        shown = re.sub(r"[,\s_`]", "", default).partition("(")[0]
        assert float(shown) == float(field.default)
    assert unit.strip()
    assert len(reason.strip()) > 10


def test_no_setting_is_documented_that_is_none() -> None:
    text = (ROOT / "service" / "README.md").read_text()
    documented = set(re.findall(r"^\| `((?:SYNDB|JOB)_\w+)`", text, re.M))
    assert documented == {variable(name) for name in Settings.model_fields}


VERBS = {
    "demo",
    "lab",
    "check",
    "test",
    "lint",
    "test-security",
    "test-faults",
    "bench",
    "bench-quick",
    "bench-graph",
}


def test_make_alone_lists_every_verb() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^\.PHONY: ([\w-]+)$", makefile, re.M)) - {"help"}
    assert VERBS <= targets == set(re.findall(r'@echo "make ([\w-]+)', makefile))


def names_in(file: Path) -> set[str]:
    """List what a module defines: functions, classes, and ``Class.method``."""
    names: set[str] = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = [one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
            names |= {
                text for one in methods for text in (f"{node.name}.{one.name}", f".{one.name}", one.name)
            }
    return names


def test_the_way_of_a_job_names_functions_that_are_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| \d+ \| (.+?) \| (.*?) \|", page, re.M)
    missing = []
    for files, functions in rows:
        paths = [
            package / name.replace("…/", "").removeprefix("syndb_lab/")
            for name in re.findall(r"`([\w./…]+\.py)`", files)
            for package in PACKAGES
        ]
        names = {name for path in paths if path.exists() for name in names_in(path)}
        missing += [name for name in re.findall(r"`([\w.]+)`", functions) if name not in names]
    assert len(rows) > 40
    assert not missing
