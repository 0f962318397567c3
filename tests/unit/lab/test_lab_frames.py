from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from syndb_lab import ResultUnsuitable
from syndb_lab.results import data_frames
from tests.support.lab_fakes import FLYWIRE_ID, arrow_file

IDS = [FLYWIRE_ID, None, -FLYWIRE_ID, 2**63 - 1]
TABLE = pa.table(
    {"id": pa.array(IDS, pa.int64()), "name": ["AVAL", None, "", "12"], "weight": [1.5, None, 2, 3]}
)
COLUMNS = [
    {"name": "id", "type": "int64"},
    {"name": "name", "type": "string"},
    {"name": "weight", "type": "double"},
]


@pytest.fixture(params=["arrow", "parquet", "csv"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"result.{request.param}"
    if request.param == "arrow":
        path.write_bytes(arrow_file(TABLE))
    elif request.param == "parquet":
        pq.write_table(TABLE, path)
    else:
        pyarrow.csv.write_csv(TABLE, path)
    return path


def test_polars_keeps_ids(file: Path) -> None:
    frame = data_frames.to_polars(file, COLUMNS)
    assert frame["id"].to_list() == IDS
    assert frame["name"].to_list() == ["AVAL", None, "", "12"]
    assert str(frame.schema["id"]) == "Int64"


def test_a_lazy_frame_is_the_same_frame(file: Path) -> None:
    lazy = data_frames.to_lazy(file, COLUMNS)
    assert lazy.collect().equals(data_frames.to_polars(file, COLUMNS))
    assert lazy.filter(pl.col("id") < 0).select("id", "name").collect().rows() == [(-FLYWIRE_ID, "")]


def test_pandas_keeps_ids(file: Path) -> None:
    frame = data_frames.to_pandas(file, COLUMNS)
    assert str(frame.dtypes["id"]) == "int64[pyarrow]"
    assert [
        None if value is None else int(value) for value in frame["id"].array.__arrow_array__().to_pylist()
    ] == IDS
    assert frame["id"].isna().tolist() == [False, True, False, False]
    assert int(frame["id"].iloc[0]) == FLYWIRE_ID


def test_arrow_keeps_ids(file: Path) -> None:
    table = data_frames.to_arrow(file, COLUMNS)
    assert table["id"].to_pylist() == IDS
    assert table["weight"].to_pylist() == [1.5, None, 2, 3]


def test_duckdb_keeps_ids(file: Path) -> None:
    relation = data_frames.to_duckdb(file, COLUMNS)
    assert [row[0] for row in relation.fetchall()] == IDS
    assert relation.query("r", f"SELECT count(*) FROM r WHERE id = {FLYWIRE_ID}").fetchall() == [(1,)]


def test_a_relation_outlives_the_file(file: Path) -> None:
    relation = data_frames.to_duckdb(file, COLUMNS)
    file.unlink()
    assert relation.aggregate("count(*)").fetchall() == [(4,)]


def test_an_arrow_file_keeps_its_provenance(tmp_path: Path) -> None:
    path = tmp_path / "result.arrow"
    path.write_bytes(arrow_file(TABLE.replace_schema_metadata({"syndb.query": "SELECT"})))
    assert data_frames.to_arrow(path).schema.metadata == {b"syndb.query": b"SELECT"}


def test_an_empty_result_keeps_its_columns(tmp_path: Path) -> None:
    for suffix in ("arrow", "csv"):
        path = tmp_path / f"empty.{suffix}"
        if suffix == "arrow":
            path.write_bytes(arrow_file(TABLE.slice(0, 0)))
        else:
            pyarrow.csv.write_csv(TABLE.slice(0, 0), path)
        frame = data_frames.to_polars(path, COLUMNS)
        assert frame.shape == (0, 3)
        assert str(frame.schema["id"]) == "Int64"


def test_csv_without_types_still_keeps_ids(tmp_path: Path) -> None:
    path = tmp_path / "result.csv"
    path.write_text(f'id,text\n{FLYWIRE_ID},"two\nlines, one cell"\n,\n')
    assert data_frames.to_arrow(path).to_pylist() == [
        {"id": FLYWIRE_ID, "text": "two\nlines, one cell"},
        {"id": None, "text": None},
    ]


def test_csv_with_text_that_looks_like_numbers_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "result.csv"
    path.write_text("code\n0042\n")
    assert data_frames.to_polars(path, [{"name": "code", "type": "string"}]).item() == "0042"


def test_csv_that_does_not_fit_says_so(tmp_path: Path) -> None:
    path = tmp_path / "result.csv"
    path.write_text("id\nAVAL\n")
    with pytest.raises(ResultUnsuitable, match="can't be read"):
        data_frames.to_polars(path, COLUMNS)


def test_json_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(ResultUnsuitable):
        data_frames.to_arrow(tmp_path / "result.json")


def test_csv_of_one_column_keeps_its_nulls(tmp_path: Path) -> None:
    path = tmp_path / "result.csv"
    pyarrow.csv.write_csv(TABLE.select(["id"]), path)
    assert data_frames.to_polars(path, COLUMNS[:1])["id"].to_list() == IDS


def test_csv_keeps_sums_exact(tmp_path: Path) -> None:
    path = tmp_path / "result.csv"
    path.write_text("total\n9007199254740993123\n")
    frame = data_frames.to_arrow(path, [{"name": "total", "type": "decimal128(38, 0)"}])
    assert int(frame["total"][0].as_py()) == 9007199254740993123


@pytest.mark.parametrize(
    "values",
    [
        pa.array([pa.MonthDayNano([0, 1, 0])]),
        pa.array([[pa.MonthDayNano([0, 1, 0])]]),
        pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]),
    ],
    ids=["interval", "nested interval", "union"],
)
def test_what_polars_would_die_of_is_an_error(tmp_path: Path, values: pa.Array) -> None:
    path = tmp_path / "result.arrow"
    path.write_bytes(arrow_file(pa.table({"ages": values})))
    with pytest.raises(ResultUnsuitable, match="'ages'"):
        data_frames.to_polars(path)
