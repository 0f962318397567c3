"""Next steps after an error: actions with their arguments, and the steps for the service's problems.

An error holds a step, which is formatted for its audience. Everything may import this folder.
"""
