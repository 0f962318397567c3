"""Values as DuckDB's text, which reads back as the same value: for types that a file or Python lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from syndb_lab.errors import ResultUnsuitable

if TYPE_CHECKING:
    import pyarrow

SLICE_ROWS: Final = 10_000
SLICE_BYTES: Final = 16 << 20
TEXT: Final = "VARCHAR"


def iter_slices(table: pyarrow.Table) -> Iterator[pyarrow.Table]:
    """Yield a table in slices of at most 10,000 rows and about 16 MiB, each of at least one row.

    Examples
    --------
    >>> [part.num_rows for part in iter_slices(pa.table({"n": range(12_000)}))]
    [10000, 2000]
    """
    start = 0
    while start < table.num_rows:
        part = table.slice(start, SLICE_ROWS)
        if part.num_rows > 1 and (size := part.nbytes) > SLICE_BYTES:
            part = part.slice(0, max(1, part.num_rows * SLICE_BYTES // size))
        yield part
        start += part.num_rows


def cast_columns(table: pyarrow.Table, types: Mapping[int, str]) -> pyarrow.Table:
    """Cast columns, by their index, to SQL types in DuckDB; the others stay as they are.

    Raises
    ------
    ResultUnsuitable
        DuckDB has no text for a column's type.

    Examples
    --------
    >>> cast_columns(pa.table({"l": [[1, None]]}), {0: "VARCHAR"}).to_pylist()
    [{'l': '[1, NULL]'}]
    """
    if not types:
        return table
    import duckdb

    with duckdb.connect(config={"threads": 1}) as engine:
        engine.execute("SET TimeZone = 'UTC'")
        for number, kind in types.items():
            field = table.schema.field(number)
            engine.register("held", decode_dictionaries(table.select([number]).rename_columns(["c"])))
            try:
                cast = engine.sql(f"SELECT CAST(c AS {kind}) AS c FROM held").to_arrow_table()  # noqa: S608
            except duckdb.Error as error:
                raise ResultUnsuitable(
                    f"the column {field.name!r} of type {field.type} can't be written as text: "
                    f"{str(error).splitlines()[0]}",
                    hint="Cast it in the query (CAST(… AS VARCHAR)), or write an .arrow file.",
                ) from error
            finally:
                engine.unregister("held")
            table = table.set_column(number, field.name, cast.column(0))
    return table


def decode_dictionaries(table: pyarrow.Table) -> pyarrow.Table:
    """Decode dictionary columns (ENUM) to text, at any depth, because DuckDB misreads them in arrays."""
    import pyarrow as pa

    return table.cast(pa.schema([field.with_type(plain_type(field.type)) for field in table.schema]))


def plain_type(kind: pyarrow.DataType) -> pyarrow.DataType:
    """Return a type with each dictionary type replaced by the type of its values."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_dictionary(kind):
        return kind.value_type
    if types.is_struct(kind):
        return pa.struct([field.with_type(plain_type(field.type)) for field in kind])
    if types.is_map(kind):
        return pa.map_(plain_type(kind.key_type), plain_type(kind.item_type))
    if types.is_fixed_size_list(kind):
        return pa.list_(kind.value_field.with_type(plain_type(kind.value_type)), kind.list_size)
    if types.is_list(kind):
        return pa.list_(kind.value_field.with_type(plain_type(kind.value_type)))
    if types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(plain_type(kind.value_type)))
    return kind
