"""``job.table()``: a result of any length, paged, sorted and filtered by the kernel."""

from syndb_lab.notebook.table.result_table import ResultTable

__all__ = ["ResultTable"]
