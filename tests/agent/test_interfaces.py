"""Which interface is used: by name, address or network, by the default route, or loopback."""

import contextlib
import socket
from ipaddress import ip_interface
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import interfaces
from agent.interfaces import BusError, Choice, choose
from agent.netlink import Interface


def interface(index: int, name: str, *addresses: str, up: bool = True, running: bool = True) -> Interface:
    return Interface(index, name, up, running, name == "lo", tuple(map(ip_interface, addresses)))


LO = interface(1, "lo", "127.0.0.1/8", "::1/128")
ETH = interface(2, "eth0", "192.168.1.10/24", "192.168.1.11/24", "fd00::10/64", "fe80::10/64")
WLAN = interface(3, "wlan0", "192.168.2.10/24")
ALL = (LO, ETH, WLAN)
ALL_OF_IPV4 = tuple(choose(known.name, 4, ALL, default=None).interface for known in ALL)

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0
"""

NOTHING = "0" * 32
ROUTES_6 = f"""\
fd000000000000000000000000000000 40 {NOTHING} 00 {NOTHING} 00000100 00000001 00000000 00000001     eth0
{NOTHING} 00 {NOTHING} 00 fe800000000000000000000000000001 00000400 00000002 00000000 00000003    wlan0
{NOTHING} 00 {NOTHING} 00 fe800000000000000000000000000001 00000200 00000002 00000000 00000003     eth0
{NOTHING} 00 {NOTHING} 00 {NOTHING} ffffffff 00000001 00000000 00200200       lo
"""


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("eth0", "eth0"),
        ("lo", "lo"),
        ("192.168.2.10", "wlan0"),
        ("192.168.1.11", "eth0"),
        ("192.168.2.0/24", "wlan0"),
        ("192.168.2.99/24", "wlan0"),
        ("fd00::/64", "eth0"),
        ("fd00::10", "eth0"),
    ],
)
def test_an_interface_is_wanted_by_name_address_or_network(wanted: str, expected: str) -> None:
    assert choose(wanted, 4, ALL, default=None).interface.name == expected


def test_of_several_in_the_network_it_is_the_first() -> None:
    assert choose("192.168.0.0/16", 4, ALL, default=None).interface.name == "eth0"


def test_what_is_wanted_goes_before_the_default_route() -> None:
    assert choose("wlan0", 4, ALL, default="eth0").interface.name == "wlan0"


def test_an_unknown_name_is_an_error_that_names_what_there_is() -> None:
    with pytest.raises(BusError) as caught:
        choose("eth7", 4, (LO, interface(4, "usb0")), default=None)
    assert caught.value.message == 'no interface "eth7" (network.interface)'
    assert caught.value.hint == "this computer has lo (127.0.0.1, ::1), usb0 (no address)"


def test_a_network_without_an_interface_is_an_error_that_names_it() -> None:
    with pytest.raises(BusError, match=r"no interface has an address in 10\.0\.0\.0/8"):
        choose("10.0.0.0/8", 4, ALL, default=None)


def test_without_a_wish_it_is_the_one_of_the_default_route() -> None:
    assert choose(None, 4, ALL, default="wlan0").describe() == "wlan0 (192.168.2.10, default route)"


def test_without_a_default_route_it_is_loopback() -> None:
    assert choose(None, 4, ALL, default=None).describe() == "lo (127.0.0.1, no default route)"


def test_when_no_interface_is_up_that_is_said_of_all() -> None:
    down = (interface(1, "lo", up=False), interface(2, "eth0", "10.0.0.1/8", up=False))
    with pytest.raises(BusError, match="no network interface is up") as caught:
        choose(None, 4, down, default=None)
    assert caught.value.hint == "`ip link` lists them: lo (no address), eth0 (10.0.0.1)"


def test_a_default_route_into_nothing_counts_as_none() -> None:
    assert choose(None, 4, ALL, default="ppp0").interface.name == "lo"


def test_when_the_default_route_goes_the_current_interface_stays() -> None:
    assert choose(None, 4, ALL, default=None, current="eth0").interface.name == "eth0"


def test_when_the_default_route_moves_it_is_followed() -> None:
    assert choose(None, 4, ALL, default="wlan0", current="eth0").interface.name == "wlan0"


@pytest.mark.parametrize(
    "gone", [(LO,), (LO, interface(2, "eth0")), (LO, interface(2, "eth0", "10.0.0.1/8", up=False))]
)
def test_a_current_interface_that_cannot_send_does_not_stay(gone: tuple[Interface, ...]) -> None:
    assert choose(None, 4, gone, default=None, current="eth0").interface.name == "lo"


def test_without_even_loopback_there_is_nothing_to_choose() -> None:
    with pytest.raises(BusError, match="not even loopback"):
        choose(None, 4, (), default=None)


@pytest.mark.parametrize("version", [4, 6])
def test_only_addresses_of_the_wanted_version_count(version: interfaces.Version) -> None:
    chosen = choose("eth0", version, ALL, default=None).interface
    assert {address.version for address in chosen.addresses} == {version}


@given(st.text(max_size=20))
def test_any_wish_chooses_an_interface_or_is_an_error_for_the_operator(wanted: str) -> None:
    with contextlib.suppress(BusError):
        assert choose(wanted, 4, ALL, default=None).interface in ALL_OF_IPV4


def test_an_interface_without_an_address_is_described_as_such() -> None:
    assert Choice(interface(4, "usb0"), "as configured").describe() == "usb0 (no address, as configured)"


def test_an_interface_with_an_address_is_ready() -> None:
    assert interfaces.unready(ETH, 4) == ""


def test_an_interface_that_is_down_cannot_send() -> None:
    assert interfaces.unready(interface(2, "eth0", "10.0.0.1/8", up=False), 4) == "eth0 is down"


def test_an_interface_without_an_address_of_the_version_cannot_send() -> None:
    assert interfaces.unready(WLAN, 6) == "wlan0 has no IPv6 address"


def test_loopback_is_ready_for_ipv4_only() -> None:
    assert interfaces.unready(LO, 4) == ""
    assert interfaces.unready(LO, 6).startswith("Linux has no IPv6 multicast on lo")


def test_no_carrier_speaks_against_an_interface() -> None:
    assert interfaces.weakness(interface(2, "eth0", running=False)) == "eth0 has no carrier"
    assert interfaces.weakness(ETH) == ""


def test_the_default_route_of_the_lowest_metric_is_taken() -> None:
    assert interfaces.default_of_ipv4(ROUTES) == "eth0"
    assert interfaces.default_of_ipv6(ROUTES_6) == "eth0"


def test_half_of_the_addresses_is_no_default_route() -> None:
    """A tunnel that takes all traffic by two routes of one bit each is not where the neighbours are."""
    assert interfaces.default_of_ipv4("\n".join([ROUTES.splitlines()[0], ROUTES.splitlines()[-1]])) is None


@pytest.mark.parametrize("flags", ["0000", "0201"])
def test_a_route_that_is_down_or_rejects_is_none(flags: str) -> None:
    assert interfaces.default_of_ipv4(ROUTES.replace("\t0003\t", f"\t{flags}\t")) is None


def test_tables_without_routes_have_no_default() -> None:
    assert interfaces.default_of_ipv4(ROUTES.splitlines()[0]) is None
    assert interfaces.default_of_ipv6("") is None


def test_what_rejects_everything_is_no_default_route_of_ipv6() -> None:
    assert interfaces.default_of_ipv6(ROUTES_6.splitlines()[-1]) is None


def test_a_kernel_without_ipv6_has_no_default_route_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(interfaces, "IPV6_ROUTES", tmp_path / "missing")
    assert interfaces.default_interface(6) is None


def test_this_computer_answers_for_both_versions() -> None:
    names = {None, *(name for _, name in socket.if_nameindex())}
    assert {interfaces.default_interface(4), interfaces.default_interface(6)} <= names
