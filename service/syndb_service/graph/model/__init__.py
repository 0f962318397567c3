"""The connectome in memory, and how it is loaded within its budget.

Everything in ``graph`` above the kernels imports it.
"""
