"""Any edge list comes out as it went in: every id exact, every synapse counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

Desk = Any

IDS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(720575940600000000, 720575940600000009))
NAMES = st.text(st.characters(exclude_categories=["C"], codec="utf-8"), min_size=1, max_size=8).filter(
    lambda name: name == name.strip() and not name.lstrip("+-").isdecimal()
)
COUNTS = st.integers(1, 40)
SETTINGS = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def written(edges: dict[tuple[Any, Any], int]) -> str:
    quoted = [(f'"{str(pre).replace(chr(34), chr(34) * 2)}"', post, n) for (pre, post), n in edges.items()]
    rows = [f'{pre},"{str(post).replace(chr(34), chr(34) * 2)}",{n}' for pre, post, n in quoted]
    return "\n".join(["pre,post,synapses", *rows, ""])


@SETTINGS
@given(edges=st.dictionaries(st.tuples(IDS, IDS), COUNTS, min_size=1, max_size=30))
def test_edges_by_id(new_desk: Callable[[], Desk], edges: dict[tuple[int, int], int]) -> None:
    desk = new_desk()
    dataset = desk.add({"connections.csv": written(edges)})
    found = desk.rows("SELECT pre_neuron_id, post_neuron_id, synapse_count FROM connections")
    assert {(pre, post): n for pre, post, n in found} == edges
    assert dataset.tables["synapses"].rows == sum(edges.values())
    assert dataset.views["connections"] == len(edges)
    assert desk.rows("SELECT neuron_id FROM neurons ORDER BY 1") == [
        (neuron,) for neuron in sorted({end for pair in edges for end in pair})
    ]


@SETTINGS
@given(edges=st.dictionaries(st.tuples(NAMES, NAMES), COUNTS, min_size=1, max_size=30))
def test_edges_by_name(new_desk: Callable[[], Desk], edges: dict[tuple[str, str], int]) -> None:
    desk = new_desk()
    desk.add({"connections.csv": written(edges)})
    found = desk.rows(
        "SELECT p.name, q.name, synapse_count FROM connections "
        "JOIN neurons p ON p.neuron_id = pre_neuron_id JOIN neurons q ON q.neuron_id = post_neuron_id"
    )
    assert {(pre, post): n for pre, post, n in found} == edges
    names = sorted({end for pair in edges for end in pair})
    assert desk.rows("SELECT neuron_id, name FROM neurons ORDER BY 1") == list(enumerate(names, 1))
