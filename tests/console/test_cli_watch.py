"""`jph watch` and `jph send`: what is said on both buses."""

import signal
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from config.model import Group
from tests.console.calling import Shell, Site, errors, output

DATA_KEYS: Final = ["bus", "flag", "source", "destination", "sequence", "timestamp_ms", "value", "from"]
CONTROL_KEYS: Final = [*DATA_KEYS[:6], "number", "active", "from"]


def test_frames_are_printed_with_their_fields(shell: Shell, site: Site) -> None:
    ended = shell.jph("watch", "--flag", "f", "--from", "C1", "--count", "2", "--json", site.config)
    first, second = ended.documents
    assert ended.code == 0
    assert list(first) == DATA_KEYS
    assert (first["bus"], first["flag"], first["source"], first["destination"]) == ("data", "f", "C1", "@@")
    assert (first["value"], second["sequence"]) == (21.5, (first["sequence"] + 1) % 2**31)


def test_a_line_says_who_said_what_to_whom(shell: Shell, site: Site) -> None:
    ended = shell.jph("watch", "--from", "C1", "--count", "1", site.config)
    assert " data    C1 -> @@ #" in ended.out
    assert " f 21.5 °C   127.0.0.1:" in ended.out


def test_bus_and_flag_choose(shell: Shell, site: Site) -> None:
    with watching(shell, site, "--bus", "control", "--flag", "pong", "--from", "C1", "--count", "1") as watch:
        sent = shell.jph("send", "ping", "@@", "7", site.config)
        assert sent.code == 0
        assert " P ping 7   127.0.0.1:" in sent.out
        line = output(watch).readline()
        assert watch.wait() == 0
    assert '"flag": "T"' in line
    assert '"number": 7.0, "active": true' in line


def test_control_frames_have_number_and_state(shell: Shell, site: Site) -> None:
    with watching(shell, site, "--involving", "CX", "--flag", "P", "--count", "1") as watch:
        assert shell.jph("send", "P", "C1", "-2.5", "--as", "CX", site.config).code == 0
        line = output(watch).readline()
        assert watch.wait() == 0
    assert all(f'"{key}": ' in line for key in CONTROL_KEYS)
    assert '"source": "CX", "destination": "C1"' in line
    assert '"number": -2.5' in line


def test_to_and_from_narrow_each_other(shell: Shell, site: Site) -> None:
    with watching(shell, site, "--from", "CX", "--to", "C1", "--count", "1") as watch:
        shell.jph("send", "P", "H1", "1", "--as", "CX", site.config)
        shell.jph("send", "P", "C1", "2", "--as", "CX", site.config)
        line = output(watch).readline()
        assert watch.wait() == 0
    assert '"number": 2.0' in line


def test_datagrams_that_are_no_frames_are_shown_with_their_sender(shell: Shell, site: Site) -> None:
    with watching(shell, site, "--bus", "control", "--count", "1") as watch, sender() as stranger:
        stranger.sendto(b"garbage\x1b[2J", _address(site.network.control))
        line = output(watch).readline()
        assert watch.wait() == 0
        port = stranger.getsockname()[1]
    assert '"bus": "control", "bad": "short", "reason": ' in line
    assert f'"bytes": 11, "from": "127.0.0.1:{port}"' in line


def test_a_value_that_is_no_number_is_null_and_stays_json(shell: Shell, site: Site) -> None:
    with watching(shell, site, "--from", "NA", "--count", "1") as watch, sender() as stranger:
        stranger.sendto(_nan_reading(), _address(site.network.data))
        line = output(watch).readline()
        assert watch.wait() == 0
    assert '"flag": "f", "source": "NA"' in line
    assert '"value": null' in line


def test_bad_datagrams_concern_nobody_who_was_named(shell: Shell, site: Site) -> None:
    with watching(shell, site, "--from", "CX", "--count", "1") as watch, sender() as stranger:
        stranger.sendto(b"garbage", _address(site.network.control))
        shell.jph("send", "P", "C1", "3", "--as", "CX", site.config)
        line = output(watch).readline()
        assert watch.wait() == 0
    assert '"flag": "P"' in line or '"flag": "N"' in line


def test_an_interruption_is_the_ordinary_end(shell: Shell, site: Site) -> None:
    with watching(shell, site) as watch:
        assert output(watch).readline()
        watch.send_signal(signal.SIGINT)
        output(watch).read()
        assert "frames" in errors(watch).read()
        assert watch.wait() == 0


def test_when_the_time_is_over_before_the_count_is_reached_it_fails(shell: Shell, site: Site) -> None:
    ended = shell.jph("watch", "--from", "ZZ", "--count", "1", "--seconds", "200ms", site.config)
    assert (ended.code, ended.out) == (1, "")


def test_when_the_time_is_over_without_a_count_it_succeeds(shell: Shell, site: Site) -> None:
    assert shell.jph("watch", "--seconds", "100ms", site.config).code == 0


def test_it_ends_silently_when_its_reader_does(shell: Shell, site: Site) -> None:
    with watching(shell, site) as watch:
        output(watch).readline()
        output(watch).close()
        assert watch.wait() == 141
        assert errors(watch).read() == ""


def test_it_notices_on_a_silent_bus_too_that_its_reader_has_ended(shell: Shell, site: Site) -> None:
    with watching(shell, site, "--from", "ZZ") as watch:
        output(watch).close()
        assert watch.wait() == 141


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["send", "q", "C1"], "flags are N new, I alive"),
        (["send", "f", "C1"], "readings come from agents"),
        (["send", "ping", "C"], "two printable characters"),
        (["send", "set", "C1", "inf"], "write 80, -5 or 21.5"),
        (["watch", "--flag", "setting"], "flags are N new, I alive"),
        (["watch", "--bus", "radio"], "'control', 'data'"),
        (["watch", "--seconds", "soon"], "write 5s, 10m or 24h"),
        (["watch", "--from", "@@"], "two printable characters"),
    ],
)
def test_what_is_not_understood_is_answered_with_what_would_be(shell: Shell, arguments: list[str], advice: str) -> None:
    ended = shell.jph(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert advice in ended.err
    assert f"jph {arguments[0]} --help" in ended.err


@contextmanager
def watching(shell: Shell, site: Site, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """Run `jph watch --json` from when it listens until it has ended."""
    with shell.start("watch", "--json", *arguments, site.config) as watch:
        assert "; as CA" in errors(watch).readline()
        try:
            yield watch
        finally:
            watch.kill()


@contextmanager
def sender() -> Iterator[socket.socket]:
    """Give a socket from which anything can be sent to groups on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        yield opened


def _address(group: Group) -> tuple[str, int]:
    return group.address, group.port


def _nan_reading() -> bytes:
    """Return a data frame under `f` that carries NaN, which no agent of ours sends."""
    return struct.pack("<I4xQc2s2s3xIf", 1, 1_700_000_000_000, b"f", b"NA", b"@@", 4, float("nan"))
