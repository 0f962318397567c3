"""What a writer hands over arrives as it was, however wide its rows and however slow the other end."""

from __future__ import annotations

import socket
import threading
import time

import pyarrow as pa
import pytest
from pyarrow import csv

from syndb_service.isolation.channel import ChildChannel, FrameWriter


def received_slowly(sock: socket.socket, received: bytearray) -> None:
    frames = ChildChannel(sock)
    while not frames.ended:
        for _, payload in frames.receive():
            received.extend(payload)
        time.sleep(0.001)


@pytest.fixture
def ends() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair()


@pytest.mark.parametrize("width", [1, 60, 100, 3000])
def test_csv_rows_of_every_width_arrive_as_written(
    ends: tuple[socket.socket, socket.socket], width: int
) -> None:
    ours, theirs = ends
    rows = min(100_000, 15_000_000 // (width + 10))
    table = pa.table({"i": range(rows), "s": [chr(65 + i % 26) * width for i in range(rows)]})
    received = bytearray()
    reader = threading.Thread(target=received_slowly, args=(ours, received))
    reader.start()
    sink = FrameWriter(ChildChannel(theirs))
    with csv.CSVWriter(sink, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=20_000):
            writer.write_batch(batch)
    sink.close()
    theirs.close()
    reader.join()
    ours.close()
    expected = pa.BufferOutputStream()
    csv.write_csv(table, expected)
    assert bytes(received) == expected.getvalue().to_pybytes()
    assert sink.bytes == len(received)


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 1 << 20, 5_000_001])
def test_a_buffer_may_be_used_again_at_once(ends: tuple[socket.socket, socket.socket], size: int) -> None:
    ours, theirs = ends
    received = bytearray()
    reader = threading.Thread(target=received_slowly, args=(ours, received))
    reader.start()
    sink = FrameWriter(ChildChannel(theirs))
    buffer = bytearray(size)
    for number in range(5):
        buffer[:] = bytes([number]) * size
        assert sink.write(memoryview(buffer)) == size
    buffer[:] = b"x" * size
    sink.close()
    theirs.close()
    reader.join()
    ours.close()
    assert bytes(received) == b"".join(bytes([number]) * size for number in range(5))
