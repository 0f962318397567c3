"""The job cell when something around it fails: its token, its service, its disk."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.live_service import Live, running_service
from tests.support.servers.small_disk import small_disk
from tests.support.servers.tcp_proxy import Line

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.notebook_page import Open

pytestmark = pytest.mark.browser

SLOW = "SELECT count(*) AS n FROM range(1000000000) a, range(1000000000) b WHERE (a.range * b.range) % 7 = 3"
MANY = "SELECT range + 720575940600000001 AS neuron_id, hash(range)::VARCHAR AS n FROM range(1000000)"


def connecting(url: str, token: str) -> str:
    return f"import os\n\nos.environ |= {{'SYNDB_URL': '{url}', 'SYNDB_TOKEN': '{token}'}}"


@contextmanager
def line_to(service: Live) -> Iterator[tuple[Line, str]]:
    """Reach a service as from another machine: a result is downloaded, not opened in place."""
    line = Line(int(service.url.rpartition(":")[2]))
    try:
        yield line, f"http://127.0.0.1:{line.port}"
    finally:
        line.close()


def test_a_token_that_expires_while_a_card_is_live(open_notebook: Open, tmp_path: Path) -> None:
    with running_service(tmp_path) as service, line_to(service) as (line, url):
        token = service.make_token("ada")
        notebook = open_notebook(f"%%syndb slow\n{SLOW}", before=connecting(url, token))
        notebook.finish(1)
        card = notebook.output(1).locator(".syndb-card")
        expect(card).to_have_attribute("data-status", "running")
        with closing(sqlite3.connect(service.data_dir / "jobs.sqlite")) as database, database:
            changed = database.execute("UPDATE tokens SET expires_at = 1577836800000000 WHERE user = 'ada'")
            assert changed.rowcount == 1
        expect(card.locator(".syndb-bar")).to_be_visible()
        line.cut()
        expect(notebook.output(1)).to_contain_text("this token expired on 2020-01-01")
        expect(card.locator(".syndb-bar")).to_be_hidden()
        assert "Traceback" not in notebook.output(1).inner_text()


def test_a_service_that_goes_away_in_a_download_and_comes_back(open_notebook: Open, tmp_path: Path) -> None:
    with running_service(tmp_path) as first, line_to(first) as (line, url):
        notebook = open_notebook(
            f"%%syndb many\n{MANY}",
            "print(many_frame['neuron_id'].max(), many_frame.height)",
            before=connecting(url, first.token),
        )
        notebook.finish(1)
        load = notebook.output(1).locator(".syndb-do-load")
        expect(load).to_have_text(re.compile(r"Load 1,000,000 rows · [\d.]+ MB"))
        line.delay_s = 0.05
        load.click()
        card = notebook.output(1).locator(".syndb-ended")
        expect(notebook.output(1)).to_contain_text(re.compile(r"[1-9][\d.]* MB of [\d.]+ MB"))
        first.process.kill()
        first.process.wait(timeout=120)
        port = first.url.rpartition(":")[2]
        with running_service(tmp_path, "--port", port):
            line.delay_s = 0.0
            expect(card).to_contain_text("loaded into many_frame (polars, 1,000,000 × 2)")
            notebook.finish(2)
            expect(notebook.output(2)).to_contain_text("720575940601000000 1000000")


def test_a_disk_that_fills_up_in_a_download(open_notebook: Open, tmp_path: Path) -> None:
    with (
        running_service(tmp_path) as service,
        line_to(service) as (_, url),
        small_disk(tmp_path / "small", 4) as disk,
    ):
        caching = f"\nos.environ['XDG_CACHE_HOME'] = '{disk.path}'"
        notebook = open_notebook(
            f"%%syndb many\n{MANY}",
            "many.to_polars()",
            before=connecting(url, service.token) + caching,
        )
        notebook.finish(1)
        load = notebook.output(1).locator(".syndb-do-load")
        load.click()
        expect(notebook.output(1)).to_contain_text("no space left for the result in")
        expect(load).to_be_enabled()
        error, rows = (
            notebook.output(1).locator(part).first.bounding_box() or {} for part in (".syndb-error", "table")
        )
        assert error["y"] + error["height"] <= rows["y"], "it covers the rows"
        notebook.finish(2)
        expect(notebook.output(2)).to_contain_text("Make room there and ask again")
        assert "Traceback" not in notebook.output(2).inner_text()
        assert not list(disk.path.rglob("*.part"))
