"""Who sends a request, and which datasets and results that user may read.

``jobs``, ``worker`` and the container import it.
"""
