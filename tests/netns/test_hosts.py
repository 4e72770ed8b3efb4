"""The hosts themselves: that they are apart, and that nothing of them stays."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netns.hosts import Host, Lan, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "there can be hosts here")


@pytest.fixture
def pair(lan: Lan) -> Iterator[tuple[Host, socket.socket, Host, socket.socket]]:
    """Give two hosts with a UDP socket on each."""
    one, other = lan.host("one"), lan.host("other")
    with listening(one) as here, listening(other) as there:
        yield one, here, other, there


def listening(host: Host) -> socket.socket:
    with host.entered():
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("", 7000))
    opened.setblocking(False)
    return opened


def test_hosts_reach_each_other(pair: tuple[Host, socket.socket, Host, socket.socket]) -> None:
    one, here, other, there = pair
    here.sendto(b"hello", (other.address, 7000))
    there.setblocking(True)
    assert there.recvfrom(100) == (b"hello", (one.address, 7000))


def test_nothing_passes_a_cut_and_nobody_is_told(pair: tuple[Host, socket.socket, Host, socket.socket]) -> None:
    _, here, other, there = pair
    there.setblocking(True)
    here.sendto(b"before", (other.address, 7000))  # what is sent before the neighbour is found waits for it
    assert there.recv(100) == b"before"
    other.cut()
    here.sendto(b"lost", (other.address, 7000))
    assert "state UP" in other.run("ip", "link", "show", "eth0")
    other.mend()
    here.sendto(b"after", (other.address, 7000))
    assert there.recv(100) == b"after"


def test_what_is_lost_is_counted(pair: tuple[Host, socket.socket, Host, socket.socket]) -> None:
    _, here, other, there = pair
    other.lose(percent=100)
    for _ in range(10):
        here.sendto(b"lost", (other.address, 7000))
    other.lose(percent=0)
    here.sendto(b"hello", (other.address, 7000))
    there.setblocking(True)
    assert there.recv(100) == b"hello"
    assert other.lost() == 10


def test_a_thread_that_entered_a_host_comes_back(lan: Lan) -> None:
    before = socket.if_nameindex()
    host = lan.host("alone", plugged=False)
    with host.entered():
        assert socket.if_nameindex() == [(1, "lo")]
    assert socket.if_nameindex() == before


def test_a_program_that_fails_says_so(lan: Lan) -> None:
    with pytest.raises(RuntimeError, match="exit code 1"):
        lan.host("alone", plugged=False).run("false")


def test_closing_ends_the_programs_and_removes_the_hosts() -> None:
    with Lan() as lan:
        host = lan.host("alone", plugged=False)
        process = host.start("sleep", "1000")
    assert process.returncode is not None
    assert not Path("/run/netns", host.name).exists()
