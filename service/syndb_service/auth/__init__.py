"""The principal of a request, and the datasets and results that it may read.

``jobs``, ``worker`` and the container import it.
"""
