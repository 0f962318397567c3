"""A service with a restricted dataset, and the people around it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.live_service import Jobs, Live

SECRET_ID = "7f000000-0000-4000-8000-00000000000a"
SECRET_NAME = "unpublished_tract_2026"
SECRET_NEURON = "Xq7-unpublished"


def secret_folder(folder: Path, *metadata: str, name: str = SECRET_NAME, dataset_id: str = SECRET_ID) -> Path:
    """Write a small dataset that not everybody is to see."""
    folder.mkdir(parents=True)
    lines = [f'name = "{name}"', f'id = "{dataset_id}"', 'species = "Danio rerio"', *metadata]
    (folder / "dataset.toml").write_text("\n".join(lines))
    (folder / "edges.csv").write_text(
        f"pre_neuron_id,post_neuron_id,weight\n{SECRET_NEURON},Xq8,3\nXq8,Xq9,2\nXq9,{SECRET_NEURON},1\n"
    )
    return folder


@dataclass
class People:
    """The users of one service, each with a token of their own."""

    live: Live
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    def __call__(self, user: str) -> Jobs:
        """Return a user's jobs."""
        if user not in self.clients:
            self.clients[user] = self.live.http(self.live.make_token(user))
        return Jobs(self.clients[user])

    def close(self) -> None:
        """Close the connections."""
        for client in self.clients.values():
            client.close()


def refused_command(live: Live, *arguments: str) -> str:
    """Run a command that is to be refused; return what it says."""
    command = [sys.executable, "-m", "syndb_service", *arguments, "--data-dir", str(live.data_dir)]
    done = subprocess.run(command, env=live.environment, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr
