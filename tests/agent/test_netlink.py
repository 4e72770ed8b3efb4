"""What the kernel says of its interfaces, as it lays it out in messages."""

import socket
import struct
from ipaddress import ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import netlink
from agent.netlink import Interface

UP_AND_RUNNING = 0x1 | 0x40
TENTATIVE = 0x40


def attribute(kind: int, content: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(content), kind) + content + bytes(-len(content) % 4)


def link(index: int, name: bytes, flags: int) -> bytes:
    """Lay out an RTM_NEWLINK message: struct ifinfomsg, an attribute that is not read, and the name."""
    return struct.pack("=BxHiII", 0, 1, index, flags, 0) + attribute(13, b"\1") + attribute(3, name + b"\0")


def address(family: int, prefix_bits: int, flags: int, index: int, *attributes: bytes) -> bytes:
    """Lay out an RTM_NEWADDR message: struct ifaddrmsg and attributes."""
    return struct.pack("=BBBBI", family, prefix_bits, flags, 0, index) + b"".join(attributes)


def test_a_link_has_an_index_a_name_and_a_state() -> None:
    assert netlink.parse_link(link(3, b"eth0", UP_AND_RUNNING)) == Interface(
        index=3, name="eth0", up=True, running=True, loopback=False
    )


def test_a_link_without_a_carrier_does_not_run() -> None:
    assert netlink.parse_link(link(3, b"eth0", 0x1)).running is False


def test_loopback_is_known_by_its_flag_not_by_its_name() -> None:
    assert netlink.parse_link(link(1, b"self", UP_AND_RUNNING | 0x8)).loopback is True


def test_an_ipv4_address_is_the_local_one_of_a_point_to_point_link() -> None:
    here, there = socket.inet_aton("10.0.0.1"), socket.inet_aton("10.0.0.2")
    message = address(socket.AF_INET, 32, 0, 3, attribute(1, there), attribute(2, here))
    assert netlink.parse_address(message) == (3, ip_interface("10.0.0.1/32"))


def test_an_ipv6_address_has_no_local_one() -> None:
    packed = socket.inet_pton(socket.AF_INET6, "fd00::1")
    message = address(socket.AF_INET6, 64, 0, 3, attribute(1, packed))
    assert netlink.parse_address(message) == (3, ip_interface("fd00::1/64"))


def test_an_address_that_is_still_looked_for_on_the_link_is_none_yet() -> None:
    packed = socket.inet_pton(socket.AF_INET6, "fd00::1")
    assert netlink.parse_address(address(socket.AF_INET6, 64, TENTATIVE, 3, attribute(1, packed))) is None


@pytest.mark.parametrize("family", [socket.AF_UNIX, 129])
def test_addresses_of_other_protocols_are_none(family: int) -> None:
    assert netlink.parse_address(address(family, 0, 0, 3, attribute(1, bytes(6)))) is None


def test_messages_start_on_multiples_of_four() -> None:
    def message(kind: int, body: bytes) -> bytes:
        return struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body + bytes(-len(body) % 4)

    datagram = message(16, b"abc") + message(20, b"defg") + message(3, b"")
    assert list(netlink.messages(datagram)) == [(16, b"abc"), (20, b"defg"), (3, b"")]


@given(st.binary(max_size=200))
def test_any_datagram_is_split_into_what_is_whole(datagram: bytes) -> None:
    bodies = [body for _, body in netlink.messages(datagram)]
    assert sum(16 + len(body) for body in bodies) <= len(datagram)


def test_the_interfaces_of_this_computer_are_those_that_it_names() -> None:
    assert [(found.index, found.name) for found in netlink.interfaces()] == sorted(socket.if_nameindex())


def test_loopback_of_this_computer_has_its_address() -> None:
    loopback = next(found for found in netlink.interfaces() if found.loopback)
    assert ip_interface("127.0.0.1/8") in loopback.addresses


def test_a_bell_that_did_not_ring_has_nothing_to_say() -> None:
    with netlink.open_bell() as bell:
        netlink.silence_bell(bell)
        with pytest.raises(BlockingIOError):
            bell.recv(1)
