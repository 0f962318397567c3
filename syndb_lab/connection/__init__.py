"""``connect()`` and ``login()``: find a service, start one, or log in to one.

The entry points (``cli``, ``magics``, ``demo``) import it.
"""
