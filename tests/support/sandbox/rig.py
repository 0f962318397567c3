"""A real service with canaries around it: what no statement may read, change or reach."""

from __future__ import annotations

import hashlib
import io
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
from pyarrow import parquet

from tests.support.live_service import Jobs, Live, running_service

STATEMENTS = Path(__file__).parents[2] / "security"
CHANGING = re.compile(r"^(data/jobs\.sqlite.*|data/(results|tmp|warehouse/leases)(/.*)?|up\.log|xdg_.*)$")
"""What the service itself writes while it runs jobs."""
CATALOGUE = re.compile(r"create (or replace )?(temp )?view|read_parquet\(\[|hive_partitioning", re.IGNORECASE)


@dataclass(frozen=True)
class Canaries:
    """What must not come out: one for each place that it could come from."""

    file: str = field(default_factory=lambda: f"CANARY-FILE-{secrets.token_hex(8)}")
    row: str = field(default_factory=lambda: f"CANARY-ROW-{secrets.token_hex(8)}")
    environment: str = field(default_factory=lambda: f"CANARY-ENV-{secrets.token_hex(8)}")

    def in_text(self, text: str) -> list[str]:
        """Return those that a text holds."""
        return [one for one in (self.file, self.row, self.environment) if one in text]


@dataclass(frozen=True)
class Rig:
    """The service, its canaries, a listener on loopback, and the names that statements are written with."""

    live: Live
    jobs: Jobs
    canaries: Canaries
    folder: Path
    listener: socket.socket
    names: dict[str, str]

    def written(self, statement: str) -> str:
        """Put this rig's paths and addresses into a statement."""
        for name, value in self.names.items():
            statement = statement.replace(f"{{{name}}}", value)
        return statement

    def snapshot(self) -> dict[str, str]:
        """Return every file that must stay as it is, with its digest, and every folder."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            name = str(path.relative_to(self.folder))
            if not CHANGING.match(name):
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        return found

    def answer(self, statement: str, **fields: Any) -> tuple[httpx.Response, str]:
        """Submit a statement and follow it to its end; return the first answer and all that came out."""
        sql = self.written(statement)
        first = self.jobs.http.post("/v1/jobs", json={"query": sql, **fields})
        said = [first.text]
        if first.status_code == 202:
            said.append(self.jobs.http.post("/v1/jobs/validate", json={"query": sql, **fields}).text)
            job = self.jobs.until(first.json())
            said.append(str({key: value for key, value in job.items() if key != "query"}))
            if job["status"] == "completed":
                content = self.jobs.result(job).content
                said += [content.decode("latin-1"), _cells(content, job["format"])]
                said.append(self.jobs.http.get(f"/v1/jobs/{job['job_id']}/preview").content.decode("latin-1"))
        return first, "\n".join(said)

    def leaks(self, statement: str, said: str) -> list[str]:
        """Return what came out and should not have; what the statement itself names may be repeated."""
        sql = self.written(statement)
        found = self.canaries.in_text(said)
        if str(self.folder) in said.replace(sql, "") and str(self.folder) not in sql:
            found.append("a path of the service")
        if (view := CATALOGUE.search(said)) and view.group() not in sql:
            found.append(f"the catalogue: {view.group()}")
        return found

    def is_untouched(self) -> bool:
        """Tell whether nobody has connected to the listener."""
        try:
            self.listener.accept()
        except BlockingIOError:
            return True
        return False


def _cells(content: bytes, kind: str) -> str:
    """Return all that a result holds as text: in its file it may be compressed."""
    if kind == "csv":
        return content.decode()
    table = (
        parquet.read_table(io.BytesIO(content)) if kind == "parquet" else pa.ipc.open_file(content).read_all()
    )
    return "\n".join(str(column.to_pylist()) for column in table.columns) + str(table.schema)


@contextmanager
def rigged(folder: Path, **settings: str) -> Iterator[Rig]:
    """Start a service among canaries."""
    canaries = Canaries()
    secret = folder / "secret.txt"
    secret.write_text(canaries.file)
    dataset = folder / "hidden"
    dataset.mkdir()
    (dataset / "dataset.toml").write_text(
        'title = "Hidden"\nname = "hidden"\nspecies = "Mus musculus"\nvisibility = "restricted"\n'
    )
    (dataset / "neurons.csv").write_text(f"neuron_id,name\n1,{canaries.row}\n2,{canaries.row}\n")
    (dataset / "connections.csv").write_text("pre_neuron_id,post_neuron_id,synapse_count\n1,2,3\n")
    environment = {"AWS_SECRET_ACCESS_KEY": canaries.environment, "SYNDB_CANARY": canaries.environment}
    with (
        socket.socket() as listener,
        running_service(folder, **environment, **settings) as live,
        live.http() as http,
    ):
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        hidden = live.syndb_lab("dataset", "add", str(dataset))
        jobs = Jobs(http)
        warehouse = live.data_dir / "warehouse"
        names = {
            "OK": str(_file_of(warehouse, jobs.dataset_id("celegans_white_1986"))),
            "DIR": str(_file_of(warehouse, jobs.dataset_id("celegans_white_1986")).parent),
            "SEC": str(_file_of(warehouse, hidden)),
            "SECRET_ID": hidden,
            "TXT": str(secret),
            "TMP": str(live.data_dir / "tmp"),
            "ROOT": str(warehouse),
            "HTTP": f"http://127.0.0.1:{listener.getsockname()[1]}",
        }
        yield Rig(live, jobs, canaries, folder, listener, names)


def _file_of(warehouse: Path, dataset_id: str) -> Path:
    return next(path for path in sorted(warehouse.rglob("*.parquet")) if dataset_id in str(path))


def statements(file: str) -> list[tuple[str, str, str]]:
    """Read a file of statements: class, what must happen, and the statement."""
    found, group = [], ""
    for line in (STATEMENTS / file).read_text("utf-8").splitlines():
        if line.startswith("==="):
            group = line.removeprefix("===").strip()
        elif line[:2] in ("A ", "H ", "R ", "D "):
            found.append((group, line[0], line[2:]))
    return found
