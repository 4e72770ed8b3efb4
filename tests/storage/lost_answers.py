"""A way to a PostgreSQL server on which the answer to a commit can get lost."""

import select
import socket
import threading
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from typing import Final, Self

_COMMIT: Final = b"COMMIT"
_CHUNK_BYTES: Final = 65_536


class Losing(Enum):
    """What gets lost. The connection ends with it."""

    NOTHING = auto()
    COMMIT = auto()
    ANSWER = auto()


class LostAnswers:
    """Hands on what a client and a server say to each other, one client at a time, from one Unix socket to another."""

    def __init__(self, directory: Path, server: Path) -> None:
        self.losing = Losing.NOTHING
        self.directory = directory
        self._server = str(server)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(directory / server.name))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):  # that of accept when the listener was shut down
            while True:
                client, _ = self._listener.accept()
                with client, socket.socket(socket.AF_UNIX) as server:
                    server.connect(self._server)
                    self._carry(client, server)

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        others = {client: server, server: client}
        while True:
            for sender in select.select([client, server], [], [])[0]:
                said = sender.recv(_CHUNK_BYTES)
                is_commit = sender is client and _COMMIT in said
                if not said or (is_commit and self.losing is Losing.COMMIT):
                    return
                others[sender].sendall(said)
                if is_commit and self.losing is Losing.ANSWER:
                    server.recv(_CHUNK_BYTES)  # so that it is known to be committed
                    return
