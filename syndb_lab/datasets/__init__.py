"""The datasets of a service, their tables and columns.

``Lab``, the composer and the completion import it. It imports ``http``, ``display`` and what is below.
"""
