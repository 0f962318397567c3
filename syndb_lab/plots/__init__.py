"""Figures of graph answers, each on its own Axes or together on a page.

matplotlib, networkx and numpy load only when a figure is drawn. pyplot never loads, so a figure belongs to
the caller alone. ``Job`` and the notebook import this folder.
"""

from syndb_lab.plots.answer_figure import draw, draw_full

__all__ = ["draw", "draw_full"]
