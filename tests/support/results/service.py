"""A service whose results are in a folder or in S3."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from syndb_lab.lab import Lab
from tests.support.live_service import Live
from tests.support.servers.store_proxy import StoreProxy


@dataclass(frozen=True)
class Place:
    """A service, and where its results lie."""

    name: str
    live: Live
    lab: Lab
    http: httpx.Client
    store: StoreProxy | None = None
