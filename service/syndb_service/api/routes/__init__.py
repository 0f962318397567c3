"""The routes, one module for each resource. Only ``api.app`` imports them."""
