"""The service over HTTP: transport, tokens, events of jobs, and its errors as exceptions.

Everything above imports it; ``display`` is on the same layer.
"""
