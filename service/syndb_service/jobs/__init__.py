"""Operations of users on jobs: submit, get, list, cancel, and read the result.

The API and the container import it; it imports nothing of its siblings ``worker``, ``ingest`` and ``child``.
"""
