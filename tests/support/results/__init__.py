"""Random results, DuckDB's own values of them, and every way to fetch them."""
