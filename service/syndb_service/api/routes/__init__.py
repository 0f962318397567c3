"""The routes, one module a resource. Only ``api.app`` imports them."""
