"""The composer: an editor for SQL with live checks and for graph analyses. ``lab.composer()`` opens it."""

from syndb_lab.notebook.composer.composer import Composer, in_this_notebook

__all__ = ["Composer", "in_this_notebook"]
