"""What a user does with jobs: submit, get, cancel, and read the result.

The API and the container import it. ``worker``, ``ingest`` and ``child`` stand beside it and never meet it.
"""
