"""A configuration on a server: real HTTP on loopback, with servers that are slow, wrong, huge or away."""

import socket
import stat
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from config.document import LARGEST_DOCUMENT_BYTES
from config.loading import load
from config.model import ConfigError, Configuration
from config.remote import read_url, without_password

GOOD = b"nodes: {C1: {driver: console}}\n"
BAD = b"nodes: {C1: {drover: console}}\n"


class Answers(BaseHTTPRequestHandler):
    """Answers each path with a status and a body."""

    pages: ClassVar[dict[str, tuple[int, bytes]]] = {}

    def do_GET(self) -> None:
        status, body = self.pages.get(self.path, (404, b"not here"))
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", body.decode())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server:
    """A web server on loopback with a state directory for whoever reads from it."""

    def __init__(self, http: ThreadingHTTPServer, state: Path) -> None:
        self.http = http
        self.state = state
        self.url = f"http://127.0.0.1:{http.server_port}/jph.yaml"

    def answer(self, body: bytes, status: int = 200) -> None:
        Answers.pages["/jph.yaml"] = (status, body)

    def load(self, url: str = "") -> Configuration:
        return load(url or self.url, environ={"XDG_STATE_HOME": str(self.state)})

    def refused(self, url: str = "") -> str:
        with pytest.raises(ConfigError) as error:
            self.load(url)
        return str(error.value)

    def copies(self) -> list[Path]:
        return sorted(path for path in self.state.rglob("*") if path.is_file())


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Server(http, tmp_path / "state")
        http.shutdown()
        thread.join()
    Answers.pages.clear()


@pytest.fixture
def raw_server() -> Iterator[Callable[[bytes], str]]:
    """Give a function that starts a server of one connection: it sends some bytes and then nothing, until the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []
    over = threading.Event()

    def serve(data: bytes) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(data)
            over.wait()

    def start(data: bytes) -> str:
        threads.append(threading.Thread(target=serve, args=(data,)))
        threads[0].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/jph.yaml"

    yield start
    over.set()
    for thread in threads:
        thread.join()
    listener.close()


def test_a_configuration_is_fetched_and_its_good_copy_kept_for_its_owner_alone(server: Server) -> None:
    server.answer(GOOD)
    configuration = server.load()
    assert (configuration.source, list(configuration.nodes), configuration.warnings) == (server.url, ["C1"], ())
    [copy] = server.copies()
    assert copy.read_bytes() == GOOD
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_when_the_server_is_away_the_last_good_copy_is_used_and_it_is_said(server: Server) -> None:
    server.answer(GOOD)
    before = server.load()
    server.answer(b"", 503)
    after = server.load()
    assert after == before
    [warning] = after.warnings
    assert warning.severity == "warning"
    [copy] = server.copies()
    assert str(warning) == (
        f"{server.url}: cannot be fetched: the server answers 503 Service Unavailable; "
        f"its last good copy is used: {copy}"
    )


def test_a_newer_configuration_takes_the_copy_s_place(server: Server) -> None:
    server.answer(GOOD)
    server.load()
    server.answer(GOOD.replace(b"C1", b"C2"))
    server.load()
    server.answer(b"", 500)
    assert list(server.load().nodes) == ["C2"]
    assert len(server.copies()) == 1


def test_a_bad_configuration_is_refused_and_not_kept(server: Server) -> None:
    server.answer(GOOD)
    server.load()
    server.answer(BAD)
    assert f"{server.url}:1: nodes.C1: unknown option 'drover'" in server.refused()
    [copy] = server.copies()
    assert copy.read_bytes() == GOOD


def test_each_url_has_a_copy_of_its_own(server: Server) -> None:
    server.answer(GOOD)
    server.load()
    Answers.pages["/other.yaml"] = (503, b"")
    message = server.refused(server.url.replace("jph.yaml", "other.yaml"))
    assert "no copy of it is kept here: wait for the server, or name a file" in message


@pytest.mark.parametrize(("status", "reason"), [(404, "404 Not Found"), (500, "500 Internal"), (204, "204 No Content")])
def test_a_server_that_has_no_configuration_is_told_by_its_answer(server: Server, status: int, reason: str) -> None:
    server.answer(b"", status)
    assert f"cannot be fetched: the server answers {reason}" in server.refused()


def test_a_redirect_is_followed(server: Server) -> None:
    Answers.pages["/real.yaml"] = (200, GOOD)
    server.answer(b"/real.yaml", 302)
    assert list(server.load().nodes) == ["C1"]


def test_a_circle_of_redirects_ends(server: Server) -> None:
    server.answer(b"/jph.yaml", 302)
    assert "cannot be fetched: more than 3 redirects" in server.refused()


def test_a_redirect_does_not_lead_to_files_of_this_computer(server: Server) -> None:
    server.answer(b"file:///etc/hostname", 302)
    assert "cannot be fetched: " in server.refused()


def test_an_endless_answer_is_cut_off(server: Server) -> None:
    server.answer(b"#" * (LARGEST_DOCUMENT_BYTES + 1))
    assert "cannot be fetched: larger than 4 MiB" in server.refused()


def test_a_closed_port_is_no_connection(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "cannot be fetched: no connection to the server" in server.refused(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("url", ["http://", "http:///x", "http://[::1", "https://a b/"])
def test_what_is_no_url_is_told(server: Server, url: str) -> None:
    assert "cannot be fetched: " in server.refused(url)


@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnodes: {}"]
)
def test_a_server_that_falls_silent_does_not_keep_an_agent_from_starting(
    raw_server: Callable[[bytes], str], tmp_path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(ConfigError, match=r"cannot be fetched: it took more than 0\.05 s"):
        read_url(raw_server(data), tmp_path, fetch_timeout_s=0.05)


def test_what_is_no_http_is_told(raw_server: Callable[[bytes], str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be fetched: no connection"):
        read_url(raw_server(b"SSH-2.0-OpenSSH_9.2\r\n"), tmp_path)


def test_a_copy_that_cannot_be_kept_is_a_warning(server: Server) -> None:
    server.state.write_text("a file where the directory should be")
    server.answer(GOOD)
    [warning] = server.load().warnings
    assert "cannot be written: " in warning.message
    assert warning.advice == "without one no agent starts while the server is away"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:secret@host:8/x?y=1", "http://user:***@host:8/x?y=1"),
        ("http://user@host/x", "http://user@host/x"),
        ("http://host/x", "http://host/x"),
        ("http://host/a:b@c", "http://host/a:b@c"),
        ("http://user:p@ss@host/", "http://user:***@host/"),
    ],
)
def test_a_password_in_a_url_is_not_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_a_password_in_a_url_is_sent_but_in_no_message(server: Server) -> None:
    server.answer(GOOD)
    assert "secret" not in server.load(server.url.replace("127.", "me:secret@127.")).source
    server.answer(b"", 503)
    assert "secret" not in server.refused(server.url.replace("127.", "you:secret@127."))
