"""The connectomes that come with the package, against the figures of their papers."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from syndb_service.ingest.bundled import install_bundled
from syndb_service.warehouse import LocalWarehouse
from tests.support.processes import at_once

pytestmark = pytest.mark.slow

Desk = Any

SHARED = Path(__file__).parents[4] / "shared" / "data"


def test_varshney_has_the_figures_of_its_paper(desk: Desk) -> None:
    install_bundled(desk.warehouse)
    [dataset] = [each for each in desk.warehouse.datasets() if each.name == "celegans_varshney_2011"]
    assert dataset.id == "5ef66999-3c1e-5aa8-a230-f5aa22f3a1d8"
    assert dataset.species == "Caenorhabditis elegans"
    assert dataset.doi == "10.1371/journal.pcbi.1001066"
    assert dataset.tables["neurons"].rows == 279
    assert dataset.tables["synapses"].rows == 6394
    assert dataset.views["connections"] == 2194
    pairs = desk.rows(
        "SELECT count(DISTINCT least(pre_neuron_id, post_neuron_id) * 1000 "
        "+ greatest(pre_neuron_id, post_neuron_id)) "
        f"FROM neuron_relations WHERE dataset_id = '{dataset.id}' AND pre_neuron_id <> post_neuron_id"
    )
    assert pairs == [(514,)]


def test_white_has_the_cells_of_the_whole_animal(desk: Desk) -> None:
    install_bundled(desk.warehouse)
    [dataset] = [each for each in desk.warehouse.datasets() if each.name == "celegans_white_1986"]
    assert dataset.id == "f59f686b-4d9d-5e6a-b217-c53469b41620"
    assert dataset.doi == "10.1098/rstb.1986.0056"
    assert dataset.tables["neurons"].rows == 309
    assert dataset.views["connections"] == 2386
    assert dataset.tables["neuron_relations"].rows == 575


def test_the_two_are_one_measurement_where_they_overlap_and_say_so(desk: Desk) -> None:
    install_bundled(desk.warehouse)
    by_name = (
        "SELECT p.name, q.name, synapse_count FROM connections c "
        "JOIN neurons p ON p.dataset_id = c.dataset_id AND p.neuron_id = pre_neuron_id "
        "JOIN neurons q ON q.dataset_id = c.dataset_id AND q.neuron_id = post_neuron_id "
        "WHERE c.dataset_id = '{}'"
    )
    whole, somatic = (
        next(each for each in desk.warehouse.datasets() if each.name == name)
        for name in ("celegans_white_1986", "celegans_varshney_2011")
    )
    revised = set(desk.rows(by_name.format(somatic.id)))
    neurons = {name for pre, post, _ in revised for name in (pre, post)}
    shared = {row for row in desk.rows(by_name.format(whole.id)) if {*row[:2]} <= neurons}
    assert shared == revised
    assert "no independent measurements" in whole.description


@pytest.mark.parametrize(
    ("name", "told", "both_ways"),
    [
        ("celegans_varshney_2011", "listed in both directions", 514 * 2),
        ("celegans_white_1986", "listed once a pair, as in the source", 0),
    ],
)
def test_gap_junctions_are_listed_as_the_description_says(
    desk: Desk, name: str, told: str, both_ways: int
) -> None:
    install_bundled(desk.warehouse)
    [dataset] = [each for each in desk.warehouse.datasets() if each.name == name]
    assert told in dataset.description
    assert desk.rows(
        "SELECT count(*) FROM neuron_relations a JOIN neuron_relations b ON a.dataset_id = b.dataset_id "
        "AND a.pre_neuron_id = b.post_neuron_id AND a.post_neuron_id = b.pre_neuron_id "
        f"WHERE a.dataset_id = '{dataset.id}' AND a.pre_neuron_id <> a.post_neuron_id"
    ) == [(both_ways,)]


def test_installing_again_adds_nothing(desk: Desk) -> None:
    assert len(install_bundled(desk.warehouse)) == 2
    before = desk.tree()
    assert install_bundled(desk.warehouse) == []
    assert desk.tree() == before


def test_a_bundled_dataset_that_was_removed_comes_back(desk: Desk) -> None:
    first, _ = install_bundled(desk.warehouse)
    desk.warehouse.remove(first.id)
    assert [dataset.name for dataset in install_bundled(desk.warehouse)] == [first.name]


def test_two_processes_install_each_dataset_once(desk: Desk, tmp_path: Path) -> None:
    added = at_once(_install, str(tmp_path / "warehouse"), 2)
    assert sorted(name for names in added for name in names) == [
        "celegans_varshney_2011",
        "celegans_white_1986",
    ]
    assert len(desk.warehouse.datasets()) == 2


def _install(root: str) -> list[str]:
    return [dataset.name for dataset in install_bundled(LocalWarehouse(Path(root)))]


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="the CSV that the bundled data were converted from is not here"
)
@pytest.mark.parametrize("name", ["celegans_varshney_2011", "celegans_white_1986"])
def test_every_row_of_the_source_is_there(desk: Desk, name: str) -> None:
    install_bundled(desk.warehouse)
    with (SHARED / name / "connections.csv").open() as file:
        source = {
            (row["pre"], row["post"], row["kind"], int(row["synapses"])) for row in csv.DictReader(file)
        }
    named = (
        "JOIN neurons p ON (p.dataset_id, p.neuron_id) = (e.dataset_id, pre_neuron_id) "
        "JOIN neurons q ON (q.dataset_id, q.neuron_id) = (e.dataset_id, post_neuron_id) "
    )
    [dataset] = [each for each in desk.warehouse.datasets() if each.name == name]
    found = desk.rows(
        f"SELECT p.name, q.name, 'chemical', synapse_count FROM connections e {named} "
        f"WHERE e.dataset_id = '{dataset.id}' UNION ALL "
        f"SELECT p.name, q.name, 'electrical', weight::BIGINT FROM neuron_relations e {named} "
        f"WHERE e.dataset_id = '{dataset.id}'"
    )
    assert set(found) == source
    assert len(found) == len(source)
