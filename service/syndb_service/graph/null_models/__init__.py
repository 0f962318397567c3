"""Null models: rewired graphs with the same degrees, and the measures that are compared with them.

These modules import the paths and the layers below.
"""
