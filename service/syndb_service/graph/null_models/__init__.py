"""Rewired graphs with the same degrees, and the measures that are compared with them.

They import the paths and everything below.
"""
