"""Fetches a sub-network by three query jobs; the rest of the graph stays on the service."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from syndb_lab.conversion.plain_values import plain_value
from syndb_lab.conversion.sql_values import format_value, to_plain_integer
from syndb_lab.errors import JobFailed, ParameterError, ResultUnsuitable
from syndb_lab.results.graph_objects import DATASET, several_datasets_error
from syndb_lab.subnetwork.caption import MAX_CONNECTIONS, MAX_NEURONS
from syndb_lab.subnetwork.connection_list_sql import refusal, result_source
from syndb_lab.subnetwork.filter_sql import ConnectionSource, analysis_source
from syndb_lab.subnetwork.model import (
    PAGERANK,
    ROLE,
    SCORES,
    SHOWN,
    WHOLE,
    Connection,
    Counts,
    Subnetwork,
    pagerank,
)
from syndb_lab.subnetwork.neighborhood_sql import (
    SubnetworkRequest,
    attributes_query,
    connections_query,
    neurons_query,
)

if TYPE_CHECKING:
    import pyarrow

RunQueries = Callable[[Sequence[dict[str, Any]]], "list[pyarrow.Table]"]
MAX_HOPS: Final = 5
INT64: Final = 2**63
HIDDEN: Final = ("dataset_id", "neuron_id")
FIND: Final = """\
SELECT neuron_id::BIGINT AS id, name FROM neurons
WHERE dataset_id = $dataset AND (neuron_id IN (SELECT unnest($ids)) OR list_contains($names, name))
ORDER BY neuron_id"""
SIMILAR_NAMES: Final = """\
SELECT name FROM neurons WHERE dataset_id = $dataset AND name IS NOT NULL
    AND jaro_winkler_similarity(lower(name), lower($name)) > 0.7
GROUP BY name ORDER BY jaro_winkler_similarity(lower(name), lower($name)) DESC, name LIMIT 3"""


def validate_options(limit: Any, connections: Any, hops: Any, min_synapses: Any, seed: Any = 1) -> list[Any]:
    """Validate the options of a view, and return them as integers in their order.

    Examples
    --------
    >>> validate_options(5000, 800, None, None)
    Traceback (most recent call last):
    syndb_lab.errors.ParameterError: limit is 5000; it takes a number of neurons from 1 to 2,000
    A screen can't show more: use min_synapses or neurons, or get the whole graph with job.to_networkx().
    """
    plain: list[Any] = []
    for name, value, low, high, unit in (
        ("limit", limit, 1, MAX_NEURONS, "neurons"),
        ("connections", connections, 1, MAX_CONNECTIONS, "connections"),
        ("hops", hops, 0, MAX_HOPS, "steps"),
        ("min_synapses", min_synapses, 1, INT64 - 1, "synapses"),
        ("seed", seed, 0, INT64 - 1, ""),
    ):
        if value is None and name in ("hops", "min_synapses"):
            plain.append(None)
            continue
        number = to_plain_integer(value)
        if number is None or not low <= number <= high:
            allowed = f"from {low} to {high:,}" if high < INT64 - 1 else f"from {low} on"
            is_crowd = number is not None and number > high and name in ("limit", "connections")
            kind = f"number of {unit}" if unit else "whole number"
            raise ParameterError(
                f"{name} is {format_value(value)}; it takes a {kind} {allowed}",
                hint="A screen can't show more: use min_synapses or neurons, "
                "or get the whole graph with job.to_networkx()."
                if is_crowd
                else f"For example: {name}={low + 1}.",
            )
        plain.append(number)
    return plain


def parse_neurons(neurons: Any) -> list[int | str]:
    """List the neurons of an argument, as ids or names; it can be one, several, or a column of a data frame.

    Examples
    --------
    >>> parse_neurons("AVAL"), parse_neurons([720575940600000001, "AVAR"])
    (['AVAL'], [720575940600000001, 'AVAR'])
    """
    if isinstance(neurons, dict):
        neurons = list(neurons)
    values = plain_value("neurons", neurons)
    wanted: list[int | str] = []
    for neuron in values if isinstance(values, list) else [values]:
        if isinstance(neuron, str):
            wanted.append(neuron)
            continue
        try:
            number = operator.index(neuron)
        except TypeError:
            number = INT64
        if isinstance(neuron, bool) or not -INT64 <= number < INT64:
            raise ParameterError(
                f"neurons contains {format_value(neuron)}, which is neither an id nor a name",
                hint="Give ids (whole numbers) or names.",
            )
        wanted.append(number)
    if not wanted:
        raise ParameterError("neurons is empty", hint="Give ids or names, or leave it out for the hubs.")
    return list(dict.fromkeys(wanted))


def resolve_neurons(
    run_queries: RunQueries, dataset_id: str | None, wanted: Sequence[int | str]
) -> list[int]:
    """Find the ids of neurons by id or name; a name that several neurons share returns them all."""
    numbers = [int(neuron) for neuron in wanted if isinstance(neuron, int) or is_id(neuron)]
    names = [neuron for neuron in wanted if isinstance(neuron, str)]
    if dataset_id is None:
        if unknown := [name for name in names if not is_id(name)]:
            raise ParameterError(
                f"the dataset of this result is unknown, so {format_value(unknown[0])} can't be found",
                hint="Give neurons by their ids.",
            )
        return numbers
    values = {"dataset": dataset_id, "ids": numbers, "names": names}
    (table,) = run_queries([{"query": FIND, "parameters": values}])
    known = {row["id"]: row["name"] for row in table.to_pylist()}
    for neuron in wanted:
        if (
            neuron in known
            or neuron in known.values()
            or (isinstance(neuron, str) and is_id(neuron) and int(neuron) in known)
        ):
            continue
        raise ParameterError(
            f"the dataset has no neuron {format_value(neuron)}",
            hint=suggest_names(run_queries, dataset_id, neuron),
        )
    return list(known)


def is_id(text: str) -> bool:
    """Return whether a text is a possible neuron id."""
    return (
        text.removeprefix("-").isascii()
        and text.removeprefix("-").isdecimal()
        and -INT64 <= int(text) < INT64
    )


def suggest_names(run_queries: RunQueries, dataset_id: str, neuron: int | str) -> str:
    """Format a hint with the neurons whose names are most similar to an unknown one."""
    (table,) = run_queries(
        [{"query": SIMILAR_NAMES, "parameters": {"dataset": dataset_id, "name": str(neuron)}}]
    )
    names = table["name"].to_pylist()
    if isinstance(neuron, int) or not names:
        return "SELECT neuron_id, name FROM neurons lists them."
    return f"Did you mean {' or '.join(repr(name) for name in names)}?"


def fetch_from_analysis(
    run_queries: RunQueries,
    answer: Mapping[str, Any],
    request: SubnetworkRequest,
    neurons: Any = None,
    min_synapses: int | None = None,
) -> Subnetwork:
    """Fetch a part of what a graph job analysed, around some neurons or else around those of its answer.

    Parameters
    ----------
    run_queries : callable
        Runs query jobs by their bodies, and returns their tables.
    answer : mapping
        The graph job's answer.
    request : SubnetworkRequest
        Steps and limits; its centers are replaced.
    neurons : int, str or a sequence of these, optional
        The centers; by default the path or the source of the job, or else the hubs.
    min_synapses : int, optional
        Minimum number of synapses of a connection; the job's own is used if it is higher.
    """
    dataset = answer["dataset"]
    source = analysis_source(dataset["id"], answer["filters"], min_synapses or 1)
    if neurons is None:
        centers, center_label = analysis_centers(answer)
    else:
        centers, center_label = resolve_neurons(run_queries, dataset["id"], parse_neurons(neurons)), ""
    request = replace(request, centers=None if centers is None else tuple(centers))
    min_used, counted = source.values["min_synapses"], WHOLE
    if min_used > int(answer["filters"].get("min_synapses") or 1):
        counted = f"from {min_used:,} synapses on"
    return fetch(run_queries, source, request, center_label, dataset, min_synapses=min_used, counted=counted)


def analysis_centers(answer: Mapping[str, Any]) -> tuple[list[int] | None, str]:
    """Return the neurons that an analysis started from: a path, a source, or None for the hubs."""
    path = (answer.get("shortest_path") or {}).get("path")
    if path:
        return [int(neuron["neuron_id"]) for neuron in path], "the shortest path"
    source = (answer.get("reachability") or {}).get("source")
    if source:
        return [int(source["neuron_id"])], str(source["name"] or source["neuron_id"])
    return None, "the hubs"


def fetch_from_query(
    run_queries: RunQueries,
    record: Mapping[str, Any],
    datasets: Sequence[Mapping[str, Any]] | None,
    request: SubnetworkRequest,
    neurons: Any = None,
    min_synapses: int | None = None,
) -> Subnetwork:
    """Fetch a part of the connections in the result of a query job.

    Parameters
    ----------
    run_queries, request, neurons, min_synapses
        As in ``fetch_from_analysis``.
    record : mapping
        The query job's record. Its result stays on the service.
    datasets : sequence of mappings or None
        The datasets of the result; None if they are unknown.
    """
    if record["result"]["format"] == "csv":
        raise ResultUnsuitable(
            "a CSV result has no types, so the service reads no graph out of it",
            hint='Submit the query again with format="arrow", or take job.to_networkx().',
        )
    types = {column["name"]: column["type"] for column in record["result"]["columns"]}
    source = result_source(record["job_id"], record["result"]["columns"], min_synapses)
    dataset = one_dataset(run_queries, record["job_id"], types, datasets)
    centers = None
    if neurons is not None:
        centers = tuple(resolve_neurons(run_queries, dataset.get("id"), parse_neurons(neurons)))
    center_label = "the hubs" if centers is None else ""
    try:
        request = replace(request, centers=centers)
        counted = f"from {min_synapses:,} synapses on" if min_synapses else "in the whole result"
        return fetch(
            run_queries,
            source,
            request,
            center_label,
            dataset,
            min_synapses=min_synapses or 1,
            counted=counted,
        )
    except JobFailed as error:
        if (unsuitable := refusal(error)) is None:
            raise
        raise unsuitable from None


def one_dataset(
    run_queries: RunQueries,
    job_id: str,
    types: Mapping[str, str],
    datasets: Sequence[Mapping[str, Any]] | None,
) -> Mapping[str, Any]:
    """Return the dataset of a result; several are an error, because each has its own neuron ids."""
    known = {str(dataset["id"]): dataset for dataset in datasets or ()}
    if DATASET in types:
        query = f"SELECT DISTINCT {DATASET}::VARCHAR AS id FROM {{{{{job_id}}}}} ORDER BY id LIMIT 10"  # noqa: S608
        (table,) = run_queries([{"query": query}])
        ids = [dataset_id for dataset_id in table["id"].to_pylist() if dataset_id]
    else:
        ids = list(known)
    if len(ids) > 1:
        several_datasets_error(ids, {key: str(known[key].get("name")) for key in ids if key in known})
    return known.get(ids[0], {"id": ids[0]}) if ids else {}


def fetch(
    run_queries: RunQueries,
    source: ConnectionSource,
    request: SubnetworkRequest,
    center_label: str,
    dataset: Mapping[str, Any],
    *,
    min_synapses: float,
    counted: str,
) -> Subnetwork:
    """Fetch the chosen neurons, the connections among them, and their columns of the dataset."""
    (table,) = run_queries([neurons_query(source, request)])
    chosen = table.to_pydict()
    if not table.num_rows or (request.centers is not None and chosen["hop"][0]):
        raise empty_error(request)
    ids = chosen["id"]
    bodies = [connections_query(source, ids, request)] + (
        [attributes_query(dataset["id"], ids)] if dataset else []
    )
    edges, *known = run_queries(bodies)
    position = {neuron: row for row, neuron in enumerate(ids)}
    lines = [
        Connection(position[row["pre"]], position[row["post"]], to_integer(row["n"]), row["junction"])
        for row in edges.to_pylist()
    ]
    for line in lines:
        if not math.isfinite(line.count):
            raise ResultUnsuitable(
                f"connection {ids[line.pre]} → {ids[line.post]} weighs {line.count}, which can't be drawn",
                hint="Leave such rows out in the query: WHERE isfinite(weight).",
            )
    center_count = sum(1 for hop in chosen["hop"] if hop == 0)
    center_label = center_label or format_centers(ids[:center_count], known)
    if center_count > 1:
        center_label = center_label.replace("the hubs", f"the {center_count} hubs")
    columns = {
        **{name: [to_integer(value) for value in chosen[name]] for name in SCORES},
        PAGERANK: pagerank(len(ids), lines),
        ROLE: ["in the middle" if hop == 0 else "around" for hop in chosen["hop"]],
        **(neuron_columns(ids, known[0]) if known else {}),
    }
    first = {name: chosen[name][0] for name in ("neurons", "connected", "connections", "within", "too_weak")}
    counts = Counts(**first, among=edges["among"][0].as_py() if edges.num_rows else 0)
    return Subnetwork(
        ids,
        columns,
        lines,
        center_count,
        counts,
        request,
        center_label,
        min_synapses,
        dataset,
        caption_notes(request, center_count, counts, dataset),
        dict.fromkeys(SCORES, counted) | dict.fromkeys((PAGERANK, ROLE), SHOWN),
    )


def caption_notes(
    request: SubnetworkRequest, center_count: int, counts: Counts, dataset: Mapping[str, Any]
) -> list[str]:
    """List further notes for the reader."""
    notes = []
    missing = len(request.centers or ()) - center_count
    if missing > 0 and center_count < request.limit:
        notes.append(f"{missing:,} of the requested neurons are not in this graph")
    isolated = counts.neurons - counts.connected
    if isolated and counts.connected:
        notes.append(f"{isolated:,} neuron{' has' if isolated == 1 else 's have'} no connection")
    if not dataset:
        notes.append("the dataset of this result is unknown: neurons are labelled by their ids")
    return notes


def format_centers(centers: Sequence[int], known: Sequence[pyarrow.Table]) -> str:
    """Format the names of up to three centers, or else their number."""
    if len(centers) > 3:
        return f"{len(centers):,} given neurons"
    rows = known[0].select(["neuron_id", "name"]).to_pylist() if known else []
    names = {row["neuron_id"]: row["name"] for row in rows}
    return ", ".join(str(names.get(neuron) or neuron) for neuron in centers)


def neuron_columns(ids: Sequence[int], known: pyarrow.Table) -> dict[str, list[Any]]:
    """Return the dataset's columns in the order of the neurons, without empty columns."""
    rows = {row["neuron_id"]: row for row in known.to_pylist()}
    columns = {
        name: [to_integer(rows.get(neuron, {}).get(name)) for neuron in ids]
        for name in known.column_names
        if name not in HIDDEN
    }
    return {
        name: values for name, values in columns.items() if any(value not in (None, "") for value in values)
    }


def empty_error(request: SubnetworkRequest) -> ResultUnsuitable:
    """Build the error for a view without neurons."""
    if request.centers is not None:
        return ResultUnsuitable(
            "none of these neurons is in this graph: its filters leave them out, or no row names them",
            hint="Leave out neurons to see the hubs.",
        )
    return ResultUnsuitable(
        "this graph is empty: it has no neuron",
        hint="Ask for another dataset, other filters or other rows.",
    )


def to_integer(value: Any) -> Any:
    """Convert an integral number to int, another number to float; return other values unchanged."""
    if hasattr(value, "as_integer_ratio") and not isinstance(value, int):
        number = float(value)
        return int(number) if number.is_integer() else number
    return value
