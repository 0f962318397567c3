"""The HTTP API: the application, its routes, schemas and middleware.

Only the processes in ``server`` import it. It imports no engine: SQL is checked in a child process.
"""
