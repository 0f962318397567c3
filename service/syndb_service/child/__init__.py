"""What runs inside a child process: a query, a graph analysis, a check of SQL, a count of connections.

The fork server loads these modules by name; no other part of the service imports them. The engines are
loaded here, and never in the API.
"""
