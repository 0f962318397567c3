"""A part of a graph: which neurons, the query jobs that fetch it, its connections and its caption.

``Job`` and the explorer import it; ``plots`` stands beside it.
"""
