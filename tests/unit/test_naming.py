"""One word has one meaning: the names of modules, classes and functions keep to the glossary."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (ROOT / "syndb_lab", ROOT / "service" / "syndb_service")

BANNED = {
    # a private word for a thing of the field
    *("nursery", "desk", "shelf", "crew", "wish", "verdict", "remarks", "room", "gate", "walk", "lifeline"),
    *("fleet", "carrier", "taker", "hints", "errand", "conclusion", "intake", "absence", "outlining"),
    *("gathering", "confinement", "moves", "notices", "people", "figures", "keeping", "sweeps", "face"),
    *("still", "study", "offer", "trail", "turns"),
    # a feeling or a posture where the field has a number
    *("patience", "patiently", "lap", "pulse", "beat", "judge", "bury", "died", "standing"),
    # talk: say what is computed, sent or shown
    *("tell", "told", "say", "said", "ask", "asked", "heed", "unheed", "hear", "heard", "seen", "look"),
    # where or when, without what
    *("place", "places", "moment", "here", "there", "away", "gone", "coming"),
    # a state without its noun
    *("kept", "made", "loose", "gathered", "fitted", "fitting", "given", "whole", "nothing", "rest"),
}
ALONE = {  # not the whole name of a function: a participle or an adjective needs its verb and its noun
    *("found", "named", "listed", "shown", "checked", "limited", "written", "joined", "opened", "counted"),
    *("answered", "known", "missing", "most", "more", "called", "quoted", "padded", "copied", "mapped"),
    *("cited", "painted", "sized", "streamed", "polled", "linked", "refused", "offered", "remembered"),
    *("submitted", "claimed", "lapsed", "expired", "running", "batched", "locked", "watched", "awaited"),
    *("presented", "rechecking", "talking", "taken", "having", "unnamed", "unquoted", "undisturbed"),
    *("followed", "entered", "meant", "analysed", "nearest", "take"),
}
NOUNS_AND_VERBS = {
    "during",
    "embed",
    "exceed",
    "feed",
    "heading",
    "listing",
    "need",
    "ping",
    "proceed",
    "seed",
    "staging",
}
ALLOWED = {
    "Datasets.named",  # public
    "RemoteFile.tell",  # io's own name
    "result_path(tell)",  # public
}
# Names of the wire, and of released migrations.
SKIP = ("api/schemas/", "api/routes/", "store/migrations/")

FILES = [(package, file) for package in PACKAGES for file in sorted(package.rglob("*.py"))]


def skipped(package: Path, file: Path) -> bool:
    return file.relative_to(package).as_posix().startswith(SKIP)


def words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def is_property(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(each).endswith(("property", ".setter")) for each in function.decorator_list)


def definitions(tree: ast.AST, inside: str = "") -> Iterator[tuple[str, str, bool]]:
    """Yield each class and function below a node: its name, with its class, and whether it is a verb."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name, node.name, False
            yield from definitions(node, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if not node.name.startswith("__"):
                yield node.name, inside + node.name, not is_property(node)
            yield from definitions(node)
        else:
            yield from definitions(node, inside)


def bare(name: str) -> bool:
    """Whether a function is named by a participle or an adjective alone."""
    word = name.strip("_")
    participle = re.fullmatch(r"[a-z]+(ed|ing)", word) is not None and word not in NOUNS_AND_VERBS
    return participle or word in ALONE


def test_no_name_has_a_banned_word() -> None:
    assert len(FILES) > 100
    broken = [
        f"{file.relative_to(ROOT)}: {full}"
        for package, file in FILES
        if not skipped(package, file)
        for name, full, _ in definitions(ast.parse(file.read_text()))
        if full not in ALLOWED and words(name) & BANNED
    ]
    assert "\n".join(broken) == ""


def test_no_parameter_has_a_banned_word() -> None:
    broken = [
        f"{file.relative_to(ROOT)}: {function.name}({parameter.arg})"
        for package, file in FILES
        if not skipped(package, file)
        for function in ast.walk(ast.parse(file.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for parameter in ast.walk(function.args)
        if isinstance(parameter, ast.arg)
        if f"{function.name}({parameter.arg})" not in ALLOWED and words(parameter.arg) & BANNED
    ]
    assert "\n".join(broken) == ""


def test_no_module_has_a_banned_word() -> None:
    names = {
        path.relative_to(package)
        for package, file in FILES
        if not skipped(package, file)
        for path in (file, *file.parents)
        if package in path.parents
    }
    assert "\n".join(sorted(str(path) for path in names if words(path.stem) & BANNED)) == ""


def test_no_function_is_a_bare_participle() -> None:
    broken = [
        f"{file.relative_to(ROOT)}: {full}"
        for package, file in FILES
        if not skipped(package, file)
        for name, full, is_verb in definitions(ast.parse(file.read_text()))
        if is_verb and full not in ALLOWED and bare(name)
    ]
    assert "\n".join(broken) == ""


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_no_two_public_classes_have_the_same_name(package: Path) -> None:
    names = Counter(
        node.name
        for root, file in FILES
        if root == package
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not skipped(root, file)
    )
    assert not [name for name, count in names.items() if count > 1]


def test_the_rules_find_what_they_are_for() -> None:
    tree = ast.parse("class Nursery:\n    def heard(self): ...\ndef opened(): ...\n")
    names = {name for name, _, _ in definitions(tree)}
    assert {name for name in names if words(name) & BANNED} == {"Nursery", "heard"}
    assert [bare("opened"), bare("open_writer"), bare("_reusing"), bare("feed")] == [True, False, True, False]
