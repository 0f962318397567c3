"""The pure part: jobs, their status, datasets and requests. It imports no framework and no engine.

Everything above may import it.
"""
