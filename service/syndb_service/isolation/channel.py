"""The channel between a child process and its parent: typed frames over one socket.

frame = kind (1 byte) · length (4 bytes, big-endian) · payload
"""

from __future__ import annotations

import json
import queue
import select
import socket
import struct
import threading
from enum import Enum
from typing import Any

HEADER = struct.Struct("!cI")
CHUNK = 1 << 20
MAX_FRAMES_AHEAD = 16
MAX_PREVIEW_BYTES = 256 * 1024
MAX_ANSWER_BYTES = 64 * 1024**2
"""Bytes of a frame from a child, which is not trusted: the service holds frames in memory."""


class FrameType(Enum):
    """The kinds of frame; all but DATA and PREVIEW carry JSON. PART describes the data after it.

    No frame is empty.
    """

    TASK = b"T"
    PROGRESS = b"P"
    DATA = b"D"
    PREVIEW = b"V"
    PART = b"N"
    FAILURE = b"E"
    DONE = b"F"


class ChildChannel:
    """One end of the channel.

    Parameters
    ----------
    sock : socket.socket
        A connected stream socket; it is closed with this object.
    longest : int, optional
        Maximum bytes of a received frame, except DATA; unlimited by default. After a longer frame the
        channel counts as closed by the other end.
    """

    def __init__(self, sock: socket.socket, longest: int | None = None) -> None:
        self._sock = sock
        self._longest = longest
        self._lock = threading.Lock()
        self._buffer = memoryview(bytearray(CHUNK))
        self._head = bytearray()
        self._open: FrameType | None = None
        self._missing = 0
        self._payload = bytearray()
        self.ended = False

    def fileno(self) -> int:
        """Return the descriptor, for ``select``."""
        return self._sock.fileno()

    def send(self, kind: FrameType, payload: dict[str, Any]) -> None:
        """Send a JSON frame."""
        self.send_bytes(kind, json.dumps(payload).encode())

    def send_bytes(self, kind: FrameType, payload: bytes | memoryview) -> None:
        """Send a frame; safe from several threads."""
        with self._lock:
            self._sock.sendall(HEADER.pack(kind.value, len(payload)))
            self._sock.sendall(payload)

    def receive(self) -> list[tuple[FrameType, bytes]]:
        """Read once from the socket and return what has arrived: complete frames, and chunks of DATA.

        Sets ``ended`` if the other end has closed the socket. Call it when the socket is readable; it never
        waits for the rest of a frame.
        """
        try:
            count = self._sock.recv_into(self._buffer)
        except ConnectionError:
            count = 0
        self.ended = not count
        came = self._buffer[:count]
        frames: list[tuple[FrameType, bytes]] = []
        while came:
            if self._open is None:
                came = self._read_header(came)
                if self._is_too_long():
                    self.ended = True
                    return frames
                continue
            piece, came = came[: self._missing], came[self._missing :]
            self._missing -= len(piece)
            if self._open is FrameType.DATA:
                frames.append((self._open, bytes(piece)))
            else:
                self._payload += piece
                if not self._missing:
                    frames.append((self._open, bytes(self._payload)))
            if not self._missing:
                self._open = None
        return frames

    def _is_too_long(self) -> bool:
        if self._longest is None or self._open in (None, FrameType.DATA):
            return False
        return self._missing > self._longest

    def _read_header(self, came: memoryview) -> memoryview:
        """Read the available bytes of the next frame's header; return the bytes after it."""
        lacks = HEADER.size - len(self._head)
        self._head += came[:lacks]
        if len(self._head) == HEADER.size:
            code, self._missing = HEADER.unpack(self._head)
            self._open = FrameType(code)
            self._head.clear()
            self._payload.clear()
        return came[lacks:]

    def receive_one(self) -> tuple[FrameType, dict[str, Any]] | None:
        """Wait for one JSON frame; return None if the other end has closed the socket."""
        while not self.ended:
            for kind, payload in self.receive():
                return kind, json.loads(payload)
        return None

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


class FrameWriter:
    """A writable file that sends its content as DATA frames of one megabyte; the last may be shorter.

    Written data is copied, because pyarrow's CSV writer reuses its memory after ``write`` returns. After the
    first full frame a thread sends the frames, so that the next rows are computed while earlier ones are
    received. At most ``MAX_FRAMES_AHEAD`` frames are in memory, and their buffers are reused.
    """

    def __init__(self, frames: ChildChannel) -> None:
        self._frames = frames
        self._chunk: memoryview | None = None
        self._filled = 0
        self._chunks = 0
        self._free: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        self._waiting: queue.SimpleQueue[tuple[memoryview, int] | None] = queue.SimpleQueue()
        self._sender: threading.Thread | None = None
        self._broken: OSError | None = None
        self.bytes = 0
        self.closed = False

    def writable(self) -> bool:
        """Return True; pyarrow calls this."""
        return True

    def readable(self) -> bool:
        """Return False; pyarrow calls this."""
        return False

    def seekable(self) -> bool:
        """Return False: written data has already been sent."""
        return False

    def write(self, data: Any) -> int:
        """Copy ``data`` and send each full megabyte.

        Raises
        ------
        OSError
            If the other end has closed the socket.
        """
        view = memoryview(data).cast("B")
        size = len(view)
        self.bytes += size
        while view:
            chunk = self._chunk = self._chunk or self._free_chunk()
            count = min(len(chunk) - self._filled, len(view))
            chunk[self._filled : self._filled + count] = view[:count]
            self._filled += count
            view = view[count:]
            if self._filled == len(chunk):
                self.flush()
        return size

    def flush(self) -> None:
        """Send the copied data."""
        self._check()
        if self._chunk is None:
            return
        if self._sender is None:
            self._sender = threading.Thread(target=self._run, name="sender", daemon=True)
            self._sender.start()
        self._waiting.put((self._chunk, self._filled))
        self._chunk, self._filled = None, 0

    def close(self) -> None:
        """Send the remaining data, and wait until all is sent."""
        if self.closed:
            return
        self.closed = True
        if self._sender is None:
            if self._chunk is not None:
                self._frames.send_bytes(FrameType.DATA, self._chunk[: self._filled])
            return
        self.flush()
        self._waiting.put(None)
        self._sender.join()
        self._check()

    def _free_chunk(self) -> memoryview:
        if self._chunks == MAX_FRAMES_AHEAD:
            return self._free.get()
        self._chunks += 1
        return memoryview(bytearray(CHUNK))

    def _run(self) -> None:
        while (full := self._waiting.get()) is not None:
            chunk, filled = full
            if self._broken is None:
                try:
                    self._frames.send_bytes(FrameType.DATA, chunk[:filled])
                except OSError as error:
                    self._broken = error
                except BaseException as error:
                    self._broken = OSError(f"what was written can't be sent: {type(error).__name__}")
            self._free.put(chunk)

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken


def wait_readable(descriptors: list[int], timeout_s: float | None) -> set[int]:
    """Wait until descriptors are readable or closed; return them.

    Parameters
    ----------
    descriptors : list of int
        Descriptors to wait for. Unlike ``select.select`` this accepts numbers of 1,024 and more.
    timeout_s : float or None
        Maximum seconds to wait; None waits without limit.
    """
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    events = poll.poll(None if timeout_s is None else max(timeout_s, 0) * 1000)
    return {descriptor for descriptor, _ in events}
