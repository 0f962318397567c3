"""``python -m syndb_lab.demo``: one query job and one graph job on the bundled connectome.

A top layer of the package: nothing imports it.
"""
