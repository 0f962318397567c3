"""Conversion of values between Python and its data libraries, SQL, JSON and Arrow.

Everything from ``http`` upwards imports it. It loads pyarrow only for a value that is Arrow's.
"""
