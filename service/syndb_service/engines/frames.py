"""What a child process and its supervisor say to each other: typed frames over one socket.

frame = kind (1 byte) · length (4 bytes, big-endian) · payload
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from enum import Enum
from typing import Any

HEADER = struct.Struct("!cI")
CHUNK = 1 << 20
MAX_PREVIEW_BYTES = 256 * 1024


class FrameKind(Enum):
    """The kinds of frame; all but DATA and PREVIEW carry JSON. PART says what the data after it are."""

    TASK = b"T"
    PROGRESS = b"P"
    DATA = b"D"
    PREVIEW = b"V"
    PART = b"N"
    FAILURE = b"E"
    DONE = b"F"


class FrameSocket:
    """One end of the conversation.

    Parameters
    ----------
    sock : socket.socket
        A connected stream socket; it is closed with this object.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lock = threading.Lock()
        self._pending = bytearray()
        self.ended = False

    def fileno(self) -> int:
        """Return the descriptor, for ``select``."""
        return self._sock.fileno()

    def send(self, kind: FrameKind, payload: dict[str, Any]) -> None:
        """Send a JSON frame."""
        self.send_bytes(kind, json.dumps(payload).encode())

    def send_bytes(self, kind: FrameKind, payload: bytes | memoryview) -> None:
        """Send a frame; safe from several threads."""
        with self._lock:
            self._sock.sendall(HEADER.pack(kind.value, len(payload)))
            self._sock.sendall(payload)

    def receive(self) -> list[tuple[FrameKind, bytes]]:
        """Read once from the socket and return the frames that are whole by now.

        Sets ``ended`` when the other end is gone. Call it when ``select`` says that there is
        something to read: it never waits for the rest of a frame.
        """
        try:
            data = self._sock.recv(CHUNK)
        except ConnectionError:
            data = b""
        self.ended = not data
        self._pending += data
        whole: list[tuple[FrameKind, bytes]] = []
        start = 0
        while len(self._pending) - start >= HEADER.size:
            code, length = HEADER.unpack_from(self._pending, start)
            end = start + HEADER.size + length
            if len(self._pending) < end:
                break
            whole.append((FrameKind(code), bytes(memoryview(self._pending)[start + HEADER.size : end])))
            start = end
        del self._pending[:start]
        return whole

    def receive_one(self) -> tuple[FrameKind, dict[str, Any]] | None:
        """Wait for one JSON frame; None when the other end is gone."""
        while not self.ended:
            for kind, payload in self.receive():
                return kind, json.loads(payload)
        return None

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


class FrameSink:
    """A writable file whose content goes out as DATA frames of about a megabyte."""

    def __init__(self, frames: FrameSocket) -> None:
        self._frames = frames
        self._buffer = bytearray()
        self.bytes = 0
        self.closed = False

    def writable(self) -> bool:
        """Return True: pyarrow asks."""
        return True

    def readable(self) -> bool:
        """Return False: pyarrow asks."""
        return False

    def seekable(self) -> bool:
        """Return False: what was written is gone."""
        return False

    def write(self, data: Any) -> int:
        """Take ``data``, sending it on once there is enough of it."""
        view = memoryview(data).cast("B")
        self.bytes += len(view)
        self._buffer += view
        if len(self._buffer) >= CHUNK:
            self.flush()
        return len(view)

    def flush(self) -> None:
        """Send what was taken."""
        whole, self._buffer = self._buffer, bytearray()
        for start in range(0, len(whole), CHUNK):
            self._frames.send_bytes(FrameKind.DATA, memoryview(whole)[start : start + CHUNK])

    def close(self) -> None:
        """Send the rest."""
        if not self.closed:
            self.flush()
            self.closed = True
