"""What to do about an error: an action with its arguments, and which problem of the service leads to which.

Errors hold one, and every surface words it for itself. Everything may import this folder.
"""
