"""What is taken in well: the forms of tables and ids that researchers have."""

from __future__ import annotations

import gzip
from typing import Any

import duckdb
import pytest

from syndb_service.domain.datasets import TABLES

Desk = Any

BIG = 720575940600000001


def test_ids_of_64_bits_stay_exact(desk: Desk) -> None:
    desk.add({"edges.csv": f"source,target,weight\n{BIG},{BIG + 1},2\n{-(2**63)},{2**63 - 1},1\n"})
    assert desk.rows("SELECT pre_neuron_id, post_neuron_id, synapse_count FROM connections ORDER BY 1") == [
        (-(2**63), 2**63 - 1, 1),
        (BIG, BIG + 1, 2),
    ]
    assert desk.rows("SELECT neuron_id FROM neurons ORDER BY 1") == [
        (-(2**63),),
        (BIG,),
        (BIG + 1,),
        (2**63 - 1,),
    ]


@pytest.mark.slow
def test_names_are_numbered_in_their_order(desk: Desk) -> None:
    dataset = desk.add({"connections.csv": "pre,post,synapses\nß,B,1\nA,B,2\na,A,1\n"})
    assert desk.rows("SELECT neuron_id, name, species FROM neurons ORDER BY 1") == [
        (1, "A", "Testudo testudo"),
        (2, "B", "Testudo testudo"),
        (3, "a", "Testudo testudo"),
        (4, "ß", "Testudo testudo"),
    ]
    assert desk.rows("SELECT * EXCLUDE dataset_id FROM connections ORDER BY 1") == [
        (1, 2, 2),
        (3, 1, 1),
        (4, 2, 1),
    ]
    assert dataset.views == {"connections": 3}
    assert dataset.tables["neurons"].columns == ("neuron_id", "name", "species")


def test_synapses_are_numbered_where_they_have_no_id(desk: Desk) -> None:
    desk.add({"connections.csv": "pre,post,synapses\n2,1,1\n1,2,2\n"})
    assert desk.rows("SELECT synapse_id, pre_neuron_id FROM synapses ORDER BY 1") == [(1, 1), (2, 1), (3, 2)]


def test_an_edge_list_may_use_the_names_of_numbered_neurons(desk: Desk) -> None:
    desk.add({"neurons.csv": f"neuron_id,name\n{BIG},A\n5,B\n", "edges.tsv": "from\tto\nA\tB\nB\tB\n"})
    assert desk.rows("SELECT pre_neuron_id, post_neuron_id FROM synapses ORDER BY 1") == [(5, 5), (BIG, 5)]


def test_numbers_may_be_names(desk: Desk) -> None:
    desk.add({"neurons.csv": "name,cell_class\n10,x\n9,y\n", "edges.csv": "pre,post\n9,10\n"})
    assert desk.rows("SELECT neuron_id, name FROM neurons ORDER BY 1") == [(1, "10"), (2, "9")]
    assert desk.rows("SELECT pre_neuron_id, post_neuron_id FROM synapses") == [(2, 1)]


def test_text_in_the_id_column_is_a_name(desk: Desk) -> None:
    desk.add({"neurons.csv": "neuron_id,cell_class\nB,x\nA,y\n", "synapses.csv": "pre,post\nA,B\n"})
    assert desk.rows("SELECT neuron_id, name, cell_class FROM neurons ORDER BY 1") == [
        (1, "A", "y"),
        (2, "B", "x"),
    ]


def test_kinds_of_edges_go_to_their_tables(desk: Desk) -> None:
    edges = "pre,post,kind,synapses\nA,B,Chemical,2\nA,B,electrical,3\nB,A,GAP_JUNCTION,1.5\n"
    dataset = desk.add({"connections.csv": edges})
    assert {name: info.rows for name, info in dataset.tables.items()} == {
        "neurons": 2,
        "synapses": 2,
        "neuron_relations": 2,
    }


def test_gap_junctions_alone_make_no_synapses(desk: Desk) -> None:
    dataset = desk.add({"connections.csv": "pre,post,kind\nA,B,electrical\n"})
    assert list(dataset.tables) == ["neurons", "neuron_relations"]
    assert dataset.views == {}
    assert desk.rows("SELECT * FROM connections") == []


@pytest.mark.parametrize(
    "content",
    [
        "neuron_id,name\r\n1,A\r\n2,B",
        "\ufeffneuron_id,name\n1,A\n2,B\n",
        'neuron_id;name\n"1";"A"\n2;B\n',
        "Neuron_ID , NAME\n 1 , A\n\n2,B\n\n",
        "id,neuron,dataset_id\n1,A,x\n2,B,x\n",
    ],
)
def test_csv_as_programs_write_it(desk: Desk, content: str) -> None:
    desk.add({"neurons.csv": content})
    assert desk.rows("SELECT neuron_id, name FROM neurons ORDER BY 1") == [(1, "A"), (2, "B")]


def test_text_with_commas_quotes_and_lines(desk: Desk) -> None:
    desk.add({"neurons.csv.gz": gzip.compress(b'neuron_id,name,description\n1,"A, ""B""","two\nlines"\n')})
    assert desk.rows("SELECT name, description FROM neurons") == [('A, "B"', "two\nlines")]


def test_unknown_values_are_null_and_na_may_be_a_name(desk: Desk) -> None:
    desk.add({"neurons.csv": "neuron_id,name,soma_x,mitochondria_count\n1,NA,N/A,\n2,,1e3,4.0\n"})
    assert desk.rows("SELECT name, soma_x, mitochondria_count FROM neurons ORDER BY neuron_id") == [
        ("NA", None, None),
        (None, 1000.0, 4),
    ]


def test_parquet_in_one_file_and_in_a_folder(desk: Desk) -> None:
    desk.write_parquet(
        "neurons.parquet", f"SELECT range + {BIG} AS neuron_id, 'n' || range AS name FROM range(10)"
    )
    for part in range(2):
        pairs = f"SELECT {BIG} + {part} AS pre, {BIG} + range AS post FROM range(5)"
        desk.write_parquet(f"synapses/{part}.parquet", pairs)
    dataset = desk.add({})
    assert dataset.tables["synapses"].rows == 10
    assert desk.rows("SELECT max(post_neuron_id) FROM synapses") == [(BIG + 4,)]


def test_rows_of_parquet_files_count_from_one(desk: Desk) -> None:
    desk.write_parquet("neurons.parquet", "SELECT range AS neuron_id FROM range(3)")
    desk.write_parquet("synapses/a.parquet", "SELECT 1 AS synapse_id, 0::BIGINT AS pre, 1 AS post")
    desk.write_parquet(
        "synapses/b.parquet", "SELECT 1 AS synapse_id, range AS pre, 1 AS post FROM range(4) OFFSET 2"
    )
    assert desk.refusal({}) == [
        "synapses/b.parquet, row 1, column synapse_id: '1' is already in synapses/a.parquet, row 1",
        "synapses/b.parquet, row 2, column synapse_id: '1' is already in synapses/a.parquet, row 1",
        "synapses/b.parquet, row 2, column pre: '3' is no neuron of neurons.parquet",
    ]


@pytest.mark.parametrize(
    ("column", "finding"),
    [
        (
            "1.0::DOUBLE AS neuron_id",
            "is of type DOUBLE, which can't hold every 64-bit id exactly; write int64",
        ),
        ("[1] AS neuron_id", "is of type INTEGER[]; it must hold plain values"),
        ("DATE '2020-01-01' AS neuron_id", "is of type DATE; it must hold numbers"),
    ],
)
def test_parquet_types_that_hold_no_ids(desk: Desk, column: str, finding: str) -> None:
    desk.write_parquet("neurons.parquet", f"SELECT {column}")
    assert desk.refusal({}) == [f"neurons.parquet, column neuron_id: {finding}"]


def test_parquet_values_that_do_not_fit(desk: Desk) -> None:
    desk.write_parquet(
        "neurons.parquet",
        "SELECT * FROM (VALUES "
        "(1::UBIGINT, 1.0, 'inf'::DOUBLE), (18446744073709551615, 2.5, 'nan'), (NULL, 3, 1)) "
        "AS t(neuron_id, mitochondria_count, soma_x)",
    )
    assert desk.refusal({}) == [
        "neurons.parquet, row 1, column soma_x: 'inf' is not a number",
        "neurons.parquet, row 2, column neuron_id: '18446744073709551615' is beyond 64 bits",
        "neurons.parquet, row 2, column soma_x: 'nan' is not a number; leave it empty where it is unknown",
        "neurons.parquet, row 2, column mitochondria_count: '2.5' is not a whole number",
        "neurons.parquet, row 3, column neuron_id: is empty",
    ]


def test_parquet_that_can_not_be_read(desk: Desk) -> None:
    assert desk.refusal({"neurons.parquet": b"PAR1 and then nothing"}) == [
        "neurons.parquet: can't be read as Parquet"
    ]


def test_parquet_cut_in_its_middle(desk: Desk) -> None:
    desk.write_parquet("neurons.parquet", "SELECT range AS neuron_id, random() AS soma_x FROM range(100000)")
    path = desk.folder / "neurons.parquet"
    data = bytearray(path.read_bytes())
    data[1000:200_000] = bytes(199_000)
    assert desk.refusal({"neurons.parquet": bytes(data)}) == [
        "neurons.parquet: can't be read as Parquet to its end"
    ]


def test_parquet_files_of_different_columns(desk: Desk) -> None:
    desk.write_parquet("neurons/a.parquet", "SELECT 1 AS neuron_id")
    desk.write_parquet("neurons/b.parquet", "SELECT '2' AS neuron_id")
    assert desk.refusal({}) == ["neurons/b.parquet: has other columns or types than neurons/a.parquet"]


def test_an_empty_parquet_table(desk: Desk) -> None:
    desk.write_parquet("neurons.parquet", "SELECT 1 AS neuron_id LIMIT 0")
    assert desk.refusal({}) == [
        "neurons.parquet: holds no neurons; list them, or leave the file out where other tables name them"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("neurons", ["neuron_id,name\n1,A\n2,B\n", "name\nA\nB\n"])
@pytest.mark.parametrize(
    "others",
    [
        {"connections.csv": "pre,post,synapses\n"},
        {"connections.csv": "pre,post,kind,weight"},
        {"synapses.tsv": "synapse_id\tpre\tpost\tx\n"},
        {"neuron_relations.csv": "pre,post,relation\n", "vesicles.csv": "vesicle_id,neuron_id\n"},
    ],
)
def test_known_neurons_may_have_no_connections(desk: Desk, neurons: str, others: dict[str, str]) -> None:
    dataset = desk.add({"neurons.csv": neurons, **others})
    assert {name: info.rows for name, info in dataset.tables.items()} == {"neurons": 2}
    assert desk.rows("SELECT count(*) FROM connections") == [(0,)]


@pytest.mark.parametrize("pre", ["1.0::DOUBLE", "NULL", "'A'", "[1]", "1"])
def test_a_parquet_table_without_rows_may_be_of_any_type(desk: Desk, pre: str) -> None:
    desk.write_parquet("synapses.parquet", f"SELECT {pre} AS pre, {pre} AS post LIMIT 0")
    assert list(desk.add({"neurons.csv": "neuron_id\n1\n"}).tables) == ["neurons"]


def test_a_part_is_looked_up_in_a_table_without_rows(desk: Desk) -> None:
    files = {
        "neurons.csv": "neuron_id\n1\n",
        "dendrites.csv": "dendrite_id,neuron_id\n",
        "dendritic_spines.csv": "dendritic_spine_id,neuron_id,dendrite_id\n1,1,7\n",
    }
    assert desk.refusal(files) == [
        "dendritic_spines.csv, row 2, column dendrite_id: '7' is not in dendrites.csv"
    ]


@pytest.mark.slow
def test_every_column_of_the_schema_can_be_brought(desk: Desk) -> None:
    for table, columns in TABLES.items():
        values = {"BIGINT": "1", "DOUBLE": "0.5", "VARCHAR": "'text'"}
        picked = ", ".join(f"{values[column.type]} AS {column.name}" for column in columns[1:])
        desk.write_parquet(f"{table}.parquet", f"SELECT {picked}")
    dataset = desk.add({})
    for table, columns in TABLES.items():
        assert dataset.tables[table].columns == tuple(column.name for column in columns[1:])


def test_written_files_hold_every_column_sorted_and_compressed(desk: Desk) -> None:
    dataset = desk.add({"connections.csv": "pre,post,synapses\n3,1,1\n1,2,2\n1,1,1\n"})
    [path] = desk.warehouse.sources([dataset])["synapses"]
    written = duckdb.sql(f"SELECT pre_neuron_id, post_neuron_id FROM read_parquet('{path}')").fetchall()
    assert written == [(1, 1), (1, 2), (1, 2), (3, 1)]
    described = duckdb.sql(
        f"DESCRIBE SELECT * FROM read_parquet('{path}', hive_partitioning=false)"
    ).fetchall()
    assert [row[:2] for row in described] == [(column.name, column.type) for column in TABLES["synapses"][1:]]
    compressions = duckdb.sql(f"SELECT DISTINCT compression FROM parquet_metadata('{path}')").fetchall()
    assert compressions == [("ZSTD",)]
