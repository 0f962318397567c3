"""A result to look at, whatever its length: paged, sorted and filtered by the kernel."""

from syndb_lab.grid.table import ResultTable

__all__ = ["ResultTable"]
