"""Middleware: request log, security headers, and the size and type of bodies.

Only ``api.app`` imports it.
"""
