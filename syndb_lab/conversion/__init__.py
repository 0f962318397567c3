"""Values on their way in and out: what Python users hold, what SQL and JSON take, what Arrow returns.

Everything from ``http`` upwards imports it. It loads pyarrow only for a value that is Arrow's.
"""
