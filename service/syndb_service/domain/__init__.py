"""The domain: jobs, their status, datasets, requests, child tasks. It imports no framework and no engine.

All layers above may import it.
"""
