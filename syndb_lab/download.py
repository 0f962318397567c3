"""Results as files: fetched once, checked, kept by their checksum."""

from __future__ import annotations

import errno
import hashlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
import platformdirs

from syndb_lab.announcement import announced
from syndb_lab.errors import ResultDamaged, ResultExpired, ServiceUnavailable, SyndbError
from syndb_lab.transport import Transport

FRUITLESS_TRIES: Final = 8
PAUSE_S: Final = 0.5
KEPT_BYTES: Final = 10 << 30
Tell = Callable[[int], None]


class ResultCache:
    """A folder of result files, named by their SHA-256, readable by this user only.

    Parameters
    ----------
    folder : Path, optional
        Where the files are; the user's cache folder by default.
    kept_bytes : int
        The files read longest ago are removed above this total.
    """

    def __init__(self, folder: Path | None = None, *, kept_bytes: int = KEPT_BYTES) -> None:
        self.folder = folder or platformdirs.user_cache_path("syndb-lab") / "results"
        self.kept_bytes = kept_bytes

    def fetch(
        self,
        transport: Transport,
        job_id: str,
        result: dict[str, Any],
        tell: Tell | None = None,
        part: str | None = None,
    ) -> Path:
        """Give the file of a completed job, from the folder or else from the service.

        Parameters
        ----------
        transport : Transport
            The connection to the job's service.
        job_id : str
            The job.
        result : dict
            ``result`` of the job's record, or one of its ``parts``.
        tell : callable, optional
            Told how many bytes are here, while they come.
        part : str, optional
            The part's name.

        Returns
        -------
        Path
            A whole file with the recorded checksum.
        """
        address = f"/v1/jobs/{job_id}/result" + (f"?part={part}" if part else "")
        target = self.folder / f"{result['sha256']}.{result['format']}"
        try:
            if target.is_file():
                target.touch()
                return target
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if part is None and linked(transport, address, job_id, result, target):
                return target
            with partial(target) as file:
                download(transport, address, file, sha256=result["sha256"], tell=tell)
                file.replace(target)
        except OSError as error:
            raise unwritable(error, self.folder) from error
        self._prune(keep=target)
        return target

    def _prune(self, keep: Path) -> None:
        with suppress(OSError):
            files = sorted(self.folder.iterdir(), key=lambda file: file.stat().st_mtime)
            excess = sum(file.stat().st_size for file in files) - self.kept_bytes
            for file in files:
                if excess <= 0:
                    return
                if file != keep and file.suffix != ".part":
                    excess -= file.stat().st_size
                    file.unlink(missing_ok=True)


def linked(transport: Transport, address: str, job_id: str, result: dict[str, Any], target: Path) -> bool:
    """Open a result in place: give the file of this user's own service a second name; False if it isn't one.

    The service is asked for its head all the same: it says who may have it, and which checksum it has.
    """
    if result.get("parts"):
        return False
    places = [Path(service.results) for _, service in announced() if service.url == transport.url]
    for file in (file for place in places for file in (place / job_id).glob("[0-9]*")):
        if file.suffix or file.stat().st_size != result["bytes"]:
            continue
        if transport.etag(address) == result["sha256"]:
            with suppress(OSError):
                os.link(file, target)
                return True
    return False


def download(transport: Transport, path: str, target: Path, *, sha256: str, tell: Tell | None = None) -> None:
    """Stream a result into a file; after a break, go on from the last byte that arrived.

    Parameters
    ----------
    transport : Transport
        The connection to the service.
    path : str
        The result's address.
    target : Path
        The file to write; replaced if it is there.
    sha256 : str
        What the file must hash to.
    tell : callable, optional
        Told how many bytes are here, while they come.

    Raises
    ------
    ResultDamaged
        The bytes are not the ones the service recorded.
    """
    digest = hashlib.sha256()
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        reached, fruitless = 0, 0
        while True:
            try:
                append(transport, path, file.tell(), sha256, file, digest, tell or silent)
                break
            except (httpx.TransportError, ServiceUnavailable) as error:
                fruitless = 0 if file.tell() > reached else fruitless + 1
                reached = file.tell()
                if fruitless >= FRUITLESS_TRIES:
                    raise transport.unreachable(error) from None
                time.sleep(PAUSE_S * fruitless)
    if digest.hexdigest() != sha256:
        target.unlink(missing_ok=True)
        raise ResultDamaged(
            f"the downloaded result has the checksum {digest.hexdigest()[:12]}…, not {sha256[:12]}…",
            hint="Ask again; if it stays so, run the job again with job.rerun().",
        )


@contextmanager
def partial(target: Path) -> Iterator[Path]:
    """Name a file to write to before the real name is taken; it is gone afterwards."""
    part = target.with_suffix(f".{uuid.uuid4()}.part")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def append(
    transport: Transport, path: str, start: int, sha256: str, file: Any, digest: Any, tell: Tell
) -> None:
    """Write what the file still lacks."""
    rest = {"Range": f"bytes={start}-", "If-Range": f'"{sha256}"'} if start else {}
    with transport.stream(path, {"Accept-Encoding": "identity", **rest}) as response:
        if start and response.status_code != httpx.codes.PARTIAL_CONTENT:
            raise ResultExpired("the result was replaced during the download", hint="Ask for it again.")
        for chunk in response.iter_bytes():
            file.write(chunk)
            digest.update(chunk)
            tell(file.tell())


def silent(_: int) -> None:
    """Tell nobody."""


def unwritable(error: OSError, folder: Path) -> SyndbError:
    """Say that the result can't be written, and where it was to go."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return SyndbError(f"no space left for the result in {folder}", hint="Make room there and ask again.")
    return SyndbError(f"the result can't be written to {folder}: {error.strerror}")
