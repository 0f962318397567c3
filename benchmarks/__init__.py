"""Benchmarks: the cost of jobs compared with the alternatives of a user, measured in the same run.

Each question is one file in ``questions/``; it is measured with real processes and sockets. ``roles/``
contains the programs of these processes: a notebook, clients, a bare Dramatiq worker. ``make bench`` runs all
questions and rewrites the tables of ``service/README.md``; ``make bench-quick`` runs all in about a minute,
only to check that they work.
"""
