"""HTTP: the wire's routes, schemas and authentication."""
