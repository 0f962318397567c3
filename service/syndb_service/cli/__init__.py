"""The commands: up, down, api, worker, demo, token, dataset and group.

The top layer of the service: it imports everything below, and nothing imports it.
"""
