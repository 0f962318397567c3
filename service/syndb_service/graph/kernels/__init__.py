"""C kernels for loops over millions of connections: ``bindings`` calls them, ``build`` compiles them.

The build of the package loads ``build.py`` as a single file, so nothing is imported here.
"""
