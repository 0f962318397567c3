"""Text for people: cut at a stated length, and harmless on a terminal.

Ground layer: everything may import it, and it imports nothing of the service.
"""
