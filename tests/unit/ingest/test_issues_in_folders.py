"""Every fault of a folder and its metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from syndb_service.domain.datasets import TABLES
from syndb_service.errors import DatasetInvalid, TransientError
from syndb_service.ingest import add_folder, describe_format, pipeline
from syndb_service.ingest.metadata import NAME_RULE

Desk = Any

NEURONS = {"neurons.csv": "neuron_id,name\n1,A\n2,B\n"}


def refused(desk: Desk, folder: Path) -> list[str]:
    with pytest.raises(DatasetInvalid) as caught:
        add_folder(desk.warehouse, folder)
    assert desk.warehouse.datasets() == []
    return [str(issue) for issue in caught.value.issues]


def test_a_folder_that_is_not_there(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder)
    assert refused(desk, Path("nowhere")) == ["nowhere: is not there"]


def test_a_file_instead_of_a_folder(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.fill(NEURONS))
    assert refused(desk, Path("neurons.csv")) == ["neurons.csv: is a file; name the folder it lies in"]


def test_an_empty_folder(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder.parent)
    assert refused(desk, Path("folder")) == ["folder: is empty"]


def test_missing_metadata_shows_a_minimal_one(desk: Desk) -> None:
    desk.fill(NEURONS)
    (desk.folder / "dataset.toml").unlink()
    assert refused(desk, desk.folder) == [
        "dataset.toml: is missing; two lines are enough:"
        '\n      name = "my_connectome_2026"'
        '\n      species = "Drosophila melanogaster"'
    ]


def test_the_minimal_one_is_enough(desk: Desk) -> None:
    desk.fill({**NEURONS, "dataset.toml": 'name = "my_connectome_2026"\nspecies = "Drosophila melanogaster"'})
    dataset = add_folder(desk.warehouse, desk.folder)
    assert (dataset.name, dataset.title, dataset.version, dataset.visibility) == (
        "my_connectome_2026",
        "my_connectome_2026",
        "1",
        "public",
    )


def test_no_tables_at_all(desk: Desk) -> None:
    assert desk.refusal({"README.md": "hello"}) == [
        "the folder: holds no tables; a neurons.csv and a connections.csv are a good start"
    ]


def test_an_unknown_table_with_the_nearest_name(desk: Desk) -> None:
    findings = desk.refusal({**NEURONS, "synapse.csv": "a\n1\n", "qqq.parquet": b"", "notes.txt": "fine"})
    assert findings[0].startswith("qqq.parquet: is not a table that is known (neurons, synapses, ")
    assert findings[1:] == ["synapse.csv: is not a table that is known; did you mean synapses?"]


def test_an_unknown_folder_of_tables(desk: Desk) -> None:
    assert desk.refusal({**NEURONS, "synapse/1.parquet": b""}) == [
        "synapse/: is not a table that is known; did you mean synapses?"
    ]


def test_two_files_for_one_table(desk: Desk) -> None:
    findings = desk.refusal({**NEURONS, "neurons.tsv": "neuron_id\n1\n"})
    assert findings == ["neurons.tsv: holds the same table as neurons.csv; keep one of them"]


def test_an_edge_list_beside_synapses(desk: Desk) -> None:
    files = {"synapses.csv": "pre,post\n1,2\n", "edges.csv": "pre,post\n1,2\n"}
    assert desk.refusal({**NEURONS, **files}) == [
        "edges.csv: is an edge list beside synapses.csv; keep one of them"
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metadata", "finding"),
    [
        (
            'name = "a"\nspecies = = 1',
            "dataset.toml, row 2: is not valid TOML: Invalid value",
        ),
        ('name = "a"', "dataset.toml, key species: is missing; the Latin name, such as species = "),
        ('species = "a"', "dataset.toml, key name: is missing; give the dataset a short name or a title"),
        (
            'name = "My Brain!"\nspecies = "a"',
            "dataset.toml, key name: is 'My Brain!'; it must be 1 to 80 small letters, digits",
        ),
        (
            'name = "a"\nspecies = "a"\nvisibility = "secret"',
            "dataset.toml, key visibility: is 'secret'; it may be public or restricted",
        ),
        (
            'name = "a"\nspecies = "a"\nid = "42"',
            "dataset.toml, key id: is '42', which is no UUID; leave it out to have one made",
        ),
        (
            'name = "a"\nspecies = "a"\ndoi = "the paper"',
            "dataset.toml, key doi: is 'the paper'; a DOI looks like 10.1371/journal.pcbi.1001066",
        ),
        (
            'name = "a"\nspecies = "a"\ncitaton = "b"',
            "dataset.toml, key citaton: is not a key that is known; did you mean citation?",
        ),
        ('name = "a"\nspecies = 5', "dataset.toml, key species: is 5; it must be text"),
        (
            'name = "a"\nspecies = "a"\nlicence = "x"\nlicense = "y"',
            "dataset.toml, key license: says the same as another key (licence)",
        ),
        (
            'name = "a"\nspecies = "a"\n[units.synapse]\nx = "um"',
            "dataset.toml, key units: names the table 'synapse', which is not known; did you mean syn",
        ),
        (
            'name = "a"\nspecies = "a"\n[units]\nsoma_w = "um"',
            "dataset.toml, key units: names the column 'soma_w', which is not known; did you mean soma_",
        ),
        (
            'name = "a"\nspecies = "a"\n[units]\nsoma_x = 5',
            "dataset.toml, key units: gives soma_x the unit 5; it must be text",
        ),
        (
            'name = "a"\nspecies = "a"\nignore_columns = "x"',
            'dataset.toml, key ignore_columns: must be a list of names, such as ["my_notes"]',
        ),
    ],
)
def test_metadata_that_makes_no_sense(desk: Desk, metadata: str, finding: str) -> None:
    found = desk.refusal({**NEURONS, "dataset.toml": metadata})
    assert found[0].startswith(finding)


def test_metadata_as_json(desk: Desk) -> None:
    desk.fill(
        {**NEURONS, "dataset.json": '{"title": "My Brain", "species": "Mus musculus",\n "license": "CC0"}'}
    )
    (desk.folder / "dataset.toml").unlink()
    dataset = add_folder(desk.warehouse, desk.folder)
    assert (dataset.name, dataset.title, dataset.licence) == ("my_brain", "My Brain", "CC0")


@pytest.mark.slow
def test_json_that_is_none_and_a_second_file(desk: Desk) -> None:
    assert desk.refusal({**NEURONS, "metadata.json": "{}"}) == [
        "metadata.json: is a second metadata file beside dataset.toml; keep one"
    ]
    (desk.folder / "dataset.toml").rename(desk.folder / "keep.toml")
    (desk.folder / "metadata.json").write_text('{"name": "a",\n "species" "b"}')
    assert refused(desk, desk.folder)[0].startswith("metadata.json, row 2: is not valid JSON: Expecting ':'")
    (desk.folder / "metadata.json").write_text("[]")
    assert refused(desk, desk.folder) == ["metadata.json: must hold keys and values"]


def test_units_and_ignored_columns(desk: Desk) -> None:
    metadata = (
        'name="a"\nspecies="b"\nignore_columns=["Notes"]\n[units]\nsoma_x="voxel"\n[units.synapses]\nx="um"'
    )
    dataset = desk.add({"dataset.toml": metadata, "neurons.csv": "neuron_id,notes,soma_x\n1,n,2\n"})
    assert dict(dataset.tables["neurons"].units) == {"soma_x": "voxel"}
    assert dataset.tables["neurons"].columns == ("neuron_id", "species", "soma_x")


def test_findings_of_the_metadata_and_the_tables_come_together(desk: Desk) -> None:
    found = desk.refusal({"dataset.toml": 'name = "a"', "neurons.csv": "neuron_id\n1\n2\nx\n"})
    assert [finding.partition(",")[0] for finding in found] == ["dataset.toml", "neurons.csv"]


def test_the_format_is_described_with_every_column_and_rule() -> None:
    text = describe_format()
    assert "* pre_neuron_id" in text
    for table, columns in TABLES.items():
        part = text[text.index(f"\n{table}\n") :].partition("\n\n")[0]
        assert [column.name for column in columns[1:] if column.name not in part] == []
    for rule in (NAME_RULE, "from 1 to 1,000,000", "0 to 1", "nan and", "may have no rows"):
        assert rule in text
    assert len(text) < 12_000


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "edges.txt",
            "ends in .txt, which is not read; if it is text with commas or tabs, rename it to edges.csv",
        ),
        ("Edges.XLSX", "ends in .xlsx, which is not read; save it as edges.csv or edges.parquet"),
        (
            "synapses.csv.zip",
            "ends in .csv.zip, which is not read; save it as synapses.csv or synapses.parquet",
        ),
        ("connections", "has no ending; if it is text with commas or tabs, rename it to connections.csv"),
    ],
)
def test_a_table_under_an_ending_that_is_not_read(desk: Desk, name: str, told: str) -> None:
    assert desk.refusal({**NEURONS, name: "pre,post\n1,2\n"}) == [f"{name}: {told}"]


def test_notes_beside_a_table_are_passed_over(desk: Desk) -> None:
    files = {"neurons.txt": "where they come from", "neurons.png": "", "synapses.pdf": "", "notes.txt": ""}
    assert list(desk.add({**NEURONS, **files}).tables) == ["neurons"]


@pytest.mark.parametrize("name", ["a" * 81, "_a", "Ä", "a b"])
def test_names_that_break_the_rule(desk: Desk, name: str) -> None:
    found = desk.refusal({**NEURONS, "dataset.toml": f'name = "{name}"\nspecies = "a"'})
    assert NAME_RULE in found[0]


def test_names_that_keep_the_rule(desk: Desk) -> None:
    for name in ("a" * 80, "7_b-c.d"):
        assert desk.add({**NEURONS, "dataset.toml": f'name = "{name}"\nspecies = "a"'}).name == name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["it's", "a*b", "a?b", "a[1]", "größe; x"])
def test_a_folder_with_any_name(desk: Desk, name: str) -> None:
    decoy = desk.folder.parent / "a+b"
    decoy.mkdir()
    (decoy / "neurons.csv").write_text("neuron_id\n77\n")
    pair = decoy / "synapses.parquet"
    duckdb.sql("SELECT 1 AS pre, 2 AS post").write_parquet(str(pair))
    desk.folder = desk.folder.rename(desk.folder.parent / name)
    (desk.folder / "synapses.parquet").write_bytes(pair.read_bytes())
    desk.add(NEURONS)
    assert desk.rows("SELECT neuron_id FROM neurons ORDER BY 1") == [(1,), (2,)]
    assert desk.rows("SELECT pre_neuron_id FROM synapses") == [(1,)]


def test_progress_is_told_and_never_goes_back_within_a_stage(desk: Desk) -> None:
    told: list[tuple[str, float | None]] = []
    add_folder(desk.warehouse, desk.fill(NEURONS), progress=lambda stage, part: told.append((stage, part)))
    stages = list(dict.fromkeys(stage.partition(",")[0] for stage, _ in told))
    assert stages == [
        "looking at the files",
        "reading neurons.csv",
        "typing neurons.csv",
        "checking",
        "writing neurons",
        "counting connections",
    ]
    assert [stage for stage, part in told if part is None] == stages
    assert ("reading neurons.csv", 1.0) in told
    for name in {stage for stage, _ in told}:
        parts = [part for stage, part in told if stage == name and part is not None]
        assert parts == sorted(parts)


def test_a_full_disk_is_told_plainly(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise duckdb.IOException(f"IO Error: Could not write file {desk.folder}: No space left on device")

    monkeypatch.setattr(pipeline, "number_neurons", full)
    with pytest.raises(TransientError) as caught:
        add_folder(desk.warehouse, desk.fill(NEURONS))
    assert caught.value.message == "The dataset could not be written beside the warehouse; nothing was added."
    assert desk.warehouse.datasets() == []
    staging = desk.folder.parent / "warehouse" / "staging"
    assert [path for path in staging.iterdir() if path.name != ".lock"] == []
