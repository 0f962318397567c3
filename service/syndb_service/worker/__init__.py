"""How a job runs: claimed, given to a child process, monitored, and its outcome written.

Only the container imports it. Beside the attempts, the sweeper and the scrubber live here.
"""
