"""``%%syndb`` and ``%syndb``: the cell's first line, the commands, Tab completion.

A top layer of the package: only ``%load_ext syndb_lab`` loads it.
"""
