"""The processes: the embedded service, the API process, the worker process, and their supervisor.

Only the commands import this folder. Its modules are started with ``-m``, so nothing is imported here.
"""
