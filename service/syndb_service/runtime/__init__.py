"""What every process needs of its machine: background threads, temporary folders, room on the disk.

Ground layer: everything may import it, and it imports only the errors.
"""
