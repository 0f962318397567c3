"""Attempts: claim a job, run it in a child process, monitor that, write the outcome. Sweeper and scrubber.

Only the container and the server processes import it.
"""
