from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import pytest

from syndb_service.domain.datasets import VIEWS, Dataset, view_sql
from syndb_service.errors import DatasetInvalid
from syndb_service.ingest import add_folder
from syndb_service.warehouse import LocalWarehouse

MINIMAL = 'name = "small"\nspecies = "Testudo testudo"\n'

Files = Mapping[str, str | bytes]


class Desk:
    """A warehouse, a folder to fill, and what comes of adding it."""

    def __init__(self, root: Path) -> None:
        self.warehouse = LocalWarehouse(root / "warehouse")
        self.folder = root / "folder"
        self.folder.mkdir()

    def fill(self, files: Files) -> Path:
        for name, content in {"dataset.toml": MINIMAL, **files}.items():
            data = content.encode() if isinstance(content, str) else content
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(
                gzip.compress(data) if name.endswith(".gz") and data[:2] != b"\x1f\x8b" else data
            )
        return self.folder

    def write_parquet(self, name: str, select: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        duckdb.sql(f"COPY ({select}) TO '{path}' (FORMAT parquet)")

    def add(self, files: Files, *, replace: bool = False) -> Dataset:
        return add_folder(self.warehouse, self.fill(files), replace=replace)

    def refusal(self, files: Files) -> list[str]:
        """The findings; that nothing was added or left behind is checked."""
        self.fill(files)
        self.warehouse.writable()
        before = self.tree()
        with pytest.raises(DatasetInvalid) as caught:
            add_folder(self.warehouse, self.folder)
        assert self.tree() == before
        return [str(issue) for issue in caught.value.issues]

    def tree(self) -> dict[str, bytes | None]:
        root = self.folder.parent / "warehouse"
        paths = [path for path in root.rglob("*") if path.name != ".lock"]
        return {str(path.relative_to(root)): path.read_bytes() if path.is_file() else None for path in paths}

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """The rows of a query over everything in the warehouse."""
        with duckdb.connect() as con:
            for table, paths in self.warehouse.sources(self.warehouse.datasets()).items():
                con.execute(f"CREATE VIEW {table} AS {view_sql(table, paths)}")
            for name, view in VIEWS.items():
                con.execute(f"CREATE VIEW {name} AS {view.sql}")
            return con.execute(sql).fetchall()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def new_desk(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Desk]:
    return lambda: Desk(tmp_path_factory.mktemp("desk"))
