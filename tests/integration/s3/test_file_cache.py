from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from syndb_service.errors import BadSetting, FatalError, TransientError
from syndb_service.warehouse.file_cache import FileCache, WantedFile
from tests.support.processes import ROOT, at_once
from tests.support.waiting import wait_until

SIZE = 1000


def content(number: int) -> bytes:
    return random.Random(number).randbytes(SIZE)


def wanted(number: int) -> WantedFile:
    digest = hashlib.sha256(content(number)).hexdigest()[:32]
    return WantedFile(f"tables/synapses/dataset_id={number:036}/{digest}.parquet", SIZE)


class Distant:
    """A distant warehouse that counts what it is asked for, and holds its answers back if told so."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.hold = threading.Event()
        self.hold.set()
        self.wrong: dict[int, list[bytes]] = {}

    def fetch(self, path: str) -> Generator[bytes, None, None]:
        number = int(path.split("dataset_id=")[1][:36])
        self.asked.append(number)
        assert self.hold.wait(120)
        data = self.wrong[number].pop(0) if self.wrong.get(number) else content(number)
        yield data[:300]
        yield data[300:]


@pytest.fixture
def distant() -> Distant:
    return Distant()


@pytest.fixture
def cache(distant: Distant, tmp_path: Path) -> FileCache:
    return FileCache(tmp_path / "cache", 3 * SIZE, distant.fetch, wait_s=0.2)


def files(tmp_path: Path) -> set[int]:
    found = (tmp_path / "cache" / "files").rglob("*.parquet")
    return {int(path.parent.name.removeprefix("dataset_id=")) for path in found}


def leftovers(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "cache" / "leases").iterdir() if path.is_dir()]


def use(cache: FileCache, *numbers: int) -> None:
    with cache.lease([wanted(number) for number in numbers]) as folder:
        for number in numbers:
            assert (folder / wanted(number).path).read_bytes() == content(number)


def test_a_file_is_brought_once(cache: FileCache, distant: Distant, tmp_path: Path) -> None:
    use(cache, 1, 2)
    use(cache, 2, 1)
    assert sorted(distant.asked) == [1, 2]
    assert files(tmp_path) == {1, 2}
    assert leftovers(tmp_path) == []


def test_nothing_is_wanted(cache: FileCache) -> None:
    with cache.lease([]) as folder:
        assert folder.is_dir()


def test_what_was_not_used_for_longest_goes(cache: FileCache, distant: Distant, tmp_path: Path) -> None:
    for number in (1, 2, 3, 1, 4):
        use(cache, number)
    assert files(tmp_path) == {1, 3, 4}
    assert distant.asked == [1, 2, 3, 4]


def test_what_a_job_reads_stays(cache: FileCache, tmp_path: Path) -> None:
    with cache.lease([wanted(1), wanted(2)]) as folder:
        for number in (3, 4, 5):
            use(cache, number)
        assert files(tmp_path) == {1, 2, 5}
        assert (folder / wanted(1).path).read_bytes() == content(1)
    use(cache, 6, 7)
    assert files(tmp_path) == {5, 6, 7} or len(files(tmp_path)) == 3


def test_running_jobs_that_fill_the_cache_are_waited_for(
    cache: FileCache, distant: Distant, tmp_path: Path
) -> None:
    patient = FileCache(tmp_path / "cache", 3 * SIZE, distant.fetch, wait_s=30)
    waited = threading.Event()
    with ExitStack() as stack:
        stack.enter_context(cache.lease([wanted(1), wanted(2), wanted(3)]))
        with pytest.raises(TransientError, match="fill this worker's cache") as caught:
            use(cache, 4)
        assert caught.value.error_code == "store_unavailable"
        thread = threading.Thread(target=use_and_tell, args=(patient, 4, waited))
        thread.start()
        assert waited.wait(120)
        assert distant.asked.count(4) == 0
    thread.join()
    assert distant.asked.count(4) == 1
    assert 4 in files(tmp_path)


def use_and_tell(cache: FileCache, number: int, waited: threading.Event) -> None:
    with cache.lease([wanted(number)], lambda come, total: waited.set()):
        pass


def test_a_refused_lease_keeps_nothing(cache: FileCache, tmp_path: Path) -> None:
    use(cache, 1)
    with cache.lease([wanted(2), wanted(3)]):
        with pytest.raises(TransientError):
            use(cache, 1, 4)
        use(cache, 5)
        assert files(tmp_path) == {2, 3, 5}


def test_what_never_fits_is_refused_with_its_size(cache: FileCache, distant: Distant) -> None:
    with pytest.raises(
        FatalError, match=r"reads 4,000 bytes of Parquet; a worker's cache holds 3,000"
    ) as caught:
        use(cache, 1, 2, 3, 4)
    assert caught.value.error_code == "cache_too_small"
    assert "SYNDB_CACHE_BYTES" in str(caught.value.hint)
    assert distant.asked == []


@pytest.mark.parametrize("damage", [b"x" * SIZE, content(1)[:-1], content(1) + b"x", b""])
def test_a_damaged_file(cache: FileCache, distant: Distant, tmp_path: Path, damage: bytes) -> None:
    distant.wrong[1] = [damage, damage]
    with pytest.raises(FatalError, match="is damaged") as caught:
        use(cache, 1)
    assert caught.value.error_code == "dataset_damaged"
    assert files(tmp_path) == set()
    assert leftovers(tmp_path) == []
    use(cache, 1)


def test_a_transfer_that_was_damaged_once(cache: FileCache, distant: Distant) -> None:
    distant.wrong[1] = [content(2)]
    use(cache, 1)
    assert distant.asked == [1, 1]


def test_a_cached_file_of_the_wrong_size_is_brought_again(
    cache: FileCache, distant: Distant, tmp_path: Path
) -> None:
    use(cache, 1)
    (tmp_path / "cache" / "files" / wanted(1).path).write_bytes(b"")
    use(cache, 1)
    assert distant.asked == [1, 1]


def test_the_store_fails(cache: FileCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(path: str) -> Generator[bytes, None, None]:
        yield content(1)[:10]
        raise TransientError("the warehouse does not answer")

    monkeypatch.setattr(cache, "_fetch", away)
    with pytest.raises(TransientError, match="does not answer"):
        use(cache, 1, 2)
    assert files(tmp_path) == set()
    assert leftovers(tmp_path) == []


def test_progress_is_told_and_may_end_the_lease(cache: FileCache, distant: Distant, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with cache.lease([wanted(1), wanted(2)], lambda come, total: told.append((come, total))):
        assert told[-1] == (2 * SIZE, 2 * SIZE)

    def cancelled(come: int, total: int) -> None:
        raise KeyboardInterrupt

    distant.hold.clear()
    with pytest.raises(KeyboardInterrupt), cache.lease([wanted(3)], cancelled):
        pass
    distant.hold.set()
    assert leftovers(tmp_path) == []
    use(cache, 3)


def test_another_lease_that_brings_the_file_is_waited_for(cache: FileCache, distant: Distant) -> None:
    distant.hold.clear()
    waited = threading.Event()
    first = threading.Thread(target=use, args=(cache, 1))
    first.start()
    wait_until(lambda: distant.asked == [1])
    second = threading.Thread(target=use_and_tell, args=(cache, 1, waited))
    second.start()
    assert waited.wait(120)
    distant.hold.set()
    first.join()
    second.join()
    assert distant.asked == [1]


def test_room_is_reserved_before_anything_comes(cache: FileCache, distant: Distant) -> None:
    distant.hold.clear()
    first = threading.Thread(target=use, args=(cache, 1, 2))
    first.start()
    wait_until(lambda: len(distant.asked) == 2)
    with pytest.raises(TransientError, match="fill this worker's cache"):
        use(cache, 3, 4)
    assert sorted(distant.asked) == [1, 2]
    distant.hold.set()
    first.join()


def test_a_folder_that_can_not_be_a_cache(tmp_path: Path, distant: Distant) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadSetting, match="can't be used"):
        FileCache(tmp_path / "file" / "cache", SIZE, distant.fetch).writable()
    FileCache(tmp_path / "new" / "cache", SIZE, distant.fetch).writable()


def slow_fetch(log: Path) -> Callable[[str], Generator[bytes, None, None]]:
    def fetch(path: str) -> Generator[bytes, None, None]:
        with log.open("a") as file:
            file.write(f"{path}\n")
        time.sleep(0.02)
        yield content(int(path.split("dataset_id=")[1][:36]))

    return fetch


def _use_at_random(folder: str) -> dict[str, Any]:
    cache = FileCache(Path(folder) / "cache", 5 * SIZE, slow_fetch(Path(folder) / "log"), wait_s=60)
    order = random.Random(os.getpid())
    most = 0
    for _ in range(30):
        use(cache, *order.sample(range(8), 2))
        here = [
            Path(place, name)
            for place, _, names in os.walk(Path(folder) / "cache" / "files")
            for name in names
            if name.endswith(".parquet")
        ]
        most = max(most, len(here))
    return {"most": most}


def test_processes_share_a_cache_that_stays_within_its_bound(tmp_path: Path) -> None:
    outcomes = at_once(_use_at_random, str(tmp_path), 4)
    assert all(each["most"] <= 5 for each in outcomes)
    assert len(files(tmp_path)) <= 5
    assert leftovers(tmp_path) == []


def _use_the_same(folder: str) -> int:
    use(FileCache(Path(folder) / "cache", 9 * SIZE, slow_fetch(Path(folder) / "log")), *range(8))
    return 1


def test_processes_bring_a_file_once(tmp_path: Path) -> None:
    assert at_once(_use_the_same, str(tmp_path), 4) == [1] * 4
    fetched = (tmp_path / "log").read_text().split("\n")[:-1]
    assert len(fetched) == len(set(fetched)) == 8


HOLDER = """
import json, sys, time
from pathlib import Path
from tests.integration.s3.test_file_cache import slow_fetch, wanted, FileCache, SIZE
folder = Path(sys.argv[1])
cache = FileCache(folder / "cache", 3 * SIZE, slow_fetch(folder / "log"))
with cache.lease([wanted(1), wanted(2)]):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_killed_process_holds_nothing(
    cache: FileCache, holder: subprocess.Popen[str], tmp_path: Path
) -> None:
    with pytest.raises(TransientError):
        use(cache, 3, 4)
    assert files(tmp_path) == {1, 2}
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert len(leftovers(tmp_path)) == 1
    use(cache, 3, 4)
    assert len(files(tmp_path)) == 3
    assert leftovers(tmp_path) == []


def test_the_index_is_the_folder_itself(cache: FileCache, tmp_path: Path) -> None:
    use(cache, 1)
    names = {path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    assert names == {".lock", Path(wanted(1).path).name}
    assert json.dumps(sorted(names))
