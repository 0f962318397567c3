"""The command ``syndb-lab``: its groups, its options, and how it writes a result.

A top layer of the package: nothing imports it.
"""
