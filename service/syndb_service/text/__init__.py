"""Text of users and datasets: truncated to a stated length, and safe to print on a terminal.

Ground layer: all layers may import it; it imports nothing of the service.
"""
