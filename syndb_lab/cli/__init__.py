"""The command ``syndb-lab``: its commands, its options, and its output.

A top layer of the package: nothing imports it.
"""
