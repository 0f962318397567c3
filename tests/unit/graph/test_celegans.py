"""The bundled connectomes give the figures of their papers, to the last digit."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import duckdb
import pytest

from syndb_service.domain.graph.analysis_options import read_options
from syndb_service.domain.table_schema import quote_text, view_sql
from syndb_service.graph import analyze as analyse_job

VARSHNEY_CENSUS = {
    "003": 3077866,
    "012": 409609,
    "102": 55878,
    "021D": 7118,
    "021U": 8478,
    "021C": 12279,
    "111D": 3134,
    "111U": 3200,
    "030T": 1453,
    "030C": 65,
    "201": 359,
    "120D": 385,
    "120U": 552,
    "120C": 180,
    "210": 175,
    "300": 48,
}
OPTIONS = {"min_synapses": 1, "max_edges": None, "top_hubs": 10, "seed": 0, "samples": 3}

Analyse = Callable[..., dict[str, Any]]


@pytest.fixture
def analyse() -> Analyse:
    def analysed(name: str, analysis: str = "full", **options: Any) -> dict[str, Any]:
        folder = files("syndb_service") / "bundled" / name
        con = duckdb.connect()
        for table in ("neurons", "synapses", "neuron_relations"):
            path = quote_text(str(folder / f"{table}.parquet"))
            con.execute(
                f"CREATE VIEW {table} AS {view_sql(table, [])} "
                f"UNION ALL BY NAME SELECT 'it' AS dataset_id, * FROM read_parquet({path})"
            )
        dataset = {"id": "it", "name": name}
        asked = read_options(analysis, OPTIONS | options)
        answer, _ = analyse_job(con, dataset, asked, lambda stage, fraction: None)
        return answer

    return analysed


def test_the_chemical_network_of_varshney_2011(analyse: Analyse) -> None:
    answer = analyse("celegans_varshney_2011")
    assert answer["neuron_count"] == 279
    assert answer["connection_count"] == 2194
    assert answer["synapse_count"] == 6394
    assert answer["weakly_connected_components"] == {"count": 1, "largest": 279}
    assert answer["strongly_connected_components"] == {"count": 42, "largest": 237}
    assert round(answer["mean_shortest_path"], 2) == 3.48
    assert answer["diameter"] == 10
    assert answer["paths"]["exact"]
    assert round(answer["reciprocity"], 4) == 0.2124
    assert answer["density"] == 2194 / (279 * 278)
    assert answer["triadic_census"] == VARSHNEY_CENSUS


def test_its_figures_to_the_last_digit(analyse: Analyse) -> None:
    """As NetworkX 3.6 computes them on the same graph."""
    answer = analyse("celegans_varshney_2011")
    assert answer["reciprocity"] == 466 / 2194
    assert answer["mean_shortest_path"] == 3.480208109847672
    assert answer["mean_clustering_coefficient"] == pytest.approx(0.21244232913418956, abs=1e-15)
    assert answer["mean_clustering_coefficient_undirected"] == pytest.approx(0.3203026999598746, abs=1e-15)


def test_its_hubs_are_the_command_interneurons_and_dva(analyse: Analyse) -> None:
    hubs = analyse("celegans_varshney_2011")["hubs"]
    assert [hub["name"] for hub in hubs[:2]] == ["AVAR", "AVAL"]
    assert {hub["name"] for hub in hubs} == {
        "AVAL", "AVAR", "AVBL", "AVBR", "AVDR", "AVEL", "AVER", "DVA", "PVCL", "PVCR",
    }  # fmt: skip
    assert hubs[0]["score"] == 98
    assert hubs[0]["cell_class"] == "interneuron"


def test_stronger_connections_alone(analyse: Analyse) -> None:
    answer = analyse("celegans_varshney_2011", min_synapses=3)
    below = answer["dropped"]["below_min_synapses"]
    assert answer["neuron_count"] == 279
    assert answer["connection_count"] + below["connections"] == 2194
    assert answer["synapse_count"] + below["synapses"] == 6394


def test_the_whole_animal_of_white_1986(analyse: Analyse) -> None:
    answer = analyse("celegans_white_1986")
    assert (answer["neuron_count"], answer["connection_count"]) == (309, 2386)
    assert sum(answer["triadic_census"].values()) == 309 * 308 * 307 // 6


def test_the_gap_junction_network_of_varshney_2011(analyse: Analyse) -> None:
    """Each junction is listed both ways; three self-junctions are dropped, once each."""
    answer = analyse("celegans_varshney_2011", "metrics", include="gap_junctions")
    assert answer["connection_count"] == 2 * 514
    assert answer["reciprocity"] == 1
    assert answer["dropped"]["self_connections"]["connections"] == 3
    assert answer["strongly_connected_components"]["largest"] == 248
    assert round(answer["mean_shortest_path"], 2) == 4.52


@pytest.mark.slow
def test_chemical_connections_and_gap_junctions_together(analyse: Analyse) -> None:
    chemical = analyse("celegans_varshney_2011", "hubs")
    gaps = analyse("celegans_varshney_2011", "hubs", include="gap_junctions")
    both = analyse("celegans_varshney_2011", "hubs", include="both")
    assert both["synapse_count"] == chemical["synapse_count"] + gaps["synapse_count"]
    assert both["connection_count"] <= chemical["connection_count"] + gaps["connection_count"]
