"""Write the conversion of each type to ``docs/types.md``, where a test compares it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.type_page import PATH, page

if __name__ == "__main__":
    PATH.write_text(page(), "utf-8")
    print(f"{PATH} written")
