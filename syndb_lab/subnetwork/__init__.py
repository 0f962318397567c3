"""A part of a graph: its neurons and connections, the query jobs that fetch it, and its caption.

``Job`` and the explorer import this folder; it does not import ``plots``.
"""
