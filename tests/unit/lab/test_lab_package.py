import subprocess
import sys

import pytest

import syndb_lab

HEAVY = ["pandas", "polars", "pyarrow", "networkx", "matplotlib", "IPython", "duckdb", "numpy", "rich"]


def modules_after(code: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stdout.split())


@pytest.mark.parametrize("code", ["import syndb_lab", "import syndb_lab; syndb_lab.__all__; dir(syndb_lab)"])
def test_the_import_is_light(code: str) -> None:
    assert not modules_after(code) & {*HEAVY, "httpx"}


@pytest.mark.slow
def test_the_service_is_not_imported() -> None:
    loaded = modules_after("import syndb_lab\nfor name in syndb_lab.__all__: getattr(syndb_lab, name)")
    assert not loaded & {*HEAVY, "syndb_service"} - {"rich"}


def test_every_public_name_is_there() -> None:
    assert sorted(syndb_lab.__all__) == syndb_lab.__all__ == dir(syndb_lab)
    for name in syndb_lab.__all__:
        assert getattr(syndb_lab, name).__name__ == name


def test_nothing_else_is() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        syndb_lab.nonsense  # noqa: B018 - the access is the test


def test_every_error_is_public() -> None:
    from syndb_lab import errors

    found = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, BaseException)
    }
    assert found - {"PlacedError"} <= set(syndb_lab.__all__)
