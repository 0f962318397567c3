"""Drawings of graph answers, each on an Axes of one's own or together as a figure.

matplotlib, networkx and numpy load when something is drawn, not before, and pyplot never: a figure here
is an object that belongs to its caller and to no global state.
"""

from __future__ import annotations

from syndb_lab.drawing.adjacency import draw_adjacency
from syndb_lab.drawing.curves import draw_reachability, draw_rich_club
from syndb_lab.drawing.degrees import draw_degrees
from syndb_lab.drawing.figure import draw, draw_full
from syndb_lab.drawing.motifs import draw_motifs, draw_significance
from syndb_lab.drawing.subnetwork import draw_subnetwork

__all__ = [
    "draw",
    "draw_adjacency",
    "draw_degrees",
    "draw_full",
    "draw_motifs",
    "draw_reachability",
    "draw_rich_club",
    "draw_significance",
    "draw_subnetwork",
]
