"""The analysis context: intermediate results that several analyses share, computed once."""

from __future__ import annotations

import difflib
import re
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from syndb_service.domain.graph.analysis_options import CommunitiesOptions, GraphOptions
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
    """A graph, the options of the job, and the results computed so far.

    Parameters
    ----------
    connectome : Connectome
        The graph.
    options : GraphOptions
        The options of the job.
    stages : StageProgress
        Reports the stages.
    threads : int
        Maximum number of threads.
    con : duckdb.DuckDBPyConnection, optional
        For analyses that read more of the dataset.
    dataset_id : str
        The id of the dataset.

    Examples
    --------
    >>> from syndb_service.domain.graph.analysis_options import HubsOptions
    >>> from syndb_service.graph.model.connectome import connectome_from_edges
    >>> stages = StageProgress(lambda name, fraction: None, {})
    >>> context = AnalysisContext(connectome_from_edges(3, [(0, 1), (1, 0)]), HubsOptions(), stages)
    >>> context.strong.largest, context.find_neuron("1")
    (2, 1)
    """

    def __init__(
        self,
        connectome: Connectome,
        options: GraphOptions,
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
        self.thread_pool = ThreadPool(threads, stages.within)

    @cached_property
    def degrees(self) -> Degrees:
        """Partners and synapses of every neuron."""
        return count_degrees(self.connectome)

    @cached_property
    def weak(self) -> Components:
        """Weakly connected components."""
        return find_components(self.connectome, "weak")

    @cached_property
    def strong(self) -> Components:
        """Strongly connected components."""
        return find_components(self.connectome, "strong")

    @cached_property
    def triangles(self) -> Triangles:
        """The triangles; computed in the stage "triadic census"."""
        self.stages.begin("triadic census")
        return enumerate_triangles(self.connectome, self.thread_pool)

    @cached_property
    def communities(self) -> Communities:
        """The communities; computed in the stage "communities"."""
        self.stages.begin("communities")
        asked = self.options if isinstance(self.options, CommunitiesOptions) else CommunitiesOptions
        return find_communities(self.connectome, asked.resolution, self.options.seed)

    def count_affordable_samples(self, max_samples: int) -> int:
        """Return the number of rewired graphs that takes seconds, from 2 to ``max_samples``."""
        return int(np.clip(_SWITCHED // max(self.connectome.connection_count, 1), 2, max_samples))

    def find_neuron(self, wanted: str | int) -> int:
        """Return the position of a neuron, given by id (number) or by id or name (text).

        Raises
        ------
        UnknownNeuron
            If no neuron of the graph, or more than one, matches.
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
        positions = np.flatnonzero(graph.names == wanted)
        if by_id is not None:
            if len(positions) and set(positions.tolist()) != {by_id}:
                raise UnknownNeuron(
                    f"{wanted!r} is the id of one neuron of the graph and the name of another",
                    hint=f"Write {wanted} for the id, as a number; or give the other one's id, "
                    f"{graph.neuron_ids[next(position for position in positions if position != by_id)]}.",
                )
            return by_id
        if len(positions) == 1:
            return int(positions[0])
        if len(positions):
            ids = ", ".join(map(str, graph.neuron_ids[positions[:5]]))
            raise UnknownNeuron(
                f"{len(positions):,} neurons of the graph are called {wanted!r}", hint=f"Give an id: {ids}."
            )
        raise UnknownNeuron(f"the graph has no neuron {wanted!r}", hint=_suggest_names(wanted, graph.names))

    def _with_id(self, wanted: str | int) -> int | None:
        graph = self.connectome
        if not re.fullmatch(r"-?[0-9]{1,19}", str(wanted)) or abs(int(wanted)) >= 2**63:
            return None
        position = int(np.searchsorted(graph.neuron_ids, int(wanted)))
        found = position < graph.neuron_count and graph.neuron_ids[position] == int(wanted)
        return position if found else None


_LISTED = "SELECT neuron_id, name FROM neurons lists them."
_SWITCHED = 5_500_000  # connections rewired in about six seconds on two processors


def _suggest_names(wanted: str, names: Labels) -> str:
    known = {name.casefold(): name for name in names.tolist()[:20_000] if name is not None}
    near = [known[name] for name in difflib.get_close_matches(wanted.casefold(), known, 3)]
    if near:
        return f"Did you mean {' or '.join(repr(name) for name in near)}?"
    return f"Give the name or the neuron_id of a neuron that the filters leave in; {_LISTED}"
