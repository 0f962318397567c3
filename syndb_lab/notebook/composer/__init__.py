"""The composer: SQL with live checks, or a graph analysis by its form. ``lab.composer()`` opens it."""

from syndb_lab.notebook.composer.composer import Composer, in_this_notebook

__all__ = ["Composer", "in_this_notebook"]
