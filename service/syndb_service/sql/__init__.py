"""SQL that users send: validated, summarized, planned, and run in a locked DuckDB session.

``child`` imports it; ``jobs`` and ``worker`` import its limits alone, which need no engine.
"""
