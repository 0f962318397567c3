"""The loops over millions of connections, in C: ``bindings`` calls them, ``build`` compiles them.

The build of the package loads ``build.py`` as a file of its own, so nothing is imported here.
"""
