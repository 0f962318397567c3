"""The table of ``job.table()``: a result of any length; the kernel pages, sorts and filters it."""

from syndb_lab.notebook.table.result_table import ResultTable

__all__ = ["ResultTable"]
