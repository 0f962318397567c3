"""Child processes: the fork server that starts them, their channel, and the OS sandbox around them.

``child`` and everything from ``jobs`` upwards import it. It knows nothing of SQL or of graphs. Nothing is
imported here: the fork server is started with ``-m``.
"""
