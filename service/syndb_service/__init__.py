"""The jobs service: SQL and graph jobs on connectomes (FastAPI over Dramatiq, DuckDB, Arrow)."""
