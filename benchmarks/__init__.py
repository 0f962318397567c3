"""What jobs cost, beside what a user would pick instead, measured in the same run.

One file a question (``questions/``), each answered by whole processes over real sockets. ``roles/`` are the
programs that those processes run: a notebook, clients, a bare Dramatiq worker. ``make bench`` runs all and
rewrites the tables of ``service/README.md``; ``make bench-quick`` runs all in about a minute, for function.
"""
