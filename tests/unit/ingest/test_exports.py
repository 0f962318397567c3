"""Exports of the field's tools: small files of the same form, read as they are."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import duckdb
import networkx as nx
import pytest

from syndb_service.cli.dataset_add import FORMATS as OFFERED
from syndb_service.domain.datasets import Dataset
from syndb_service.errors import DatasetInvalid
from syndb_service.ingest import DatasetInput, add_dataset, describe_exports
from syndb_service.ingest.dataset_input import FOLDER
from syndb_service.ingest.exports import FORMATS

Desk = Any

A, B, C = 720575940596125868, 720575940597856265, 720575940627737365
FLY = {"species": "Drosophila melanogaster"}
CODEX = {
    "neurons.csv.gz": "root_id,group,nt_type,nt_type_score,da_avg,ser_avg,gaba_avg,glut_avg,ach_avg,oct_avg\n"
    f"{A},LO.LOP,ACH,0.57,0.01,0.02,0.1,0.1,0.57,0.2\n{B},ME,,,,,,,,\n",
    "classification.csv.gz": "root_id,flow,super_class,class,sub_class,hemilineage,side,nerve\n"
    f"{A},intrinsic,optic,optic_lobe_intrinsic,,,left,\n999,efferent,motor,,,,,\n",
    "connections.csv.gz": "pre_root_id,post_root_id,neuropil,syn_count,nt_type\n"
    f"{A},{B},LOP_R,2,ACH\n{A},{B},LO_R,3,ACH\n{B},{C},ME_R,5,GABA\n",
}
NEUPRINT = {
    "traced-neurons.csv": "bodyId,type,instance\n200326126,CL141,CL141_R\n202916528,FS4C,FS4C(FQ12)_C4_L\n",
    "traced-total-connections.csv": "bodyId_pre,bodyId_post,weight\n200326126,202916528,7\n",
    "traced-roi-connections.csv": "bodyId_pre,bodyId_post,roi,weight\n200326126,202916528,FB,7\n",
}


class Bench:
    """Adds files in a folder and keeps what was reported."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.reports: list[str] = []

    def write(self, files: dict[str, str]) -> Path:
        folder: Path = self.desk.folder
        for name, text in files.items():
            data = text.encode()
            (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return folder

    def add(self, *paths: Path, facts: dict[str, str] | None = None, **options: Any) -> Dataset:
        offer = DatasetInput(paths, facts=facts or {}, **options)
        return add_dataset(self.desk.warehouse, offer, report=self.reports.append)

    def refusal(self, *paths: Path, **options: Any) -> list[str]:
        with pytest.raises(DatasetInvalid) as caught:
            self.add(*paths, **options)
        assert self.desk.warehouse.datasets() == []
        return [str(issue) for issue in caught.value.issues]

    @property
    def report(self) -> str:
        (text,) = self.reports
        return re.sub(r"\s+", " ", text)

    def connections(self) -> list[tuple[object, ...]]:
        sql = "SELECT pre_neuron_id, post_neuron_id, synapse_count FROM connections ORDER BY 1, 2"
        found: list[tuple[object, ...]] = self.desk.rows(sql)
        return found


@pytest.fixture
def bench(desk: Desk) -> Bench:
    return Bench(desk)


def test_the_command_offers_every_format() -> None:
    assert set(OFFERED) == {FOLDER, *FORMATS}
    assert all(name in describe_exports() for name in FORMATS)


@pytest.mark.slow
def test_flywire_codex(bench: Bench) -> None:
    added = bench.add(bench.write(CODEX), facts={"name": "fly"})
    assert (added.name, added.species) == ("fly", "Drosophila melanogaster")
    assert bench.connections() == [(A, B, 5), (B, C, 5)]
    neurons = "SELECT neuron_id, majority_neurotransmitter, cell_class, description FROM neurons ORDER BY 1"
    assert bench.desk.rows(neurons) == [
        (A, "ACH", "optic", "flow: intrinsic; class: optic_lobe_intrinsic; side: left"),
        (B, None, None, None),
        (C, None, None, None),
    ]
    regions = f"SELECT DISTINCT brain_structure, neurotransmitter FROM synapses WHERE pre_neuron_id = {B}"
    assert bench.desk.rows(regions) == [("ME_R", "GABA")]
    for words in (
        "Recognised FlyWire Codex (--format flywire).",
        "connections.csv.gz: 3 rows for synapses",
        "super_class → cell_class",
        "left out: nt_type_score, da_avg",
        "1 row left out: their neuron is not in the list of neurons",
        "neurons that only connections name: 1.",
        "n rows of the table synapses, without positions",
        "--citation, --licence",
    ):
        assert words in bench.report


@pytest.mark.slow
def test_the_files_of_an_export_may_be_named_one_by_one(bench: Bench) -> None:
    folder = bench.write({**CODEX, "unrelated.csv": "a,b\n1,2\n"})
    bench.add(folder / "neurons.csv.gz", folder / "connections.csv.gz", facts={"name": "two"})
    assert bench.connections() == [(A, B, 5), (B, C, 5)]


@pytest.mark.slow
def test_neuprint_takes_the_totals(bench: Bench) -> None:
    bench.add(bench.write(NEUPRINT), facts=FLY)
    assert bench.connections() == [(200326126, 202916528, 7)]
    assert bench.desk.rows("SELECT name, cell_type FROM neurons ORDER BY 1")[0] == ("CL141_R", "CL141")
    assert "traced-roi-connections.csv is not read: it holds the connections" in bench.report


@pytest.mark.slow
def test_neuprint_by_roi_where_there_are_no_totals(bench: Bench) -> None:
    files = {name: text for name, text in NEUPRINT.items() if "total" not in name}
    bench.add(bench.write(files), facts=FLY)
    assert bench.desk.rows("SELECT DISTINCT brain_structure FROM synapses") == [("FB",)]


CAVE = "id,valid,pre_pt_root_id,post_pt_root_id,{position},size\n{rows}"


def cave(position: str, *positions: str) -> str:
    ends = [(A, B, "t"), (A, 0, "t"), (B, C, "f"), (B, A, "t")]
    rows = [f"{i},{ok},{pre},{post},{positions[0]},12" for i, (pre, post, ok) in enumerate(ends, 10)]
    return CAVE.format(position=position, rows="\n".join(rows) + "\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "table",
    [
        cave("ctr_pt_position_x,ctr_pt_position_y,ctr_pt_position_z", "10,20,30"),
        cave("ctr_pt_position", "[10 20 30]"),
        cave("ctr_pt_position", '"[10, 20.0, 30]"'),
    ],
)
def test_cave_synapses_in_nm(bench: Bench, table: str) -> None:
    folder = bench.write({"synapses.csv": table})
    bench.add(folder / "synapses.csv", facts=FLY, voxel_nm=(4, 4, 40))
    rows = bench.desk.rows(
        "SELECT synapse_id, pre_neuron_id, post_neuron_id, x, y, z FROM synapses ORDER BY 1"
    )
    assert rows == [(10, A, B, 40, 80, 1200), (13, B, A, 40, 80, 1200)]
    assert "1 row left out: their post_pt_root_id is 0" in bench.report
    assert "1 row left out: they are marked as not valid" in bench.report


@pytest.mark.slow
def test_cave_positions_without_a_voxel_size_stay_in_voxels(bench: Bench) -> None:
    folder = bench.write({"s.csv": cave("ctr_pt_position", "[10 20 30]")})
    added = bench.add(folder / "s.csv", facts=FLY)
    assert bench.desk.rows("SELECT DISTINCT x, z FROM synapses") == [(10, 30)]
    assert added.tables["synapses"].units == dict.fromkeys("xyz", "voxel")
    assert "--voxel-nm 4,4,40" in bench.report


@pytest.mark.slow
def test_cave_parquet_with_positions_as_lists(bench: Bench) -> None:
    for part, pre in enumerate((A, B)):
        row = f"SELECT {part + 1} AS id, {pre} AS pre_pt_root_id, {C} AS post_pt_root_id"
        bench.desk.write_parquet(f"table/{part}.parquet", f"{row}, [1, 2, 3]::INT[] AS ctr_pt_position")
    bench.add(bench.desk.folder, facts=FLY, voxel_nm=(4, 4, 40))
    assert bench.connections() == [(A, C, 1), (B, C, 1)]
    assert bench.desk.rows("SELECT DISTINCT x, y, z FROM synapses") == [(4, 8, 120)]


@pytest.mark.slow
def test_catmaid_synapses_of_two_chosen_skeletons_count_once(bench: Bench) -> None:
    rows = "1, 11, 2, 22\n1, 11, 2, 22\n1, 12, 2, 22\n"
    files = {
        "synapses.csv": f"pre_skeleton_id, pre_treenode_id, post_skeleton_id, post_treenode_id\n{rows}",
        "neuron_name_vs_skeleton_id.csv": '"Skeleton ID", "Neuron name"\n1, A1 left\n2, B1\n',
    }
    bench.add(bench.write(files), facts=FLY)
    assert bench.connections() == [(1, 2, 2)]
    assert bench.desk.rows("SELECT name FROM neurons ORDER BY neuron_id") == [("A1 left",), ("B1",)]
    assert "taken once" in bench.report


@pytest.mark.slow
def test_catmaid_connectors_link_their_two_sides(bench: Bench) -> None:
    header = "connector_id, skeleton_id, treenode_id, relation_id, x, y, z\n"
    rows = "7,1,11,presynaptic_to,1,2,3\n7,2,22,postsynaptic_to,1,2,3\n7,3,33,postsynaptic_to,1,2,3\n"
    bench.add(bench.write({"connectors.csv": header + rows}), facts=FLY)
    assert bench.connections() == [(1, 2, 1), (1, 3, 1)]
    assert bench.desk.rows("SELECT DISTINCT x, y, z FROM synapses") == [(1, 2, 3)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("transposed", "expected"), [(False, ("ADAL", "PVCR", 4)), (True, ("PVCR", "ADAL", 4))]
)
def test_an_adjacency_matrix(bench: Bench, transposed: bool, expected: tuple[object, ...]) -> None:
    folder = bench.write({"m.csv": ",ADAL,PVCR,RID\nADAL,0,4,\nPVCR,0,0,0\nRID,0,0,0\n"})
    bench.add(folder / "m.csv", facts=FLY, transposed=transposed)
    named = (
        "SELECT a.name, b.name, synapse_count FROM connections JOIN neurons a ON a.neuron_id = pre_neuron_id "
        "JOIN neurons b ON b.neuron_id = post_neuron_id"
    )
    assert bench.desk.rows(named) == [expected]
    assert bench.desk.rows("SELECT count(*) FROM neurons") == [(3,)]


@pytest.mark.slow
def test_a_matrix_without_names_numbers_its_neurons(bench: Bench) -> None:
    rows = "0,0,0,5\n0,0,0,0\n0.0e+00,1e0,0,0\n0,0,0,0\n"
    path = bench.write({"m.csv": rows}) / "m.csv"
    bench.add(path, facts=FLY)
    assert bench.connections() == [(1, 4, 5), (3, 2, 1)]
    assert "numbered by row and column, 1 to 4" in bench.report
    bench.write({"m.csv": rows + "0,0,0,0\n"})
    with pytest.raises(DatasetInvalid, match="has 5 rows and 4 columns"):
        bench.add(path, facts=FLY, format="matrix")


def test_what_is_wrong_in_a_matrix_is_told_by_row_and_column(bench: Bench) -> None:
    path = bench.write({"m.csv": ",A,B\nA,0,many\nB,1.5,0\n"}) / "m.csv"
    assert bench.refusal(path, facts=FLY, format="matrix") == [
        "m.csv, row 2, column B: 'many' is not a number"
    ]
    bench.write({"m.csv": ",A,B\nA,0,2\nB,1.5,0\n"})
    assert bench.refusal(path, facts=FLY) == [
        "m.csv, row 3, column synapses: 1.5 is no whole number of synapses"
    ]


@pytest.mark.slow
def test_graphml_as_networkx_writes_it(bench: Bench, tmp_path: Path) -> None:
    graph = nx.DiGraph()
    graph.add_node(A, name="left", cell_type="LC4", colour="red")
    graph.add_edge(A, B, weight=3)
    nx.write_graphml(graph, tmp_path / "g.graphml")
    bench.add(tmp_path / "g.graphml", facts=FLY)
    assert bench.connections() == [(A, B, 3)]
    assert bench.desk.rows(f"SELECT name, cell_type FROM neurons WHERE neuron_id = {A}") == [("left", "LC4")]
    assert "left out: colour" in bench.report


def test_graphml_that_says_no_direction_or_pulls_in_entities_is_refused(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "g.graphml"
    nx.write_graphml(nx.path_graph(3), path)
    assert "presynaptic" in bench.refusal(path, facts=FLY)[0]
    path.write_text('<!DOCTYPE g [<!ENTITY a "a">]><graphml>&a;</graphml>')
    assert "DOCTYPE" in bench.refusal(path, facts=FLY)[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("e.csv", f"source,target,weight,colour\n{A},{B},3,red\n"),
        ("e.csv", f"{A},{B},3\n"),
        ("e.txt", f"# from networkx\n{A} {B} 3\n"),
        ("e.tsv", f"{A}\t{B}\t3\n"),
        ("e.csv.gz", f"pre,post\n{A},{B}\n{A},{B}\n{A},{B}\n"),
    ],
)
def test_plain_edge_lists(bench: Bench, name: str, text: str) -> None:
    folder = bench.write({name: text})
    added = bench.add(folder / name, facts={**FLY, "title": "Mine", "licence": "CC0"})
    assert bench.connections() == [(A, B, 3)]
    assert (added.name, added.title, added.licence) == ("e", "Mine", "CC0")
    assert "(--format edges)" in bench.report


def test_a_list_of_three_columns_is_no_matrix_though_its_ids_are_on_both_sides(bench: Bench) -> None:
    folder = bench.write({"e.csv": f"{A},{B},3\n{B},{C},1\n{C},{A},2\n"})
    bench.add(folder / "e.csv", facts=FLY)
    assert bench.connections() == [(A, B, 3), (B, C, 1), (C, A, 2)]


def test_ids_that_were_written_as_floats_are_neither_ids_nor_names(bench: Bench) -> None:
    path = bench.write({"s.csv": f"id,pre_pt_root_id,post_pt_root_id\n1,{float(A)!r},{B}\n"}) / "s.csv"
    told = bench.refusal(path, facts=FLY)
    assert told == [
        f"s.csv, row 2, column pre_pt_root_id: '{float(A)!r}' is not a whole number: written as a float, "
        "it may have lost digits; write it as an integer"
    ]


def test_the_index_that_pandas_writes_is_left_out_by_a_name(bench: Bench) -> None:
    folder = bench.write({"s.csv": f",pre_pt_root_id,post_pt_root_id\n0,{A},{B}\n"})
    bench.add(folder / "s.csv", facts=FLY)
    assert bench.connections() == [(A, B, 1)]
    assert "left out: a column without a name" in bench.report


def test_a_wrong_field_is_told_by_the_line_of_the_export(bench: Bench) -> None:
    files = {**CODEX, "connections.csv.gz": CODEX["connections.csv.gz"].replace(",5,GABA", ",five,GABA")}
    told = bench.refusal(bench.write(files))
    assert told == ["connections.csv.gz, row 4, column syn_count: 'five' is not a number"]


def test_the_one_fact_that_no_file_has_is_asked_for(bench: Bench) -> None:
    told = bench.refusal(bench.write(NEUPRINT))
    assert told == ['--species: is missing: the Latin name, such as --species "Drosophila melanogaster"']


def test_a_file_that_is_nothing_known_says_so(bench: Bench) -> None:
    path = bench.write({"notes.csv": "day,weather\nmonday,rain\n"}) / "notes.csv"
    assert "--format" in bench.refusal(path)[0]
    assert "root_id" in bench.refusal(path, format="flywire")[0]


def test_a_dataset_folder_without_its_metadata_file_takes_it_from_the_command(bench: Bench) -> None:
    folder = bench.write({"neurons.csv": "neuron_id,name\n1,A\n"})
    added = bench.add(folder, facts={"name": "bare", **FLY})
    assert (added.name, added.tables["neurons"].rows) == ("bare", 1)


def test_progress_of_an_export_is_its_files(bench: Bench) -> None:
    told: list[tuple[str, float | None]] = []
    offer = DatasetInput((bench.write(CODEX),))
    add_dataset(bench.desk.warehouse, offer, progress=lambda stage, part: told.append((stage, part)))
    stages = [stage for stage, part in told if part is None]
    assert [stage for stage in stages if stage.startswith("reading")] == [f"reading {name}" for name in CODEX]
    assert ("reading connections.csv.gz", 1.0) in told


def test_ids_are_exact_from_parquet_neurons_too(bench: Bench) -> None:
    duckdb.sql(f"SELECT {A} AS root_id, 'ACH' AS nt_type").write_parquet(
        str(bench.desk.folder / "neurons.parquet")
    )
    bench.write({"connections.csv.gz": CODEX["connections.csv.gz"]})
    bench.add(bench.desk.folder)
    assert bench.desk.rows("SELECT neuron_id FROM neurons ORDER BY 1") == [(A,), (B,), (C,)]


MATRICES = {
    "savetxt.txt": "# made by numpy\n0.0e+00 2.0e+00 1.0 0\n3.0 0.0 0.0 0\n0 4.0 0 0\n0 0 0 0\n",
    "tabs.txt": "0\t2\t1\t0\n3\t0\t0\t0\n0\t4\t0\t0\n0\t0\t0\t0\n",
    "r_write_csv.csv": '"","V1","V2","V3","V4"\n"1",0,2,1,0\n"2",3,0,0,0\n"3",0,4,0,0\n"4",0,0,0,0\n',
    "r_write_table.txt": "1 2 3 4\n1 0 2 1 0\n2 3 0 0 0\n3 0 4 0 0\n4 0 0 0 0\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("given", [None, "matrix"])
@pytest.mark.parametrize("name", MATRICES)
def test_matrices_as_other_tools_write_them(bench: Bench, name: str, given: str | None) -> None:
    folder = bench.write({name: MATRICES[name]})
    bench.add(folder / name, facts=FLY, format=given)
    counted = "SELECT pre_neuron_id, post_neuron_id, count(*) FROM synapses GROUP BY ALL ORDER BY ALL"
    assert bench.desk.rows(counted) == [(1, 2, 2), (1, 3, 1), (2, 1, 3), (3, 2, 4)]
    assert bench.desk.rows("SELECT count(*) FROM neurons") == [(4,)]


def test_a_rectangular_matrix_is_named_as_one(bench: Bench) -> None:
    folder = bench.write({"rect.csv": ",M1,M2\nS1,1,0\nS2,2,3\nS3,0,4\n"})
    (told,) = bench.refusal(folder / "rect.csv", facts=FLY)
    assert "--format matrix" in told
    bench.add(folder / "rect.csv", facts=FLY, format="matrix")
    assert bench.desk.rows("SELECT count(*) FROM synapses") == [(10,)]


def test_three_rows_of_three_numbers_may_be_a_matrix(bench: Bench) -> None:
    folder = bench.write({"square.txt": "1 2 1\n3 1 2\n1 4 5\n"})
    bench.add(folder / "square.txt", facts=FLY)
    assert "--format matrix" in bench.reports[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0,1,2,3\n1,0,5,0\n2,0,0,6\n3,7,0,0\n", "may be names or counts"),
        ("0 0 0 0\n0 0 0 0\n0 0 0 0\n0 0 0 0\n", "holds no connection"),
        (",A,B\nA,0,0\nB,,0\n", "holds no connection"),
    ],
)
@pytest.mark.parametrize("given", [None, "matrix"])
def test_a_matrix_that_is_doubtful_or_empty_is_refused(
    bench: Bench, text: str, told: str, given: str | None
) -> None:
    folder = bench.write({"m.csv": text})
    assert told in bench.refusal(folder / "m.csv", facts=FLY, format=given)[0]


def test_an_edge_list_with_blanks_between_may_have_a_header(bench: Bench) -> None:
    folder = bench.write({"e.txt": "# remark\nsource target weight\nA B 3\nB C 4\n"})
    bench.add(folder / "e.txt", facts=FLY)
    assert bench.desk.rows("SELECT count(*) FROM neurons") == [(3,)]
    assert bench.desk.rows("SELECT count(*) FROM synapses") == [(7,)]


def test_numbers_and_names_of_neurons_side_by_side(bench: Bench) -> None:
    folder = bench.write({"e.csv": "pre,post,weight\n1,M1,3\nM1,2,4\n"})
    bench.add(folder / "e.csv", facts=FLY)
    assert bench.desk.rows("SELECT name FROM neurons ORDER BY name") == [("1",), ("2",), ("M1",)]


def test_one_slip_among_ids_is_no_name(bench: Bench) -> None:
    folder = bench.write({"e.csv": "pre,post,weight\n1,2,3\n2,M1,4\n"})
    (told,) = bench.refusal(folder / "e.csv", facts=FLY)
    assert "'M1' is not a whole number" in told


@pytest.mark.parametrize("other", ["007", "+7", " 07"])
def test_ids_that_differ_by_zeros_alone_do_not_become_one_neuron(bench: Bench, other: str) -> None:
    folder = bench.write({"e.csv": f"pre,post,weight\n{other},7,3\n7,8,4\n"})
    told = bench.refusal(folder / "e.csv", facts=FLY)
    assert all("are one number, and may be two neurons" in each for each in told)


def test_ids_that_are_all_padded_are_read(bench: Bench) -> None:
    folder = bench.write({"e.csv": "pre,post,weight\n007,008,3\n008,010,4\n"})
    bench.add(folder / "e.csv", facts=FLY)
    assert bench.desk.rows("SELECT neuron_id FROM neurons ORDER BY 1") == [(7,), (8,), (10,)]
