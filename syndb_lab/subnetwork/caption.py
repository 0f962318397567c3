"""The caption of a sub-network: how much of the graph it shows, and which options show other parts."""

from __future__ import annotations

from typing import Final

from syndb_lab.subnetwork.model import Subnetwork

MAX_NEURONS: Final = 2_000
MAX_CONNECTIONS: Final = 20_000


def caption(part: Subnetwork) -> str:
    r"""Format the caption: the neurons and connections shown, and how many there are.

    Examples
    --------
    >>> from syndb_lab.subnetwork.neighborhood_sql import SubnetworkRequest
    >>> from syndb_lab.subnetwork.model import Counts, Connection
    >>> counts = Counts(neurons=279, connected=279, connections=2194, within=205, among=9)
    >>> part = Subnetwork([1, 2], {}, [Connection(0, 1, 7)], 1, counts, SubnetworkRequest(limit=2), "the hub")
    >>> print(caption(part).replace(" · ", "\n"))
    2 of 279 neurons: the hub, and the most strongly connected to it
    the strongest 1 of 9 connections among them
    """
    return f"{neurons_shown(part)} · {connections_shown(part)}"


def neurons_shown(part: Subnetwork) -> str:
    """Format which neurons are shown."""
    shown, every = len(part.ids), part.counts.neurons
    if shown == every:
        return "the only neuron" if shown == 1 else f"all {shown:,} neurons"
    if not part.counts.connections and part.request.centers is None:
        return f"{shown:,} of {every:,} neurons, none of which has a connection"
    text = f"{shown:,} of {every:,} neuron{'' if every == 1 else 's'}: {part.center_label}"
    if part.counts.within > shown:
        if shown <= part.center_count:
            return f"{text}, as far as the limit goes"
        return f"{text}, and the most strongly connected to {'it' if part.center_count == 1 else 'them'}"
    if part.request.hops == 0 or shown == part.center_count:
        return text
    if part.request.hops is None:
        return f"{text}, and all others that have a connection"
    return f"{text}, and all within {part.request.hops} step{'s' if part.request.hops > 1 else ''}"


def connections_shown(part: Subnetwork) -> str:
    """Format which connections are shown."""
    drawn, among = len(part.lines), part.counts.among
    weak = f" of at least {part.min_synapses:,} synapses" if part.min_synapses > 1 else ""
    if not among:
        return f"no connection{weak}" + ("" if len(part.ids) == 1 else " among them")
    if drawn < among:
        return f"the strongest {drawn:,} of {among:,} connections{weak} among them"
    return f"{'the one connection' if among == 1 else f'all {among:,} connections'}{weak} among them"


def advice(part: Subnetwork) -> list[str]:
    """List the options that show other neurons or connections; empty if everything is shown.

    Examples
    --------
    >>> from syndb_lab.subnetwork.neighborhood_sql import SubnetworkRequest
    >>> from syndb_lab.subnetwork.model import Counts, Connection
    >>> counts = Counts(neurons=279, connected=279, connections=2194, within=279, among=0, too_weak=6)
    >>> for line in advice(Subnetwork([1, 2], {}, [], 1, counts, SubnetworkRequest(limit=2))):
    ...     print(line)
    277 more neurons pass: limit=279 shows them all
    min_synapses=7 leaves 2 neurons or fewer with a connection
    neurons=['…'], hops=1 shows what is around a neuron
    """
    shown, counts = len(part.ids), part.counts
    options = []
    if counts.within > shown:
        enough = counts.within <= MAX_NEURONS
        more = f"limit={counts.within} shows them all" if enough else f"limit={MAX_NEURONS} is the maximum"
        options.append(f"{counts.within - shown:,} more neurons pass: {more}")
        if 0 < counts.too_weak < float("inf") and counts.too_weak >= part.min_synapses:
            options.append(
                f"min_synapses={int(counts.too_weak) + 1} leaves {part.request.limit:,} neurons or fewer "
                "with a connection"
            )
        effect = "hops=1 shows only" if part.request.centers and part.request.hops != 1 else "hops=1 shows"
        if not (part.request.centers and part.request.hops == 1):
            options.append(f"neurons=['…'], {effect} what is around a neuron")
    if counts.among > len(part.lines):
        enough = counts.among <= MAX_CONNECTIONS
        more = (
            f"connections={counts.among} draws them all" if enough else f"{MAX_CONNECTIONS:,} is the maximum"
        )
        options.append(f"{counts.among - len(part.lines):,} weaker connections are not drawn: {more}")
    return options
