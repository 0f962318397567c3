"""What runs a job: child processes, the locked DuckDB and the graph analyses."""
