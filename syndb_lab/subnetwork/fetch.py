"""Fetching a sub-network: three query jobs, and nothing of the graph that is not shown."""

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
from syndb_lab.subnetwork.caption import MOST_CONNECTIONS, MOST_NEURONS
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

Ask = Callable[[Sequence[dict[str, Any]]], "list[pyarrow.Table]"]
MOST_HOPS: Final = 5
INT64: Final = 2**63
HIDDEN: Final = ("dataset_id", "neuron_id")
FIND: Final = """\
SELECT neuron_id::BIGINT AS id, name FROM neurons
WHERE dataset_id = $dataset AND (neuron_id IN (SELECT unnest($ids)) OR list_contains($names, name))
ORDER BY neuron_id"""
NEAREST: Final = """\
SELECT name FROM neurons WHERE dataset_id = $dataset AND name IS NOT NULL
    AND jaro_winkler_similarity(lower(name), lower($name)) > 0.7
GROUP BY name ORDER BY jaro_winkler_similarity(lower(name), lower($name)) DESC, name LIMIT 3"""


def validate_options(limit: Any, connections: Any, hops: Any, least: Any, seed: Any = 1) -> list[Any]:
    """Refuse what can't be drawn; return the numbers as plain ones, in their order.

    Examples
    --------
    >>> validate_options(5000, 800, None, None)
    Traceback (most recent call last):
    syndb_lab.errors.ParameterError: limit is 5000; it takes a number of neurons from 1 to 2,000
    More can't be told apart on a screen: take min_synapses or neurons, or all of it with job.to_networkx().
    """
    plain: list[Any] = []
    for name, value, low, most, what in (
        ("limit", limit, 1, MOST_NEURONS, "neurons"),
        ("connections", connections, 1, MOST_CONNECTIONS, "connections"),
        ("hops", hops, 0, MOST_HOPS, "steps"),
        ("min_synapses", least, 1, INT64 - 1, "synapses"),
        ("seed", seed, 0, INT64 - 1, ""),
    ):
        if value is None and name in ("hops", "min_synapses"):
            plain.append(None)
            continue
        asked = to_plain_integer(value)
        if asked is None or not low <= asked <= most:
            upto = f"from {low} to {most:,}" if most < INT64 - 1 else f"from {low} on"
            is_crowd = asked is not None and asked > most and name in ("limit", "connections")
            wanted = f"number of {what}" if what else "whole number"
            raise ParameterError(
                f"{name} is {format_value(value)}; it takes a {wanted} {upto}",
                hint="More can't be told apart on a screen: take min_synapses or neurons, "
                "or all of it with job.to_networkx()."
                if is_crowd
                else f"For example: {name}={low + 1}.",
            )
        plain.append(asked)
    return plain


def parse_neurons(neurons: Any) -> list[int | str]:
    """List the neurons that were given, by id or name: one, several, or a column of a frame.

    Examples
    --------
    >>> parse_neurons("AVAL"), parse_neurons([720575940600000001, "AVAR"])
    (['AVAL'], [720575940600000001, 'AVAR'])
    """
    if isinstance(neurons, dict):
        neurons = list(neurons)
    given = plain_value("neurons", neurons)
    wanted: list[int | str] = []
    for one in given if isinstance(given, list) else [given]:
        if isinstance(one, str):
            wanted.append(one)
            continue
        try:
            number = operator.index(one)
        except TypeError:
            number = INT64
        if isinstance(one, bool) or not -INT64 <= number < INT64:
            raise ParameterError(
                f"neurons holds {format_value(one)}, which is no neuron",
                hint="Give ids (whole numbers) or names.",
            )
        wanted.append(number)
    if not wanted:
        raise ParameterError("neurons is empty", hint="Give ids or names, or leave it out for the hubs.")
    return list(dict.fromkeys(wanted))


def resolve_neurons(ask: Ask, dataset_id: str | None, wanted: Sequence[int | str]) -> list[int]:
    """Find the ids of neurons by id or name; all of those that share a name."""
    numbers = [int(one) for one in wanted if isinstance(one, int) or is_id(one)]
    names = [one for one in wanted if isinstance(one, str)]
    if dataset_id is None:
        if strangers := [name for name in names if not is_id(name)]:
            raise ParameterError(
                f"nobody knows of which dataset this result is, so {format_value(strangers[0])} can't be "
                "found",
                hint="Give neurons by their ids.",
            )
        return numbers
    values = {"dataset": dataset_id, "ids": numbers, "names": names}
    (table,) = ask([{"query": FIND, "parameters": values}])
    known = {row["id"]: row["name"] for row in table.to_pylist()}
    for one in wanted:
        if (
            one in known
            or one in known.values()
            or (isinstance(one, str) and is_id(one) and int(one) in known)
        ):
            continue
        raise ParameterError(
            f"the dataset has no neuron {format_value(one)}", hint=suggest_names(ask, dataset_id, one)
        )
    return list(known)


def is_id(text: str) -> bool:
    """Whether a text is a number that a neuron may have."""
    return (
        text.removeprefix("-").isascii()
        and text.removeprefix("-").isdecimal()
        and -INT64 <= int(text) < INT64
    )


def suggest_names(ask: Ask, dataset_id: str, one: int | str) -> str:
    """Name the neurons whose names are most like one that is not there."""
    (table,) = ask([{"query": NEAREST, "parameters": {"dataset": dataset_id, "name": str(one)}}])
    names = table["name"].to_pylist()
    if isinstance(one, int) or not names:
        return "SELECT neuron_id, name FROM neurons lists them."
    return f"Did you mean {' or '.join(repr(name) for name in names)}?"


def fetch_from_analysis(
    ask: Ask,
    answer: Mapping[str, Any],
    wish: SubnetworkRequest,
    neurons: Any = None,
    least: int | None = None,
) -> Subnetwork:
    """Fetch a part of what a graph job analysed: around given neurons, or else around what it found.

    Parameters
    ----------
    ask : callable
        Runs query jobs, given their bodies; returns their tables.
    answer : mapping
        The graph job's answer.
    wish : Wish
        How much.
    neurons : int, str or a sequence of these, optional
        The centres; by default the path or the source that the job was about, or else the hubs.
    least : int, optional
        A higher least number of synapses than the job's.
    """
    dataset = answer["dataset"]
    source = analysis_source(dataset["id"], answer["filters"], least or 1)
    given, around = (
        (None, "the hubs")
        if neurons is None
        else (resolve_neurons(ask, dataset["id"], parse_neurons(neurons)), "")
    )
    if given is None:
        given, around = analysis_centers(answer)
    wish = replace(wish, given=None if given is None else tuple(given))
    stronger, counted = source.values["least"], WHOLE
    if stronger > int(answer["filters"].get("min_synapses") or 1):
        counted = f"from {stronger:,} synapses on"
    return fetch(ask, source, wish, around, dataset, least=stronger, counted=counted)


def analysis_centers(answer: Mapping[str, Any]) -> tuple[list[int] | None, str]:
    """Find the neurons that an analysis was about: a path, a source, or none in particular."""
    path = (answer.get("shortest_path") or {}).get("path")
    if path:
        return [int(neuron["neuron_id"]) for neuron in path], "the shortest path"
    source = (answer.get("reachability") or {}).get("source")
    if source:
        return [int(source["neuron_id"])], str(source["name"] or source["neuron_id"])
    return None, "the hubs"


def fetch_from_query(
    ask: Ask,
    record: Mapping[str, Any],
    datasets: Sequence[Mapping[str, Any]] | None,
    wish: SubnetworkRequest,
    neurons: Any = None,
    least: int | None = None,
) -> Subnetwork:
    """Fetch a part of the connections that a query job has listed.

    Parameters
    ----------
    ask, wish, neurons, least
        As of ``fetch_from_analysis``.
    record : mapping
        The query job's record; its result stays on the service.
    datasets : sequence of mappings or None
        Of which datasets the result is; None where nobody knows.
    """
    if record["result"]["format"] == "csv":
        raise ResultUnsuitable(
            "a CSV result has no types, so the service reads no graph out of it",
            hint='Submit the query again with format="arrow", or take job.to_networkx().',
        )
    types = {column["name"]: column["type"] for column in record["result"]["columns"]}
    source = result_source(record["job_id"], record["result"]["columns"], least)
    dataset = one_dataset(ask, record["job_id"], types, datasets)
    given = None
    if neurons is not None:
        given = tuple(resolve_neurons(ask, dataset.get("id"), parse_neurons(neurons)))
    around = "the hubs" if given is None else ""
    try:
        wish = replace(wish, given=given)
        counted = f"from {least:,} synapses on" if least else "in the whole result"
        return fetch(ask, source, wish, around, dataset, least=least or 1, counted=counted)
    except JobFailed as error:
        if (refused := refusal(error)) is None:
            raise
        raise refused from None


def one_dataset(
    ask: Ask, job_id: str, types: Mapping[str, str], datasets: Sequence[Mapping[str, Any]] | None
) -> Mapping[str, Any]:
    """Find the dataset that a result's neurons are of; several number their neurons on their own."""
    known = {str(one["id"]): one for one in datasets or ()}
    if DATASET in types:
        query = f"SELECT DISTINCT {DATASET}::VARCHAR AS id FROM {{{{{job_id}}}}} ORDER BY id LIMIT 10"  # noqa: S608
        (table,) = ask([{"query": query}])
        ids = [one for one in table["id"].to_pylist() if one]
    else:
        ids = list(known)
    if len(ids) > 1:
        several_datasets_error(ids, {one: str(known[one].get("name")) for one in ids if one in known})
    return known.get(ids[0], {"id": ids[0]}) if ids else {}


def fetch(
    ask: Ask,
    source: ConnectionSource,
    wish: SubnetworkRequest,
    around: str,
    dataset: Mapping[str, Any],
    *,
    least: float,
    counted: str,
) -> Subnetwork:
    """Fetch the chosen neurons, what runs among them, and what the dataset says of them."""
    (table,) = ask([neurons_query(source, wish)])
    chosen = table.to_pydict()
    if not table.num_rows or (wish.given is not None and chosen["hop"][0]):
        raise empty_error(wish)
    ids = chosen["id"]
    bodies = [connections_query(source, ids, wish)] + (
        [attributes_query(dataset["id"], ids)] if dataset else []
    )
    edges, *known = ask(bodies)
    place = {neuron: number for number, neuron in enumerate(ids)}
    lines = [
        Connection(place[row["pre"]], place[row["post"]], to_integer(row["n"]), row["junction"])
        for row in edges.to_pylist()
    ]
    for line in lines:
        if not math.isfinite(line.count):
            raise ResultUnsuitable(
                f"connection {ids[line.pre]} → {ids[line.post]} weighs {line.count}, which can't be drawn",
                hint="Leave such rows out in the query: WHERE isfinite(weight).",
            )
    centres = sum(1 for hop in chosen["hop"] if hop == 0)
    around = around or format_centers(ids[:centres], known)
    around = around.replace("the hubs", f"the {centres} hubs") if centres > 1 else around
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
        centres,
        counts,
        wish,
        around,
        least,
        dataset,
        caption_notes(wish, centres, counts, dataset),
        dict.fromkeys(SCORES, counted) | dict.fromkeys((PAGERANK, ROLE), SHOWN),
    )


def caption_notes(
    wish: SubnetworkRequest, centres: int, counts: Counts, dataset: Mapping[str, Any]
) -> list[str]:
    """Say what else a reader has to know."""
    told = []
    missing = len(wish.given or ()) - centres
    if missing > 0 and centres < wish.limit:
        told.append(f"{missing:,} of the neurons asked for are not in this graph")
    lonely = counts.neurons - counts.connected
    if lonely and counts.connected:
        told.append(f"{lonely:,} neuron{' has' if lonely == 1 else 's have'} no connection")
    if not dataset:
        told.append("the result does not say of which dataset it is: neurons are called by their ids")
    return told


def format_centers(centres: Sequence[int], known: Sequence[pyarrow.Table]) -> str:
    """Name the centres: up to three, or how many they are."""
    if len(centres) > 3:
        return f"{len(centres):,} given neurons"
    rows = known[0].select(["neuron_id", "name"]).to_pylist() if known else []
    names = {row["neuron_id"]: row["name"] for row in rows}
    return ", ".join(str(names.get(neuron) or neuron) for neuron in centres)


def neuron_columns(ids: Sequence[int], known: pyarrow.Table) -> dict[str, list[Any]]:
    """Put a dataset's columns in the order of the neurons; those that hold nothing are left out."""
    rows = {row["neuron_id"]: row for row in known.to_pylist()}
    columns = {
        name: [to_integer(rows.get(neuron, {}).get(name)) for neuron in ids]
        for name in known.column_names
        if name not in HIDDEN
    }
    return {
        name: values for name, values in columns.items() if any(value not in (None, "") for value in values)
    }


def empty_error(wish: SubnetworkRequest) -> ResultUnsuitable:
    """Say that there is nothing to show."""
    if wish.given is not None:
        return ResultUnsuitable(
            "none of these neurons is in this graph: its filters leave them out, or no row names them",
            hint="Leave out neurons to see the hubs.",
        )
    return ResultUnsuitable(
        "this graph is empty: it has no neuron", hint="Ask for another dataset, other filters or other rows."
    )


def to_integer(value: Any) -> Any:
    """Write a whole number without a fraction."""
    if hasattr(value, "as_integer_ratio") and not isinstance(value, int):
        number = float(value)
        return int(number) if number.is_integer() else number
    return value
