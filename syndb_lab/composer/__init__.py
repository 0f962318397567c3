"""Writing a job in a notebook: SQL with live checks, or a graph analysis by its form."""

from syndb_lab.composer.composer import Composer, in_this_notebook

__all__ = ["Composer", "in_this_notebook"]
