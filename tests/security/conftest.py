"""One service with canaries for all the statements."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.sandbox.rig import Rig, rigged


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Return a service whose jobs have little of everything."""
    limits = {
        "SYNDB_JOB_MEMORY_BYTES": str(256 * 1024**2),
        "SYNDB_JOB_TEMP_BYTES": str(64 * 1024**2),
        "JOB_MAX_RESULT_BYTES": str(32 * 1024**2),
        "SYNDB_LEASE_S": "60",
    }
    with rigged(tmp_path_factory.mktemp("rig"), **limits) as made:
        yield made
