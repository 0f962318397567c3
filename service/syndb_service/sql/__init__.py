"""SQL that users send: validated, summarized, planned and run in a locked DuckDB session.

``child`` imports it. ``jobs`` and ``worker`` import only its limits, which need no engine.
"""
