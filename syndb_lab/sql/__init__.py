"""SQL before it is sent: ``:name`` parameters, ``{{job}}`` references, the row limit, the dry run.

``Lab``, the notebook and the entry points import it.
"""
