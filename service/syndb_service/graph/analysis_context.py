"""One graph under study: what several analyses need is found once, and every stage is told."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from syndb_service.domain.graph.selection import Selection
from syndb_service.graph.errors import UnknownNeuron
from syndb_service.graph.kernels.thread_pool import ThreadPool
from syndb_service.graph.measures.communities import Communities, find_communities
from syndb_service.graph.measures.degrees import Degrees, count_degrees
from syndb_service.graph.measures.triangles import Triangles, enumerate_triangles
from syndb_service.graph.model.connectome import Connectome, Labels
from syndb_service.graph.paths.components import Components, find_components
from syndb_service.graph.progress import StageProgress

if TYPE_CHECKING:
    import duckdb


class AnalysisContext:
    """A graph, the options of the job, and what has been found so far.

    Parameters
    ----------
    connectome : Connectome
        The graph.
    options : mapping
        Of the job.
    stages : Stages
        Is told which stage begins.
    threads : int
        How many may work at a time.
    con : duckdb.DuckDBPyConnection, optional
        For analyses that read more of the dataset.
    dataset_id : str
        Which dataset it is.

    Examples
    --------
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> stages = StageProgress(lambda name, fraction: None, {})
    >>> context = AnalysisContext(connectome_from_edges(3, [(0, 1), (1, 0)]), {}, stages)
    >>> context.strong.largest, context.find_neuron("1")
    (2, 1)
    """

    def __init__(
        self,
        connectome: Connectome,
        options: Mapping[str, Any],
        stages: StageProgress,
        threads: int = 1,
        con: duckdb.DuckDBPyConnection | None = None,
        dataset_id: str = "",
    ) -> None:
        self.connectome = connectome
        self.options = options
        self.stages = stages
        self.con = con
        self.dataset_id = dataset_id
        self.crew = ThreadPool(threads, stages.within)

    @cached_property
    def selection(self) -> Selection:
        """The filters of the job."""
        return Selection.of(self.options)

    @cached_property
    def degrees(self) -> Degrees:
        """Partners and synapses of every neuron."""
        return count_degrees(self.connectome)

    @cached_property
    def weak(self) -> Components:
        """Components, direction ignored."""
        return find_components(self.connectome, "weak")

    @cached_property
    def strong(self) -> Components:
        """Components, direction heeded."""
        return find_components(self.connectome, "strong")

    @cached_property
    def triangles(self) -> Triangles:
        """Every triangle; this is the stage of the census."""
        self.stages.begin("triadic census")
        return enumerate_triangles(self.connectome, self.crew)

    @cached_property
    def communities(self) -> Communities:
        """The division into communities; this is a stage of its own."""
        self.stages.begin("communities")
        return find_communities(self.connectome, self.options.get("resolution", 1.0), self.options["seed"])

    def sample_count(self, most: int) -> int:
        """Return how many rewired graphs to draw: as asked, or as some seconds allow, up to ``most``."""
        asked: int | None = self.options.get("samples")
        if asked is not None:
            return asked
        return int(np.clip(_SWITCHED // max(self.connectome.connection_count, 1), 2, most))

    def find_neuron(self, wanted: str | int) -> int:
        """Return the position of a neuron: a number is its id, a text its id or its name.

        Raises
        ------
        UnknownNeuron
            If no neuron of the graph, or more than one, is called so.
        """
        graph = self.connectome
        by_id = self._with_id(wanted)
        if isinstance(wanted, int):
            if by_id is not None:
                return by_id
            raise UnknownNeuron(
                f"the graph has no neuron of the id {wanted}",
                hint=f'Numbers are ids; write "{wanted}" where it is a name. {_LISTED}',
            )
        places = np.flatnonzero(graph.names == wanted)
        if by_id is not None:
            if len(places) and set(places.tolist()) != {by_id}:
                raise UnknownNeuron(
                    f"{wanted!r} is the id of one neuron of the graph and the name of another",
                    hint=f"Write {wanted} for the id, as a number; or give the other one's id, "
                    f"{graph.neuron_ids[next(place for place in places if place != by_id)]}.",
                )
            return by_id
        if len(places) == 1:
            return int(places[0])
        if len(places):
            ids = ", ".join(str(each) for each in graph.neuron_ids[places[:5]])
            raise UnknownNeuron(
                f"{len(places):,} neurons of the graph are called {wanted!r}", hint=f"Give an id: {ids}."
            )
        raise UnknownNeuron(f"the graph has no neuron {wanted!r}", hint=_suggest_names(wanted, graph.names))

    def _with_id(self, wanted: str | int) -> int | None:
        graph = self.connectome
        if not re.fullmatch(r"-?[0-9]{1,19}", str(wanted)) or abs(int(wanted)) >= 2**63:
            return None
        place = int(np.searchsorted(graph.neuron_ids, int(wanted)))
        found = place < graph.neuron_count and graph.neuron_ids[place] == int(wanted)
        return place if found else None


_LISTED = "SELECT neuron_id, name FROM neurons lists them."
_SWITCHED = 5_500_000  # connections that are rewired in about six seconds of two processors


def _suggest_names(wanted: str, names: Labels) -> str:
    known = {name.casefold(): name for name in names.tolist()[:20_000] if name is not None}
    near = [known[name] for name in difflib.get_close_matches(wanted.casefold(), known, 3)]
    if near:
        return f"Did you mean {' or '.join(repr(name) for name in near)}?"
    return f"Give the name or the neuron_id of a neuron that the filters leave in; {_LISTED}"
