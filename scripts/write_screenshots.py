"""Take the README's screenshots of a notebook in JupyterLab, with Debian's Chromium.

    python scripts/write_screenshots.py [NAME …]

NAME is one of ``PICTURES``, all of them if none is given; ``docs/images/NAME.png`` is written.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from syndb_lab.connection.local_service import temporary_service  # noqa: E402
from tests.support.live_service import isolated_environment  # noqa: E402
from tests.support.notebook_page import NotebookPage, Server, jupyter, launch, write_notebook  # noqa: E402

IMAGES = ROOT / "docs" / "images"
WIDTH, SHARPNESS, COLOURS = 980, 2, 256
BEGIN = """\
%load_ext syndb_lab
import syndb_lab

lab = syndb_lab.connect()
celegans = lab.datasets().named("celegans_varshney_2011").id"""
BOOTSTRAP = """\
WITH numbered AS (
  SELECT row_number() OVER () - 1 AS place, synapse_count
  FROM connections WHERE dataset_id = :celegans
), draws AS (
  SELECT draw // 2194 AS resample, floor(random() * 2194)::BIGINT AS place
  FROM range(400000 * 2194) AS all_draws(draw)
)
SELECT resample, avg(synapse_count) AS mean_strength
FROM draws JOIN numbered USING (place) GROUP BY resample"""


@dataclass(frozen=True)
class Picture:
    """A cell to run, and the condition for its screenshot.

    Parameters
    ----------
    cell : str
        The cell, after one that connects.
    until : str
        The CSS selector that the output must match before the screenshot.
    shift_enter : bool
        Whether to press Shift-Enter in the editor of the output when its SQL is valid.
    """

    cell: str
    until: str
    shift_enter: bool = False


PICTURES = {
    "card": Picture(
        f'%%syndb bootstrap --label "mean strength, bootstrapped"\n{BOOTSTRAP}',
        '.syndb-facts:text-matches("[2-6][0-9] %")',
    ),
    "graph": Picture('lab.graph("celegans_varshney_2011").plot()', "img"),
    "composer": Picture(
        "composer = lab.composer(bootstrap)",
        '.syndb-facts:text-matches("[2-6][0-9] %")',
        shift_enter=True,
    ),
}


def main(names: Sequence[str]) -> None:
    """Take the named screenshots."""
    with (
        tempfile.TemporaryDirectory() as folder,
        temporary_service(Path(folder) / "data") as service,
        sync_playwright() as playwright,
    ):
        environment = isolated_environment(Path(folder), SYNDB_URL=service.url, SYNDB_TOKEN=service.token())
        with jupyter(Path(folder) / "jupyter", environment) as server:
            browser = launch(playwright)
            for name in names:
                path = IMAGES / f"{name}.png"
                path.write_bytes(reduce_colors(take_screenshot(browser, server, name)))
                print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")
            browser.close()


def take_screenshot(browser: Browser, server: Server, name: str) -> bytes:
    """Run the cell of a picture; return the screenshot as PNG."""
    picture = PICTURES[name]
    size = {"width": WIDTH, "height": 1500}
    page = browser.new_context(viewport=size, device_scale_factor=SHARPNESS).new_page()
    write_notebook(server, f"{name}.ipynb", [f'{BEGIN}\nbootstrap = """{BOOTSTRAP}"""', picture.cell])
    notebook = NotebookPage(page, server, f"{name}.ipynb", place="doc/tree")
    notebook.open()
    notebook.finish(0)
    notebook.run(1)
    if picture.shift_enter:
        expect(notebook.output(1).locator(".syndb-verdict[data-state=valid]")).to_be_visible()
        editor = notebook.output(1).locator(".cm-content")
        editor.click()
        editor.press("Shift+Enter")
    expect(notebook.output(1).locator(picture.until).first).to_be_visible()
    page.wait_for_timeout(400)  # animations end
    take_screenshot = notebook.cell(1).screenshot()
    page.context.close()
    return take_screenshot


def reduce_colors(picture: bytes) -> bytes:
    """Convert an image to a palette, which loads in a third of the time."""
    written = io.BytesIO()
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return written.getvalue()


if __name__ == "__main__":
    main(sys.argv[1:] or list(PICTURES))
