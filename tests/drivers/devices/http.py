"""A web server as small devices have them: one request at a time, HTTP/1.0, the end of the connection ends the answer.

Whatever the server does it does in its one thread, and a connection is closed before its client can see the end: so a
test sees no trace of it once it has the answer.
"""

import contextlib
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import TCPServer
from typing import Any, ClassVar, NamedTuple
from unittest import mock

JSON: Mapping[str, str] = {"Content-Type": "application/json"}


class Asked(NamedTuple):
    """A request: its method, its path with the query, its headers by their names in small letters, and its body."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


class Reply(NamedTuple):
    """What the device answers. `raw` is written in the place of all that, as it is.

    Behind it come single bytes, one every `pace_s` seconds, until the client has gone.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = JSON
    raw: bytes | None = None
    pace_s: float | None = None


Answering = Callable[[Asked], Reply]

FAILURES: tuple[Reply, ...] = (
    Reply(status=503),
    Reply(raw=b""),  # the connection is closed without a word
    Reply(raw=b"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n{"),
    Reply(b"{"),
)
"""What goes wrong in turn, when a device fails: none of it can be taken for a reading."""


def never() -> bool:
    """Fail at no request."""
    return False


def hanging(stack: contextlib.ExitStack, longest_s: float = 10.0) -> Callable[[], None]:
    """Return what waits until the stack ends; enter the server into it before."""
    over = threading.Event()
    stack.callback(over.set)

    def wait() -> None:
        over.wait(longest_s)

    return wait


@dataclass
class WebDevice:
    """What a server answers, and what it was asked. `fails` tells for each request whether it goes wrong."""

    answer: Answering
    fails: Callable[[], bool] = never
    asked: list[Asked] = field(default_factory=list)
    failed: int = 0

    def reply(self, asked: Asked) -> Reply:
        """Answer a request, or fail at it."""
        self.asked.append(asked)
        if self.fails():
            self.failed += 1
            return FAILURES[self.failed % len(FAILURES)]
        return self.answer(asked)


class _Handler(BaseHTTPRequestHandler):
    device: ClassVar[WebDevice]

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.device.reply(Asked(self.command, self.path, headers, self.rfile.read(length)))
        if reply.raw is not None:
            self.wfile.write(reply.raw)
            self._trickle(reply.pace_s)
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def _trickle(self, pace_s: float | None) -> None:
        with contextlib.suppress(OSError):
            while pace_s is not None:
                self.wfile.write(b"x")
                time.sleep(pace_s)

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(HTTPServer):
    def server_bind(self) -> None:
        """Bind without a look at the name of the address, for which a name server might be asked."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]  # of IPv4

    def shutdown_request(self, request: Any) -> None:
        """Close the connection only: `shutdown` would let the client see the end while it is still open here."""
        self.close_request(request)

    def handle_error(self, *_: object) -> None:
        """Say nothing when a client has gone before its answer."""


@contextlib.contextmanager
def served(
    device: WebDevice, tls: ssl.SSLContext | None = None, address: tuple[str, int] = ("127.0.0.1", 0)
) -> Iterator[str]:
    """Run a device, by default on loopback, and give its URL without a slash at the end. No proxy stands before it."""
    handler = type("Handler", (_Handler,), {"device": device})
    with mock.patch.dict(os.environ, {"NO_PROXY": "127.0.0.1"}), _Server(address, handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, name="web device")
        thread.start()
        try:
            yield f"http{'s' if tls else ''}://{address[0]}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
