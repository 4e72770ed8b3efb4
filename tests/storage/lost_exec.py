"""A way to a Redis server on which a transaction, or the answer to it, can get lost."""

import select
import socket
import threading
from enum import Enum, auto
from pathlib import Path
from typing import Final, Self

_EXEC: Final = b"$4\r\nEXEC\r\n"
_CHUNK_BYTES: Final = 65_536


class Losing(Enum):
    """What gets lost. The connection ends with it."""

    NOTHING = auto()
    TRANSACTION = auto()
    ANSWER = auto()


class LostExec:
    """Hands on what clients and a server say to each other, from one Unix socket to another."""

    def __init__(self, directory: Path, server: Path) -> None:
        self.losing = Losing.NOTHING
        self.socket = directory / "lost-exec"
        self._server = str(server)
        self._wake, self._woken = socket.socketpair()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.socket))
        self._listener.listen()
        self._others: dict[socket.socket, socket.socket] = {}  # each end of a connection -> the other
        self._clients: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._wake.send(b"!")
        self._thread.join()
        for opened in (self._wake, self._woken, self._listener, *self._others):
            opened.close()

    def _serve(self) -> None:
        while True:
            for ready in select.select([self._woken, self._listener, *self._others], [], [])[0]:
                if ready is self._woken:
                    return
                if ready is self._listener:
                    self._accept()
                elif ready in self._others:  # not ended by one before
                    self._hand_on(ready)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._server)
        self._others |= {client: server, server: client}
        self._clients.add(client)

    def _hand_on(self, sender: socket.socket) -> None:
        said = sender.recv(_CHUNK_BYTES)
        is_transaction = sender in self._clients and _EXEC in said
        if not said or (is_transaction and self.losing is Losing.TRANSACTION):
            self._end(sender)
            return
        other = self._others[sender]
        other.sendall(said)
        if is_transaction and self.losing is Losing.ANSWER:
            other.recv(_CHUNK_BYTES)  # so that it is known to be done
            self._end(sender)

    def _end(self, one: socket.socket) -> None:
        other = self._others.pop(one)
        del self._others[other]
        self._clients -= {one, other}
        one.close()
        other.close()
