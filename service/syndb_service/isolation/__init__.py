"""Child processes: the fork server that starts them, their channel and their OS sandbox.

``child`` and the layers from ``jobs`` upwards import it. It contains no SQL and no graph code. Nothing
is imported here, because the fork server is started with ``-m``.
"""
