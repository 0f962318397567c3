"""The folder of fetched results: checked at each read, kept below its limit, written by several at once."""

import fcntl
import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import polars as pl
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from syndb_lab import SyndbError
from syndb_lab.http.transport import Transport
from syndb_lab.notebook.table import ResultTable
from syndb_lab.notebook.table.row_view import RowView, ViewSpec
from syndb_lab.results import cache_directory, data_frames, download
from syndb_lab.results.cache import ResultCache
from tests.support.lab_fakes import JOB_ID, Answer, result_info
from tests.support.servers.small_disk import small_disk

Pretend = Callable[[Answer], Transport]
CONTENT = os.urandom(300_000)


class Served:
    """Gives whole files by their job's id, and counts how often it was asked for one."""

    def __init__(self, pretend: Pretend, *contents: bytes) -> None:
        self.asked = 0
        self._contents = contents
        self._pretend = pretend

    def fetch(self, cache: ResultCache, content: bytes, **record: object) -> Path:
        def answer(_: httpx.Request) -> httpx.Response:
            self.asked += 1
            return httpx.Response(200, content=content)

        return cache.fetch(self._pretend(answer), JOB_ID, result_info(content), record=record)


def whole_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix not in {".check", ".part"})


def damage(file: Path, how: str) -> None:
    """Do to a file what may happen to it; its times are put back where that can be done."""
    state = file.stat()
    file.chmod(0o600)
    content = file.read_bytes()
    if how == "a bit":
        file.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    elif how == "cut":
        file.write_bytes(content[:-1])
    elif how == "longer":
        file.write_bytes(content + b"x")
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "replaced":
        file.unlink()
        file.write_bytes(os.urandom(len(content)))
    file.chmod(0o400)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))


@pytest.mark.parametrize("how", ["a bit", "cut", "longer", "empty", "replaced"])
def test_a_file_that_was_changed_is_noticed_told_and_fetched_again(
    tmp_path: Path, pretend: Pretend, how: str
) -> None:
    served = Served(pretend)
    cache = ResultCache(tmp_path)
    file = served.fetch(cache, CONTENT)
    damage(file, how)
    with pytest.warns(UserWarning, match="changed after it was fetched"):
        again = served.fetch(cache, CONTENT)
    assert (again, again.read_bytes() == CONTENT, served.asked) == (file, True, 2)
    assert served.fetch(cache, CONTENT).read_bytes() == CONTENT
    assert served.asked == 2


def test_a_file_whose_state_alone_changed_is_kept(tmp_path: Path, pretend: Pretend) -> None:
    served, cache = Served(pretend), ResultCache(tmp_path)
    file = served.fetch(cache, CONTENT)
    os.utime(file)
    assert served.fetch(cache, CONTENT) == file
    (tmp_path / f"{file.name}.check").write_text('{"checked_at": "x"}\nnonsense')
    assert served.fetch(cache, CONTENT) == file
    assert served.asked == 1


def test_looking_at_a_file_does_not_read_it(
    tmp_path: Path, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, cache = Served(pretend), ResultCache(tmp_path)
    hashed: list[Path] = []

    def digest_of(file: Path) -> str:
        hashed.append(file)
        return download.digest_of(file)

    monkeypatch.setattr(cache_directory, "digest_of", digest_of)
    for _ in range(3):
        file = served.fetch(cache, CONTENT)
    assert hashed == []
    monkeypatch.setattr(cache_directory, "RECHECK_S", 0)
    served.fetch(cache, CONTENT)
    assert hashed == [file], "once a week it is hashed again"


def test_a_file_with_a_second_name_is_none_of_ours(tmp_path: Path, pretend: Pretend) -> None:
    served, cache = Served(pretend), ResultCache(tmp_path / "cache")
    file = served.fetch(cache, CONTENT)
    os.link(file, tmp_path / "other")
    assert served.fetch(cache, CONTENT).stat().st_nlink == 1
    assert served.asked == 2


def test_a_folder_that_can_not_be_written_is_replaced_with_a_word(
    tmp_path: Path, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    served, cache = Served(pretend), ResultCache(tmp_path / "file" / "cache")
    monkeypatch.setattr("syndb_lab.results.cache._temporary", {})
    with pytest.warns(UserWarning, match="XDG_CACHE_HOME"):
        file = served.fetch(cache, CONTENT)
    assert file.read_bytes() == CONTENT
    assert served.fetch(cache, CONTENT) == file
    assert served.asked == 1, "it is kept as long as this program runs"


def test_what_was_read_longest_ago_goes_first(tmp_path: Path, pretend: Pretend) -> None:
    served, cache = Served(pretend), ResultCache(tmp_path, max_bytes=25)
    for number in range(4):
        file = served.fetch(cache, bytes([number]) * 10)
        os.utime(tmp_path / f"{file.name}.check", (number, number))
    assert sorted(file.read_bytes()[0] for file in whole_files(tmp_path)) == [2, 3]
    assert len(list(tmp_path.iterdir())) == 4, "nothing else is left"


def test_what_has_expired_goes_before_its_turn(
    tmp_path: Path, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_directory, "EXPIRY_S", 0)
    served, cache = Served(pretend), ResultCache(tmp_path)
    served.fetch(cache, b"old", expires_at="2001-01-01T00:00:00Z")
    kept = served.fetch(cache, b"kept", expires_at="2001-01-01T00:00:00Z")
    served.fetch(cache, b"kept", expires_at="2999-01-01T00:00:00Z")
    new = served.fetch(cache, b"new")
    assert whole_files(tmp_path) == sorted([kept, new])


def test_a_destroyed_result_leaves_nothing_here(tmp_path: Path, pretend: Pretend) -> None:
    served, cache = Served(pretend), ResultCache(tmp_path)
    served.fetch(cache, CONTENT)
    part = result_info(b"part")
    cache.fetch(pretend(lambda _: httpx.Response(200, content=b"part")), JOB_ID, part, part="neurons")
    cache.remove({**result_info(CONTENT), "parts": {"neurons": part}})
    assert list(tmp_path.iterdir()) == []


KILLED = """
import sys, pathlib
from syndb_lab.results.cache_directory import held_part
with held_part(pathlib.Path(sys.argv[1])) as part:
    part.write_bytes(b"x" * 1000)
    print("begun", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_what_a_killed_download_left_is_removed_and_what_runs_is_not(
    tmp_path: Path, pretend: Pretend
) -> None:
    served, cache = Served(pretend), ResultCache(tmp_path, max_bytes=500)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "abc.arrow")]
    killed = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert killed.stdout is not None
    assert killed.stdout.readline() == b"begun\n"
    kept = served.fetch(cache, b"x" * 100)
    assert len(list(tmp_path.glob("*.part"))) == 1, "it is being written"
    assert whole_files(tmp_path) == [kept], "and counts for nothing before it is whole"
    killed.kill()
    killed.communicate()
    served.fetch(cache, b"y" * 100)
    assert list(tmp_path.glob("*.part")) == []
    assert len(whole_files(tmp_path)) == 2


def test_a_part_that_nobody_has_written_to_for_a_day_is_removed(tmp_path: Path, pretend: Pretend) -> None:
    old = tmp_path / "abc.part"
    old.touch()
    os.utime(old, (0, 0))
    with old.open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        Served(pretend).fetch(ResultCache(tmp_path), b"new")
    assert not old.exists()


@pytest.fixture
def table() -> pa.Table:
    return pa.table({"n": pa.array(range(50_000)), "name": [f"neuron {n % 7}" for n in range(50_000)]})


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["arrow", "parquet"])
def test_a_file_that_is_removed_is_read_on(tmp_path: Path, table: pa.Table, suffix: str) -> None:
    def written(name: str) -> Path:
        file = tmp_path / f"{name}.{suffix}"
        if suffix == "arrow":
            with pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)
        else:
            pq.write_table(table, file, row_group_size=10_000)
        return file

    readers = (
        data_frames.to_lazy,
        data_frames.to_polars,
        data_frames.to_pandas,
        data_frames.to_arrow,
        data_frames.to_duckdb,
    )
    held = []
    for reader in readers:
        file = written(reader.__name__)
        held.append(reader(file))
        file.unlink()
    lazy, whole, pandas, arrow, relation = held
    derived = lazy.filter(pl.col("n") >= 40_000).select("name")
    del lazy, held
    gc.collect()
    assert derived.collect().height == 10_000
    assert derived.collect().height == 10_000, "as often as one likes"
    assert whole["n"].sum() == pandas["n"].sum() == sum(range(50_000))
    assert arrow.equals(table)
    assert relation.aggregate("sum(n)").fetchall() == [(sum(range(50_000)),)]

    file = written("paged")
    shown = ResultTable(lambda: RowView(file, (), tmp_path), "a table")
    rows = shown._take_rows()
    file.unlink()
    assert rows.page(ViewSpec([(0, "desc")]), 0, 1, [0])[0] == [49_999]
    rows.close()
    shown.close()


@pytest.mark.slow
def test_lazy_frames_give_their_files_back(tmp_path: Path) -> None:
    file = tmp_path / "a.arrow"
    pl.DataFrame({"n": range(1000)}).write_ipc(file)

    def descriptors() -> int:
        gc.collect()
        return [each.path for each in psutil.Process().open_files()].count(str(file))

    frame = data_frames.to_lazy(file)
    assert descriptors() == 1
    del frame
    assert descriptors() == 0


@pytest.mark.slow
def test_readers_and_evictions_at_once(tmp_path: Path, pretend: Pretend) -> None:
    """Threads read three results through a cache that holds one."""
    cache = ResultCache(tmp_path, max_bytes=25_000)
    failures: list[BaseException] = []
    contents = [os.urandom(20_000) for _ in range(3)]
    infos = [result_info(content) for content in contents]
    transports = [
        pretend(lambda _, content=content: httpx.Response(200, content=content))  # type: ignore[misc]
        for content in contents
    ]

    def read(number: int) -> None:
        try:
            for turn in range(30):
                which = (number + turn) % 3
                for _ in range(20):
                    file = cache.fetch(transports[which], JOB_ID, infos[which])
                    try:
                        assert file.read_bytes() == contents[which]
                        break
                    except FileNotFoundError:
                        continue
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(file.stat().st_size for file in whole_files(tmp_path)) <= 40_000


@pytest.mark.slow
def test_a_disk_that_is_full_or_read_only(
    tmp_path: Path, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syndb_lab.results.cache._temporary", {})
    contents = [os.urandom(900_000) for _ in range(3)]
    served = Served(pretend)
    with small_disk(tmp_path / "disk", 2) as disk:
        cache = ResultCache(disk.path / "results")
        first = served.fetch(cache, contents[0])
        served.fetch(cache, contents[1])
        second = served.fetch(cache, contents[2])
        assert second.read_bytes() == contents[2], "what was read longest ago gave way"
        assert not first.exists()
        with disk.full(), pytest.raises(SyndbError, match=r"(?s)no space left.*Make room") as told:
            served.fetch(cache, os.urandom(3_000_000))
        assert second.exists(), "nothing is removed where that would not do"
        assert told.value.hint
        assert list(cache.folder.glob("*.part")) == []
        kept = served.fetch(cache, contents[0])
        with disk.read_only():
            assert served.fetch(cache, contents[0]) == kept, "what is here is read"
            with pytest.warns(UserWarning, match="Read-only file system"):
                elsewhere = served.fetch(cache, contents[1])
            assert elsewhere.read_bytes() == contents[1]
            assert not elsewhere.is_relative_to(disk.path)
