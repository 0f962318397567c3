"""A line to a service that ends connections in the middle of an answer."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from typing import Final

CHUNK: Final = 65_536


class CuttingLine:
    """Passes connections on to a port of the loopback address; the first ones end after so many bytes.

    Parameters
    ----------
    port : int
        Where they go.
    cuts : sequence of int
        After how many bytes of answers the first connections end; later ones are left alone.
    """

    def __init__(self, port: int, cuts: list[int]) -> None:
        self._to = port
        self._cuts = list(cuts)
        self.made = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._listener.accept()
                theirs = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                return
            left = self._cuts.pop(0) if self._cuts else None
            threading.Thread(target=self._pass, args=(ours, theirs, None), daemon=True).start()
            threading.Thread(target=self._pass, args=(theirs, ours, left), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, left: int | None) -> None:
        with contextlib.suppress(OSError):
            while (left is None or left > 0) and (data := source.recv(CHUNK)):
                data = data if left is None else data[:left]
                target.sendall(data)
                left = None if left is None else left - len(data)
            self.made += left == 0
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def random_cuts(made: random.Random, size: int) -> list[int]:
    """Choose where connections break: in the head, anywhere, and near the end of what is left."""
    head = 1_500
    return [made.randrange(head, head + max(size, 1)) // (number + 1) for number in range(made.randint(1, 4))]
