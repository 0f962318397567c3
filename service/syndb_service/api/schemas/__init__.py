"""The request and response bodies as pydantic models. Their names are part of ``docs/openapi.json``.

Everything in ``api`` may import them; they import no route and no middleware.
"""
