"""HTTP for drivers: what is asked, how long, how much, where it may lead, and in which words it fails."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.driver import DriverError
from drivers.web.answers import LONGEST_PAUSE_S, PAUSE_AFTER_TOO_MANY_S, http_date
from drivers.web.http import MAX_ANSWER_BYTES, MOST_REDIRECTS, HttpClient, Patience, Resource, StatusError, shown
from tests.drivers.devices.http import Asked, Reply, WebDevice, served

PATIENT = Patience(connect_s=5, read_s=10, whole_s=60)
DATE = "Wed, 16 May 2018 09:46:47 GMT"

Start = Callable[[WebDevice], str]


@pytest.fixture
def start() -> Iterator[Start]:
    """Give a function that runs a device for the time of the test, and returns its URL."""
    with ExitStack() as stack:
        yield lambda device: stack.enter_context(served(device))


def always(reply: Reply) -> WebDevice:
    return WebDevice(lambda _: reply)


def failure(url: str, client: HttpClient | None = None, **headers: str) -> DriverError:
    with pytest.raises(DriverError) as error:
        (client or HttpClient(PATIENT)).get(url, headers)
    return error.value


def refusal(start: Start, reply: Reply) -> StatusError:
    error = failure(start(always(reply)))
    assert isinstance(error, StatusError)
    return error


def test_an_answer_has_its_body_its_status_and_its_headers_in_any_case(start: Start) -> None:
    device = always(Reply(b'{"a": 1}', headers={"content-type": "Application/JSON; charset=utf-8", "X-More": "m"}))
    answer = HttpClient(PATIENT).get(start(device) + "/a?b=c")
    assert (answer.status, answer.body, answer.content_type) == (200, b'{"a": 1}', "application/json")
    assert answer.headers["x-more"] == "m"
    assert [(asked.method, asked.path) for asked in device.asked] == [("GET", "/a?b=c")]


def test_a_request_says_who_asks_and_holds_no_connection(start: Start) -> None:
    device = always(Reply())
    HttpClient(PATIENT).get(start(device), {"X-Key": "k"})
    headers = device.asked[0].headers
    wanted = {"user-agent": "jph", "connection": "close", "accept-encoding": "identity", "x-key": "k"}
    assert {name: headers[name] for name in wanted} == wanted


def test_a_form_is_posted(start: Start) -> None:
    device = always(Reply(b"{}"))
    HttpClient(PATIENT).post(start(device), {"grant_type": "refresh_token", "a": "b c"})
    (asked,) = device.asked
    assert (asked.method, asked.body) == ("POST", b"grant_type=refresh_token&a=b+c")


def test_a_users_netrc_does_not_come_before_the_headers(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    device = always(Reply())
    url = start(device)
    HttpClient(PATIENT).get(url, {"Authorization": "Bearer t"})
    HttpClient(PATIENT).get(url)
    assert [asked.headers.get("authorization") for asked in device.asked] == ["Bearer t", None]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(status=404), "404 Not Found; see whether the path in the URL is right"),
        (
            Reply(status=401),
            "401 Unauthorized; see whether it wants to know who asks, in headers from a file of secrets",
        ),
        (Reply(status=429), "429 Too Many Requests; give the node a longer `interval`"),
        (Reply(status=500), "500 Internal Server Error"),
        (Reply(status=599), "599"),
        (Reply(raw=b"HTTP/1.0 503 \x1b[31mred\r\n\r\n"), "503 Service Unavailable"),
    ],
)
def test_a_status_that_is_no_success_is_an_error_in_our_own_words(start: Start, reply: Reply, said: str) -> None:
    error = refusal(start, reply)
    assert str(error) == f"{error.answer.source} answers {said}"


@pytest.mark.parametrize(
    ("status", "headers", "pause_s"),
    [
        (429, {}, PAUSE_AFTER_TOO_MANY_S),
        (429, {"Retry-After": "7"}, 7),
        (429, {"Retry-After": "0"}, 0),
        (503, {"Retry-After": " 120 "}, 120),
        (503, {}, 0),
        (500, {"Retry-After": "soon"}, 0),
        (429, {"Retry-After": "soon"}, PAUSE_AFTER_TOO_MANY_S),
        (429, {"Retry-After": "9" * 400}, LONGEST_PAUSE_S),
        (429, {"Retry-After": "Wed, 16 May 2018 09:48:17 GMT"}, 90),
        (429, {"Retry-After": "Wed, 16 May 2018 09:40:00 GMT"}, 0),
        (429, {"Retry-After": "Wed, 16 May 2018 09:48:17 -0000"}, 90),
        (429, {"Retry-After": "Wed, 16 May 2018 09:48:17 +99999999999999999999"}, PAUSE_AFTER_TOO_MANY_S),
        (404, {"Retry-After": "120"}, 0),
    ],
)
def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(
    start: Start, status: int, headers: dict[str, str], pause_s: float
) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in {"Date": DATE, **headers}.items())
    error = refusal(start, Reply(raw=f"HTTP/1.0 {status} \r\n{lines}\r\n".encode()))
    assert error.retry_after_s == pause_s


def test_a_date_without_the_servers_own_date_says_nothing(start: Start) -> None:
    error = refusal(start, Reply(raw=f"HTTP/1.0 429 \r\nRetry-After: {DATE}\r\n\r\n".encode()))
    assert error.retry_after_s == PAUSE_AFTER_TOO_MANY_S


@given(st.text() | st.text(alphabet="Wed, 16May20189:GMT+-").map("Wed, 16 May 2018 09:46:47 ".__add__))
def test_any_text_is_a_date_in_a_zone_or_refused_with_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert http_date(text).tzinfo is not None


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/x?key=secret"
    assert str(failure(url)) == f"{shown(url)}: Connection refused; see whether it is on, and the URL is right"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "the connection was closed before there was an answer"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n{", "the connection was closed in the middle of the answer"),
        (b"SSH-2.0-OpenSSH\r\n", "what it answers is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "what it answers is not HTTP"),
        (b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n{}", "the answer cannot be read"),
    ],
)
def test_a_broken_answer_is_an_error_that_says_how_it_broke(start: Start, raw: bytes, said: str) -> None:
    assert f": {said}" in str(failure(start(always(Reply(raw=raw)))))


def test_a_server_that_says_nothing_is_waited_for_no_longer_than_for_a_packet() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        error = failure(url, HttpClient(Patience(5, 0.1, 60)))
    assert "no answer within 0.1 s" in str(error)


def test_an_answer_that_stops_is_waited_for_no_longer_than_for_a_packet() -> None:
    going_on = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_half_an_answer, args=(listener, going_on))
        thread.start()
        error = failure(f"http://127.0.0.1:{listener.getsockname()[1]}/", HttpClient(Patience(5, 0.1, 60)))
        going_on.set()
        thread.join()
    assert "the answer stopped for 0.1 s" in str(error)


def _half_an_answer(listener: socket.socket, going_on: threading.Event) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n{")
        going_on.wait()


@pytest.mark.parametrize("begin", [b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\nX-Long: ", b"H"])
def test_a_server_that_never_comes_to_an_end_is_cut_off_at_the_deadline(start: Start, begin: bytes) -> None:
    url = start(always(Reply(raw=begin, pace_s=0.01)))
    error = failure(url, HttpClient(Patience(5, 10, 0.2)))
    assert f"{url}: the whole answer took more than 0.2 s" in str(error)


def test_closing_ends_the_request_that_is_under_way() -> None:
    client = HttpClient(PATIENT)
    errors: list[DriverError] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread = threading.Thread(target=lambda: errors.append(failure(url, client)))
        thread.start()
        connection, _ = listener.accept()
        with connection:
            connection.recv(1)
            client.close()
            client.close()
            thread.join()
    assert [str(error) for error in errors] == [f"{url}: the driver is closed"]


def test_after_closing_nothing_is_asked(start: Start) -> None:
    device = always(Reply())
    client = HttpClient(PATIENT)
    client.close()
    assert "the driver is closed" in str(failure(start(device), client))
    assert device.asked == []


def test_an_answer_may_be_so_large_and_no_larger(start: Start) -> None:
    full, over = (start(always(Reply(b"x" * size))) for size in (MAX_ANSWER_BYTES, MAX_ANSWER_BYTES + 1))
    assert len(HttpClient(PATIENT).get(full).body) == MAX_ANSWER_BYTES
    assert "the answer is larger than 1024 KiB" in str(failure(over))


def test_redirects_are_followed_within_the_server_with_the_secret_headers(start: Start) -> None:
    device = WebDevice(
        lambda asked: Reply(b"here") if asked.path == "/b" else Reply(status=302, headers={"Location": "b"})
    )
    assert HttpClient(PATIENT).get(start(device) + "/a", {"X-Key": "k"}).body == b"here"
    assert [asked.headers["x-key"] for asked in device.asked] == ["k", "k"]


def test_a_redirect_elsewhere_is_followed_when_there_are_no_secrets(start: Start) -> None:
    elsewhere = start(always(Reply(b"there")))
    assert HttpClient(PATIENT).get(start(always(Reply(status=301, headers={"Location": elsewhere})))).body == b"there"


def test_secret_headers_do_not_go_elsewhere(start: Start) -> None:
    there = always(Reply(b"there"))
    elsewhere = start(there)
    url = start(always(Reply(status=307, headers={"Location": elsewhere})))
    assert str(failure(url, X_Key="k")) == (
        f"{url}: redirects to {elsewhere}, to which its secret headers are not sent; "
        "if that is right name the new address instead"
    )
    assert there.asked == []


def test_redirects_have_an_end(start: Start) -> None:
    device = always(Reply(status=308, headers={"Location": "/again"}))
    assert f"more than {MOST_REDIRECTS} redirects" in str(failure(start(device)))
    assert len(device.asked) == MOST_REDIRECTS + 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/", "javascript:1"])
def test_a_redirect_to_what_is_no_web_address_is_refused(start: Start, target: str) -> None:
    assert "redirects to what is no web address" in str(
        failure(start(always(Reply(status=302, headers={"Location": target}))))
    )


@pytest.mark.parametrize("target", ["http://[::1/", "http://127.0.0.1:x/", "http://a..b/", "http://127.0.0.1:99999/"])
def test_a_redirect_to_no_url_is_an_error_like_any_other(start: Start, target: str) -> None:
    reply = Reply(status=302, headers={"Location": target})
    failure(start(always(reply)))
    failure(start(always(reply)), X_Key="k")


def test_what_did_not_change_is_not_sent_again_and_holds(start: Start) -> None:
    def answer(asked: Asked) -> Reply:
        same = asked.headers.get("if-none-match") == '"1"'
        return Reply(status=304) if same else Reply(b"body", headers={"ETag": '"1"'})

    device = WebDevice(answer)
    resource = Resource(HttpClient(PATIENT), start(device))
    assert [resource.get().body for _ in range(3)] == [b"body"] * 3
    assert [asked.headers.get("if-none-match") for asked in device.asked] == [None, '"1"', '"1"']


def test_a_server_without_etags_is_asked_for_everything(start: Start) -> None:
    replies = [Reply(b"1", headers={"ETag": '"1"'}), Reply(b"2"), Reply(b"3")]
    device = WebDevice(lambda _: replies.pop(0))
    resource = Resource(HttpClient(PATIENT), start(device))
    assert [resource.get().body for _ in range(3)] == [b"1", b"2", b"3"]
    assert "if-none-match" not in device.asked[2].headers


@pytest.mark.parametrize("etag", ["1", '"1', "", '"a b"', "W/1"])
def test_what_is_no_etag_is_not_sent_back(start: Start, etag: str) -> None:
    device = always(Reply(b"1", headers={"ETag": etag}))
    resource = Resource(HttpClient(PATIENT), start(device))
    assert [resource.get().body for _ in range(2)] == [b"1", b"1"]
    assert "if-none-match" not in device.asked[1].headers


def test_not_modified_without_a_question_for_it_is_no_answer(start: Start) -> None:
    with pytest.raises(StatusError, match="304"):
        Resource(HttpClient(PATIENT), start(always(Reply(status=304)))).get()


@pytest.mark.parametrize(
    ("url", "as_shown"),
    [
        ("http://me:secret@host:80/a?key=secret#x", "http://host:80/a?…"),
        ("http://host/\x1b[31m", "http://host/\\x1b[31m"),
        ("http://host/" + "a" * 1000, "http://host/" + "a" * 188),
        ("http://[::1", "the URL"),
    ],
)
def test_a_url_is_shown_without_secrets_harmless_and_short(url: str, as_shown: str) -> None:
    assert shown(url) == as_shown


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for 127.0.0.1, signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, which makes certificates")
    path = tmp_path_factory.mktemp("tls") / "cert.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(path.with_name("own.pem"))]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + path.with_name("own.pem").read_bytes())
    return path


@pytest.fixture
def tls(certificate: Path) -> Iterator[str]:
    """Give the URL of a device with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with served(always(Reply(b"safe")), context) as url:
        yield url


def test_a_certificate_that_nobody_vouches_for_is_refused(tls: str) -> None:
    said = str(failure(tls))
    assert "its certificate is not accepted: self" in said
    assert "name the file of its CA in `verify`" in said


def test_a_certificate_of_a_ca_that_is_named_is_accepted(tls: str, certificate: Path) -> None:
    assert HttpClient(PATIENT, verify=str(certificate.with_name("own.pem"))).get(tls).body == b"safe"


def test_certificates_need_not_be_looked_at(tls: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    assert HttpClient(PATIENT, verify=False).get(tls).body == b"safe"


def test_a_ca_file_that_is_not_there_is_named(tls: str) -> None:
    assert "the CA certificates in /nowhere.pem are not there" in str(
        failure(tls, HttpClient(PATIENT, verify="/nowhere.pem"))
    )


@pytest.mark.parametrize(
    ("patience", "said"),
    [
        (Patience(0.1, 10, 60), "no connection within 0.1 s"),
        (Patience(10, 10, 0.1), "the whole answer took more than 0.1 s"),
    ],
)
def test_tls_that_does_not_begin_is_no_connection(patience: Patience, said: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        assert said in str(failure(url, HttpClient(patience)))


def test_a_proxy_is_asked_where_the_environment_names_one(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = always(Reply(b"by proxy"))
    monkeypatch.setenv("HTTP_PROXY", start(proxy))
    assert HttpClient(PATIENT).get("http://elsewhere.invalid/x").body == b"by proxy"
    assert [asked.path for asked in proxy.asked] == ["http://elsewhere.invalid/x"]


def test_a_proxy_that_never_comes_to_an_end_is_cut_off_at_the_deadline(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", start(always(Reply(raw=b"HTTP/1.0 200 OK\r\n\r\n", pace_s=0.01))))
    error = failure("http://elsewhere.invalid/x", HttpClient(Patience(5, 10, 0.2)))
    assert "the whole answer took more than 0.2 s" in str(error)


def test_a_server_without_tls_is_told_from_one_with_it(start: Start) -> None:
    url = start(always(Reply())).replace("http:", "https:")
    assert "no TLS connection: WRONG_VERSION_NUMBER; see whether the URL begins with http:" in str(failure(url))
