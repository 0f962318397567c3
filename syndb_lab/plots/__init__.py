"""Figures of graph answers, each on its own Axes or together on a page.

matplotlib, networkx and numpy load only when a figure is drawn. pyplot never loads, so a figure belongs to
the caller alone. ``Job`` and the notebook import this folder.
"""

from __future__ import annotations

from syndb_lab.plots.adjacency_matrix import draw_adjacency
from syndb_lab.plots.answer_figure import draw, draw_full
from syndb_lab.plots.curves import draw_reachability, draw_rich_club
from syndb_lab.plots.degree_distribution import draw_degrees
from syndb_lab.plots.hub_subnetwork import draw_subnetwork
from syndb_lab.plots.motifs import draw_motifs, draw_significance

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
