"""Child tasks: the typed input and output of a child process, one class for each kind.

A task crosses the channel as one JSON object, whose ``kind`` names its class. Both sides check it.

    parent: to_dict(QueryTask(...)) ──▶ TASK frame ──▶ child: from_dict(...) ──▶ DONE frame: TaskDone
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from syndb_service.domain.graph.analysis_options import AnalysisOptions
from syndb_service.domain.graph.selection import Selection
from syndb_service.domain.jobs import Format
from syndb_service.domain.message_codec import MalformedMessage, decode_message, encode_message


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLimits:
    """The limits of a child process; None is no limit.

    Parameters
    ----------
    memory_bytes : int
        Memory of the engine.
    address_space_bytes : int
        Address space of the process: memory, libraries, mapped files.
    threads : int
        Threads of the engine and of Arrow.
    cpu_s : int, optional
        Processor time of all threads, in seconds.
    temp_bytes : int, optional
        Size of temporary files.
    """

    memory_bytes: int
    address_space_bytes: int
    threads: int = 1
    cpu_s: int | None = None
    temp_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFiles:
    """The files of a task.

    Parameters
    ----------
    sources : mapping of str to tuple of str
        The files that it reads, by table, or by the id of the job whose result they are.
    temp_dir : str
        The directory that it writes to.
    data_dir : str
        The data directory of the service, whose path is removed from messages.
    """

    sources: Mapping[str, tuple[str, ...]]
    temp_dir: str
    data_dir: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """The citation of a dataset in a result."""

    id: str
    name: str
    title: str
    version: str
    species: str
    citation: str
    doi: str
    licence: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return encode_message(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencedResult:
    """The result of an earlier query job that a query reads."""

    format: Format
    sha256: str
    query: str | None
    created_at: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return encode_message(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryTask:
    """Run a query, and send its result.

    Parameters
    ----------
    sql : str
        The query, with a table name for each result that it reads.
    original_sql : str
        The query as its owner wrote it.
    datasets : tuple of Citation
        The datasets that it may read.
    results : mapping of str to ReferencedResult
        The results that it reads, by job id.
    reproducible : bool
        Whether the result file must be identical in each run.
    """

    kind: ClassVar = "query"

    job_id: str
    limits: TaskLimits
    files: TaskFiles
    created_at: str
    sql: str
    original_sql: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    format: Format
    max_query_bytes: int
    datasets: tuple[Citation, ...] = ()
    results: Mapping[str, ReferencedResult] = field(default_factory=dict)
    reproducible: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphTask:
    """Run a graph analysis, and send its answer.

    Parameters
    ----------
    options : AnalysisOptions
        The analysis and its options.
    size_is_known : bool
        Whether the graph is known to fit into memory; otherwise the child counts its connections first.
    datasets : tuple of Citation
        The dataset that is analysed, and the one that it is compared with, if any.
    """

    kind: ClassVar = "graph"

    job_id: str
    limits: TaskLimits
    files: TaskFiles
    created_at: str
    options: AnalysisOptions
    size_is_known: bool
    datasets: tuple[Citation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTask:
    """Check queries, one after the other: each is a :class:`CheckRequest`."""

    kind: ClassVar = "check"

    limits: TaskLimits
    max_query_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """Check one query.

    Parameters
    ----------
    sql, parameters : str, mapping
        The query and its values.
    result_schemas : mapping of str to str
        The columns of each result that it reads, by job id: a small Arrow file in base64.
    describe : bool
        Return Arrow's types of the columns and the summary of the query as well.
    format : str
        Format of the result file.
    """

    sql: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    result_schemas: Mapping[str, str] = field(default_factory=dict)
    describe: bool = False
    format: Format = "arrow"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTask:
    """Count the connections of a dataset under a selection, and answer with :class:`CountedSizes`."""

    kind: ClassVar = "count"

    limits: TaskLimits
    sources: Mapping[str, tuple[str, ...]]
    dataset_id: str
    selection: Selection


ChildTask = QueryTask | GraphTask | CheckTask | CountTask


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDone:
    """The last frame of a query or a graph task.

    Parameters
    ----------
    rows : int, optional
        Rows of a table.
    columns : tuple of tuple of str
        Name and type, and the engine's type if the type alone is ambiguous.
    dataset_ids : tuple of str
        The datasets that were read.
    """

    rows: int | None = None
    columns: tuple[tuple[str, ...], ...] = ()
    truncated: bool = False
    dataset_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedSizes:
    """The last frame of a count task: pairs (synapses, number of connections), most synapses first."""

    sizes: tuple[tuple[int, int], ...]


TASK_TYPES: Final[Mapping[str, type[ChildTask]]] = {
    task_type.kind: task_type for task_type in (QueryTask, GraphTask, CheckTask, CountTask)
}


def to_dict(task: ChildTask) -> dict[str, Any]:
    """Convert a task to JSON values, with its ``kind``.

    Raises
    ------
    MalformedMessage
        If a field holds a value that is not of its type.
    """
    return {"kind": task.kind, **encode_message(task)}


def from_dict(values: Mapping[str, Any]) -> ChildTask:
    """Convert the JSON values of :func:`to_dict` to a task.

    Raises
    ------
    MalformedMessage
        If there is no such kind of task, or a field is missing, unknown, or not of its type.

    Examples
    --------
    >>> task = CheckTask(limits=TaskLimits(memory_bytes=1, address_space_bytes=2), max_query_bytes=3)
    >>> from_dict(to_dict(task)) == task
    True
    >>> from_dict({"kind": "nonsense"})
    Traceback (most recent call last):
        ...
    syndb_service.domain.message_codec.MalformedMessage: 'nonsense' is no kind of child task, expected ...
    """
    kind, task_type = values.get("kind"), TASK_TYPES.get(str(values.get("kind")))
    if task_type is None:
        raise MalformedMessage(f"{kind!r:.100} is no kind of child task, expected {', '.join(TASK_TYPES)}")
    return decode_message(task_type, {name: value for name, value in values.items() if name != "kind"})
