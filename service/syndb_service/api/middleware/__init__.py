"""What every request passes before its route: log, security headers, size and type of its body.

Only ``api.app`` imports it.
"""
