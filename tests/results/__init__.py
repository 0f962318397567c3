"""Every value of a result, held against DuckDB run directly on the same SQL, by each way that leads to it."""
