"""The tasks that run in a child process: a query, a graph analysis, a check of SQL, a count of connections.

The fork server loads these modules by name; no other module of the service imports them. Only child
processes load the engines, never the API.
"""
