"""How long a change of a job takes to reach the screen: ``make bench-card`` prints it.

A job's label is changed again and again while its card is live in a real JupyterLab. The clock starts when
the change is sent to the service, and stops when the browser has it in the page (on this machine's clock).
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.support.live_service import isolated_environment, running_service
from tests.support.notebook_page import NotebookPage, jupyter, launch, write_notebook

CHANGES = 50
SLOW = "SELECT count(*) AS n FROM range(1000000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3"
WATCH = """() => {
  window.seen = {};
  const title = document.querySelector('.syndb-title');
  const look = () => { window.seen[title.textContent] ??= Date.now(); };
  new MutationObserver(look).observe(title, {childList: true, characterData: true, subtree: true});
}"""


def main() -> None:
    """Measure, and print the figures in milliseconds."""
    folder = Path(tempfile.mkdtemp())
    with running_service(folder) as live, sync_playwright() as playwright:
        environment = isolated_environment(folder, SYNDB_URL=live.url, SYNDB_TOKEN=live.token)
        with jupyter(folder / "jupyter", environment) as server, live.http() as http:
            write_notebook(server, "latency.ipynb", ["%load_ext syndb_lab", f"%%syndb slow\n{SLOW}"])
            browser = launch(playwright)
            notebook = NotebookPage(browser.new_page(), server, "latency.ipynb")
            notebook.open()
            notebook.finish(0)
            notebook.finish(1)
            card = notebook.output(1).locator(".syndb-card")
            expect(card).to_have_attribute("data-status", "running")
            path = f"/v1/jobs/{card.get_attribute('data-job')}"
            notebook.page.evaluate(WATCH)
            sent = {}
            for number in range(CHANGES):
                label = f"change {number}"
                sent[label] = time.time() * 1000
                http.patch(path, json={"label": label}).raise_for_status()
                expect(card.locator(".syndb-title")).to_have_text(label)
                time.sleep(0.25)
            seen = notebook.page.evaluate("() => window.seen")
            http.delete(path)
            browser.close()
    took = sorted(seen[label] - sent[label] for label in sent)
    high = took[int(0.95 * len(took))]
    print(
        f"{len(took)} changes: median {statistics.median(took):.0f} ms, "
        f"95 % within {high:.0f} ms, longest {took[-1]:.0f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
