"""The connectome in memory, and its loader, which keeps to the graph budget.

All modules of ``graph`` above the kernels import it.
"""
