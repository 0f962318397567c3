"""Statements and processes that try to break out, and the service with canaries that they try it on."""
