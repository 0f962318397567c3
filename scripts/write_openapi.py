"""Write the OpenAPI document of the routes to ``docs/openapi.json``, where a test compares it."""

from __future__ import annotations

import json
from pathlib import Path

from syndb_service.api.app import create_routed_app

PATH = Path(__file__).resolve().parents[1] / "docs" / "openapi.json"


def document() -> str:
    """Return the document in the form that is checked in."""
    return json.dumps(create_routed_app().openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(document())
    print(f"{PATH} written")
