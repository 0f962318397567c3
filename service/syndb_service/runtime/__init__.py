"""Machine resources of every process: background threads, temporary folders, disk space.

Ground layer: all layers may import it; it imports only the errors.
"""
